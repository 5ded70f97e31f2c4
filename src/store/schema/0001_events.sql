-- Every kept event, one row each; nothing in it names a person. Raw reports read it; roll-ups are made from it.
-- Partitioned by the day on which its rows expire, so that expired data goes as whole parts (P9). Sorted by the hour, then by
-- what the events of a visit share, so that this is stored about once a visit; ranges of time are still found by the key
-- (not so if `time` itself stood at its end: conditions would be asked of that instead).
-- Not by visit: it is cleared before the rows go, and their order must not keep what was cleared.
CREATE TABLE IF NOT EXISTS events
(
    site             LowCardinality(String) COMMENT 'Site id as configured, e.g. example.com' CODEC(ZSTD(1)),
    time             DateTime('UTC') COMMENT 'Minute in which the server received the beacon; seconds are never stored (P8)' CODEC(Delta, ZSTD(1)),
    name             LowCardinality(String) COMMENT 'pageview, engagement, or the name of a custom event' CODEC(ZSTD(1)),
    key              UInt64 COMMENT 'Random id of the pageview or event, from the page; an engagement row carries the key of its pageview. Not a visitor id' CODEC(ZSTD(1)),
    visitor          UInt64 COMMENT 'Visitor of one site on one site-local day; 0 = not known or cleared. HMAC under a salt that is destroyed after the day (P3)' CODEC(ZSTD(1)),
    visit            UInt64 COMMENT 'Random id of the visit (events of a visitor with gaps under 30 minutes); 0 = not known or cleared' CODEC(ZSTD(1)),
    seq              UInt16 COMMENT 'Place of the event in its visit, from 1; 0 = no visit; engagement rows carry that of their latest event' CODEC(T64, ZSTD(1)),
    elapsed          UInt32 COMMENT 'Whole seconds from the start of the visit to this event' CODEC(T64, ZSTD(1)),
    hostname         LowCardinality(String) COMMENT 'Host of the page' CODEC(ZSTD(1)),
    path             String COMMENT 'Scrubbed path of the page (P7)' CODEC(ZSTD(3)),
    previous_path    String COMMENT 'Path of the page seen before in this visit; empty at its start' CODEC(ZSTD(3)),
    entry_path       String COMMENT 'Path of the first page of this visit' CODEC(ZSTD(3)),
    referrer         LowCardinality(String) COMMENT 'Host that linked to the first page of this visit; never a full URL' CODEC(ZSTD(1)),
    source           LowCardinality(String) COMMENT 'Name of the source of this visit, e.g. Google; empty = direct' CODEC(ZSTD(1)),
    channel          LowCardinality(String) COMMENT 'Class of the source, e.g. Organic Search, Referral, Direct' CODEC(ZSTD(1)),
    utm_source       LowCardinality(String) COMMENT 'Campaign parameters of the first page of this visit; consented visits only' CODEC(ZSTD(1)),
    utm_medium       LowCardinality(String) COMMENT 'See utm_source' CODEC(ZSTD(1)),
    utm_campaign     LowCardinality(String) COMMENT 'See utm_source' CODEC(ZSTD(1)),
    utm_content      LowCardinality(String) COMMENT 'See utm_source' CODEC(ZSTD(1)),
    utm_term         LowCardinality(String) COMMENT 'See utm_source' CODEC(ZSTD(1)),
    country          LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2, looked up from the truncated address; empty = unknown' CODEC(ZSTD(1)),
    region           LowCardinality(String) COMMENT 'ISO 3166-2 subdivision, e.g. JP-13; empty = unknown' CODEC(ZSTD(1)),
    city             LowCardinality(String) COMMENT 'English name of the city; empty = unknown. Reports fold small ones (P10)' CODEC(ZSTD(1)),
    browser          LowCardinality(String) COMMENT 'Browser family; empty = unknown' CODEC(ZSTD(1)),
    browser_version  UInt16 COMMENT 'Major version; 0 = unknown' CODEC(ZSTD(1)),
    os               LowCardinality(String) COMMENT 'Operating system family; empty = unknown' CODEC(ZSTD(1)),
    os_version       LowCardinality(String) COMMENT 'Major version; empty = unknown' CODEC(ZSTD(1)),
    device           LowCardinality(String) COMMENT 'desktop, mobile, tablet, other; empty = unknown' CODEC(ZSTD(1)),
    screen           LowCardinality(String) COMMENT 'Class of the viewport width: xs < 576, sm < 768, md < 992, lg < 1200, xl < 1600, xxl; empty = unknown' CODEC(ZSTD(1)),
    language         LowCardinality(String) COMMENT 'Primary language subtag, e.g. ja; empty = unknown' CODEC(ZSTD(1)),
    visit_number     UInt8 COMMENT 'Which visit of this device it is, in classes 1, 2, 3 (3-5), 6 (6-10), 11 (11 and more); 0 = not known' CODEC(ZSTD(1)),
    days_since_seen  Int16 COMMENT 'Site-local days since the previous visit of this device, 0 to 400; 32767 = never seen before; -1 = not known' CODEC(T64, ZSTD(1)),
    interactive      Bool COMMENT 'Whether the event ends a bounce (pageviews do from the second on)' CODEC(ZSTD(1)),
    engaged_ms       UInt32 COMMENT 'engagement rows: milliseconds the page was visible and focused so far; cumulative under key, the greatest counts' CODEC(T64, ZSTD(1)),
    scroll           UInt8 COMMENT 'engagement rows: greatest scroll depth so far in percent, 0 to 100; 255 = not known' CODEC(ZSTD(1)),
    props            Map(LowCardinality(String), String) COMMENT 'Scrubbed properties of a custom event; consented visits only',
    revenue          Decimal(18, 3) COMMENT 'Amount of a custom event; 0 = none',
    currency         LowCardinality(String) COMMENT 'ISO 4217; empty = none' CODEC(ZSTD(1)),
    clicks           Array(UInt16) COMMENT 'Click cells of the page: row * 20 + column, columns of 5 % of the width; consented visits only',
    lcp_ms           Nullable(UInt32) COMMENT 'Largest Contentful Paint, milliseconds',
    inp_ms           Nullable(UInt32) COMMENT 'Interaction to Next Paint, milliseconds',
    cls              Nullable(Float32) COMMENT 'Cumulative Layout Shift, no unit',
    fcp_ms           Nullable(UInt32) COMMENT 'First Contentful Paint, milliseconds',
    ttfb_ms          Nullable(UInt32) COMMENT 'Time to First Byte, milliseconds',
    basis            LowCardinality(String) COMMENT 'On what ground the event is kept: consent, exempt or count (DESIGN section 4)' CODEC(ZSTD(1)),
    policy           LowCardinality(String) COMMENT 'Version of the privacy policy it was collected under (P9)' CODEC(ZSTD(1)),
    expires          Date COMMENT 'Day on which the row is destroyed, fixed when it was collected (P9)'
)
ENGINE = MergeTree
PARTITION BY expires
ORDER BY (site, toStartOfHour(time), entry_path, country, browser, browser_version, os, screen)
TTL expires
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Kept events of all sites';

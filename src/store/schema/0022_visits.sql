-- Finished visits without any id, one row for each site-local day that a visit had events in; and one for each event that
-- belongs to no visit. Written when a day is rolled up, so that reports about visits stay right, with filters too, when
-- the ids of events are cleared. Goes when the events it comes from go (P9).
CREATE TABLE IF NOT EXISTS visits
(
    site             LowCardinality(String) COMMENT 'Site id as configured',
    day              Date COMMENT 'Site-local day',
    version          UInt64 COMMENT 'Which building of the day the row comes from; only those named in rolled_days count',
    began            Bool COMMENT 'Whether the visit began on this day; what describes whole visits stands in that row only',
    first_of_day     Bool COMMENT 'Whether no earlier visit of the same visitor had events on this day; false where there is no visitor',
    pageviews        UInt32 COMMENT 'Pages seen on this day' CODEC(T64, ZSTD(1)),
    events           UInt32 COMMENT 'Pageviews and custom events of this day' CODEC(T64, ZSTD(1)),
    views            UInt32 COMMENT 'Pages seen in the whole visit' CODEC(T64, ZSTD(1)),
    bounced          Bool COMMENT 'At most one page and no interactive event',
    duration_s       UInt32 COMMENT 'Seconds from the first to the last record of the visit' CODEC(T64, ZSTD(1)),
    engaged_ms       UInt64 COMMENT 'Milliseconds that the pages of this day were visible and focused' CODEC(T64, ZSTD(1)),
    is_engaged       Bool COMMENT 'Whether it is a visit with any such time',
    scroll_percent   UInt32 COMMENT 'Sum of the greatest scroll depths of these pages, percent' CODEC(T64, ZSTD(1)),
    scrolled_views   UInt32 COMMENT 'Pages whose scroll depth is known' CODEC(T64, ZSTD(1)),
    referrer         LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    source           LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    channel          LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    utm_source       LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    utm_medium       LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    utm_campaign     LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    utm_content      LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    utm_term         LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    country          LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    region           LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    city             LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    browser          LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    browser_version  UInt16 COMMENT 'As in events, of the first event of the visit on this day',
    os               LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    os_version       LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    device           LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    screen           LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    language         LowCardinality(String) COMMENT 'As in events, of the first event of the visit on this day',
    visit_number     UInt8 COMMENT 'As in events, of the first event of the visit on this day',
    days_since_seen  Int16 COMMENT 'As in events, of the first event of the visit on this day' CODEC(T64, ZSTD(1)),
    entry_path       String COMMENT 'Path of the first page of the visit' CODEC(ZSTD(3)),
    entry_hostname   LowCardinality(String) COMMENT 'Host of the first page of the visit',
    exit_path        String COMMENT 'Path of the last page of the visit' CODEC(ZSTD(3)),
    exit_hostname    LowCardinality(String) COMMENT 'Host of the last page of the visit',
    expires          Date COMMENT 'Day on which the row is destroyed: when the first of its events is'
)
ENGINE = MergeTree
PARTITION BY expires
ORDER BY (site, day, source, country, device)
TTL expires
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
COMMENT 'Finished visits without ids'

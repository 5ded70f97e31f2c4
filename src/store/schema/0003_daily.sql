-- What the events of a site's day amount to, by one dimension at a time: counts only, so that an answer over months costs
-- what the answer is long, and is still there when the events are gone. Built whole days at a time; see rolled_days.
CREATE TABLE IF NOT EXISTS daily
(
    site             LowCardinality(String) COMMENT 'Site id as configured',
    dimension        LowCardinality(String) COMMENT 'Name of the dimension that the row is about, e.g. visit:source; empty = the whole site',
    day              Date COMMENT 'Site-local day; a visit belongs to the day on which it began',
    version          UInt64 COMMENT 'Which building of the day the row comes from, milliseconds since 1970; only those named in rolled_days count',
    value            String COMMENT 'Value of the dimension as reports show it',
    other            String COMMENT 'Value of the second dimension where there are two (page and next page), else empty',
    seen_days        Array(Int16) COMMENT 'Different values of days_since_seen among the visits that began, 0 to 400 and 32767; parallel to seen_visits' CODEC(ZSTD(3)),
    seen_visits      Array(UInt64) COMMENT 'How many of these visits had each; from it people are counted over any range of days' CODEC(ZSTD(3)),
    known            UInt64 COMMENT 'Dimensions of events: daily visitors whose history is known' CODEC(T64, ZSTD(1)),
    daily            UInt64 COMMENT 'Daily visitors whose history is not known' CODEC(T64, ZSTD(1)),
    new              UInt64 COMMENT 'Dimensions of events: daily visitors who had never been here' CODEC(T64, ZSTD(1)),
    visits           UInt64 COMMENT 'Visits that began; for dimensions of events, visits that had such an event' CODEC(T64, ZSTD(1)),
    pageviews        UInt64 COMMENT 'Pages seen' CODEC(T64, ZSTD(1)),
    events           UInt64 COMMENT 'Pageviews and custom events' CODEC(T64, ZSTD(1)),
    whole_visits     UInt64 COMMENT 'Visits that began, read to their end' CODEC(T64, ZSTD(1)),
    bounces          UInt64 COMMENT 'Of these, those with at most one page and no interactive event' CODEC(T64, ZSTD(1)),
    duration_s       UInt64 COMMENT 'Seconds that these lasted, together' CODEC(T64, ZSTD(1)),
    visit_views      UInt64 COMMENT 'Pageviews of these' CODEC(T64, ZSTD(1)),
    engaged_ms       UInt64 COMMENT 'Milliseconds that pages were visible and focused, together' CODEC(T64, ZSTD(1)),
    engaged_visits   UInt64 COMMENT 'Visits with any such time' CODEC(T64, ZSTD(1)),
    scroll_percent   UInt64 COMMENT 'Sum of the greatest scroll depths of the pageviews, percent' CODEC(T64, ZSTD(1)),
    scrolled_views   UInt64 COMMENT 'Pageviews whose scroll depth is known' CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, dimension, day, value, other)
TTL day + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Daily counts of each site by one dimension at a time'

-- Which days of which site stand in daily, and in which version. Written after all rows of the version are there, so that
-- a building that broke off is never read; a day is built anew when more events of it are found than were counted.
CREATE TABLE IF NOT EXISTS rolled_days
(
    site     LowCardinality(String) COMMENT 'Site id as configured',
    day      Date COMMENT 'Site-local day',
    version  UInt64 COMMENT 'Version of the rows in daily; the greatest counts',
    events   UInt64 COMMENT 'Rows of events that the day had when it was built',
    zone     LowCardinality(String) COMMENT 'Time zone by which the day was cut'
)
ENGINE = MergeTree
ORDER BY (site, day, version)
TTL day + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Days that are rolled up'

-- Creates the table in which a partition of events is rewritten: the same keys, nothing else.
CREATE TABLE events_rewritten AS events
ENGINE = MergeTree
PARTITION BY expires
ORDER BY (site, toStartOfHour(time), entry_path, country, browser, browser_version, os, screen)
TTL expires
SETTINGS ttl_only_drop_parts = 1
COMMENT 'Rows of one partition of events while they are cleared'

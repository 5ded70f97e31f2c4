-- Faulty requests by shortened network and day, apart from events and with a short life: nothing in it can be joined to one.
CREATE TABLE IF NOT EXISTS security
(
    day       Date COMMENT 'Day, UTC',
    network   String COMMENT 'Network of conspicuously many faulty requests, /24 or /48; private = none that is public; empty = all others together',
    reason    LowCardinality(String) COMMENT 'Why they were not taken, as in outcomes',
    requests  UInt64 COMMENT 'How many requests'
)
ENGINE = SummingMergeTree
PARTITION BY day
ORDER BY (day, network, reason)
TTL day + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1
COMMENT 'Daily counts of faulty requests by shortened network'

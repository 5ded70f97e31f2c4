-- What became of beacons, by site, day and outcome: counts only, so that losses can be seen without keeping what was refused.
CREATE TABLE IF NOT EXISTS outcomes
(
    site     LowCardinality(String) COMMENT 'Site id as configured; empty = the beacon named no configured site',
    day      Date COMMENT 'Site-local day; UTC where no site is known',
    outcome  LowCardinality(String) COMMENT 'accepted, or the reason it was not kept: refused, gpc, dnt, opted_out, bot, spam, unknown_site, foreign_host, ...',
    beacons  UInt64 COMMENT 'How many beacons'
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, outcome)
TTL day + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Daily counts of beacons kept and not kept, by reason';

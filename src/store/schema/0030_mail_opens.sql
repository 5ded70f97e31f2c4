-- Opened e-mails, by site, day and campaign: totals only, so that nobody can be found in them.
CREATE TABLE IF NOT EXISTS mail_opens
(
    site      LowCardinality(String) COMMENT 'Site id as configured',
    day       Date COMMENT 'Site-local day on which the image was fetched',
    campaign  LowCardinality(String) COMMENT 'Campaign as configured in mail_campaigns',
    opens     UInt64 COMMENT 'How often the image was fetched, by whomever; mail services may fetch it unasked'
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, campaign)
TTL day + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Daily totals of opened e-mails by campaign'

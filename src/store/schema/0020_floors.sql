-- How many distinct visitors a number must be about to be shown (P10), by audience; written at each start, the latest
-- counts. A table and not a number in the view, so that the view need not be made anew.
CREATE TABLE IF NOT EXISTS floors
(
    audience  LowCardinality(String) COMMENT 'analyst: whoever reads report_days',
    visitors  UInt32 COMMENT 'Distinct visitors below which a row is folded into (other)',
    set       DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When it was set'
)
ENGINE = ReplacingMergeTree(set)
ORDER BY audience
COMMENT 'Floors of small counts'

-- Until when the ids of a site's events are cleared. Such days are never rolled up again: nothing could be counted right.
CREATE TABLE IF NOT EXISTS cleared
(
    site    LowCardinality(String) COMMENT 'Site id as configured',
    before  Date COMMENT 'First site-local day whose events have their ids; the greatest counts',
    set     DateTime('UTC') DEFAULT now() COMMENT 'When it was cleared'
)
ENGINE = MergeTree
ORDER BY (site, before)
COMMENT 'Days whose visitor and visit ids are cleared'

-- What analysts may read: the days that are rolled up, by one dimension at a time, with small counts folded (P10). Within
-- each site, day and dimension, rows of too few visitors and the smallest other one are one row (other), which is absent
-- where it is still about too few. Read with the rights of whoever made it, so that SELECT on the view is all an analyst
-- needs; without any floor set it is empty.
CREATE VIEW IF NOT EXISTS report_days
(
    site        LowCardinality(String) COMMENT 'Site id as configured',
    day         Date COMMENT 'Site-local day; a visit belongs to the day on which it began',
    dimension   LowCardinality(String) COMMENT 'Name of the dimension that the row is about, e.g. visit:source; empty = the whole site',
    value       String COMMENT 'Value of the dimension; (other) = all values of too few visitors',
    other       String COMMENT 'Value of the second dimension where there are two (page and next page), else empty',
    visitors    UInt64 COMMENT 'Distinct visitors of the day',
    visits      UInt64 COMMENT 'Visits that began; for dimensions of events, visits that had such an event',
    pageviews   UInt64 COMMENT 'Pages seen',
    events      UInt64 COMMENT 'Pageviews and custom events',
    bounces     UInt64 COMMENT 'Visits with at most one page and no interactive event',
    duration_s  UInt64 COMMENT 'Seconds that the visits lasted, together',
    engaged_ms  UInt64 COMMENT 'Milliseconds that pages were visible and focused, together'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT if(count() = 0, toUInt64(4294967295), toUInt64(argMax(visitors, set))) FROM floors WHERE audience = 'analyst') AS least
SELECT
    site,
    day,
    dimension,
    if(is_folded, '(other)', first_value) AS value,
    if(is_folded, if(second_value = '', '', '(other)'), second_value) AS other,
    sum(people) AS visitors,
    sum(row_visits) AS visits,
    sum(row_pageviews) AS pageviews,
    sum(row_events) AS events,
    sum(row_bounces) AS bounces,
    sum(row_duration_s) AS duration_s,
    sum(row_engaged_ms) AS engaged_ms
FROM
(
    SELECT *, max(about) OVER (PARTITION BY site, day, dimension, is_folded) AS shown_with
    FROM
    (
        SELECT *, smallest < least AND (about < least OR smaller < least) AS is_folded
        FROM
        (
            SELECT
                *,
                min(about) OVER (PARTITION BY site, day, dimension) AS smallest,
                max(about) OVER (PARTITION BY site, day, dimension ORDER BY about, first_value, second_value
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS smaller
            FROM
            (
                SELECT
                    site,
                    day,
                    dimension,
                    rolled.value AS first_value,
                    rolled.other AS second_value,
                    sum(arraySum((seen, began) -> if(seen > 0, began, 0), seen_days, seen_visits) + known + daily) AS people,
                    -- Pages that are only counted know no visitors; their number stands in.
                    if(people = 0, sum(rolled.events), people) AS about,
                    sum(rolled.visits) AS row_visits,
                    sum(rolled.pageviews) AS row_pageviews,
                    sum(rolled.events) AS row_events,
                    sum(rolled.bounces) AS row_bounces,
                    sum(rolled.duration_s) AS row_duration_s,
                    sum(rolled.engaged_ms) AS row_engaged_ms
                FROM daily AS rolled
                WHERE (rolled.site, rolled.day, rolled.version) IN (SELECT site, day, max(version) FROM rolled_days GROUP BY site, day)
                GROUP BY site, day, dimension, first_value, second_value
            ) AS each
        ) AS placed
    ) AS told
) AS ranked
WHERE if(is_folded, shown_with, about) >= least
GROUP BY site, day, dimension, value, other
COMMENT 'Daily counts of each site by one dimension at a time, small counts folded: what analysts may read'

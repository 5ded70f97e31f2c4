-- Time and scroll depth of the pages seen in a period. Engagement records of a pageview arrive up to a day later; the
-- greatest values count. Table events, one pass over the period and a day; memory by pageviews.
SELECT
    /*{columns}*/
FROM
(
    SELECT
        /*{dimensions}*/
        key,
        max(visit) AS of_visit,
        anyIf(visitor, name = 'pageview') AS of_visitor,
        max(engaged_ms) AS engaged,
        maxIf(scroll, name = 'engagement' AND scroll <= 100) AS depth,
        countIf(name = 'engagement' AND scroll <= 100) > 0 AS has_depth
    FROM events
    /*{joins}*/
    WHERE site = /*{site}*/
      AND time >= toDateTime(/*{since}*/, 'UTC')
      AND time < toDateTime(/*{until}*/, 'UTC') + INTERVAL 1 DAY
      AND name IN ('pageview', 'engagement')
      AND key != 0
    GROUP BY key
    HAVING countIf(name = 'pageview' AND time < toDateTime(/*{until}*/, 'UTC') /*{filters}*/) > 0
) AS each
/*{groups}*/

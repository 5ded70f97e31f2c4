-- Clicks on the pages seen in a period. Engagement records of a pageview arrive up to a day later; the one with the most
-- clicks contains those of the others. Table events, one pass over the period and a day.
SELECT
    /*{columns}*/
FROM
(
    SELECT
        /*{dimensions}*/
        key,
        argMax(clicks, length(clicks)) AS cells
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
ARRAY JOIN cells AS cell
/*{groups}*/

-- Totals of the visits that began in a period, each read to its end, at most a day past the period.
-- Table events, one pass over the period and a day; memory by visits.
SELECT
    /*{columns}*/
FROM
(
    SELECT
        /*{dimensions}*/
        visit,
        uniqExactIf(key, name = 'pageview') AS views,
        max(interactive AND name != 'pageview' AND name != 'engagement') AS is_interactive,
        max(elapsed) AS duration
    FROM events
    /*{joins}*/
    WHERE site = /*{site}*/
      AND time >= toDateTime(/*{since}*/, 'UTC')
      AND time < toDateTime(/*{until}*/, 'UTC') + INTERVAL 1 DAY
      AND visit != 0
      /*{filters}*/
    GROUP BY visit
    HAVING countIf(seq = 1 AND name != 'engagement' AND time < toDateTime(/*{until}*/, 'UTC')) > 0
) AS each
/*{groups}*/

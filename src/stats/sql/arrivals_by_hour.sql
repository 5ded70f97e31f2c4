-- By hours since some instant, how many visitors came for the first time of their day, or how many pages were seen where
-- visitors are not told apart. Table events, one pass over two days at most.
SELECT toInt64(intDiv(toUnixTimestamp(first) - /*{since}*/, 3600)) AS hour, toInt64(count()) AS came
FROM
(
    SELECT min(time) AS first
    FROM events
    WHERE site = /*{site}*/
      AND time >= toDateTime(/*{since}*/, 'UTC')
      AND time < toDateTime(/*{until}*/, 'UTC')
      AND /*{counted}*/
    GROUP BY /*{apart}*/
) AS arrived
GROUP BY hour
ORDER BY hour

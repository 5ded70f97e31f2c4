-- By hour since an instant: first arrivals of visitors on their day, or pageviews if visitors have no ids.
-- Table events, one pass over two days at most.
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

-- Values of a dimension that enough people of a period have. If smaller values exist, the smallest of these is left out too:
-- then the rest is about enough people as well. Table events or visits, one pass over the period.
SELECT value
FROM
(
    SELECT
        value,
        people,
        min(people) OVER () AS smallest,
        max(people) OVER (ORDER BY people, value ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS smaller
    FROM
    (
        SELECT /*{column}*/ AS value, toInt64(/*{people}*/) AS people
        /*{rows}*/
        GROUP BY value
    ) AS counted
) AS placed
WHERE NOT (smallest < /*{floor}*/ AND (people < /*{floor}*/ OR smaller < /*{floor}*/))

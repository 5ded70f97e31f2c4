-- Values of a dimension that enough people of a period have, the smallest of them left out where there are smaller ones:
-- the rest is then about enough people as well. Table events or visits, one pass over the period.
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

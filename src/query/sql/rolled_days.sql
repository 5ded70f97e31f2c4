-- Which days of a site are rolled up, in days since 1970. Table rolled_days, one row a day.
SELECT toInt32(day) AS rolled
FROM rolled_days
WHERE site = /*{site}*/
  AND zone = /*{zone}*/
GROUP BY rolled
ORDER BY rolled

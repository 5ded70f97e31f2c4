-- Which days of a site are rolled up, in days since 1970, whether their visits are written down, and the version that
-- counts. Table rolled_days, one row a day.
SELECT toInt32(day) AS rolled, toInt32(argMax(has_visits, version)) AS visits_are_kept, max(version)
FROM rolled_days
WHERE site = /*{site}*/
  AND zone = /*{zone}*/
GROUP BY rolled
ORDER BY rolled

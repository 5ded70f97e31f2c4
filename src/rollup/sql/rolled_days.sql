-- The days of a site that are rolled up (since 1970), whether their visits are stored, and the version that counts.
-- Table rolled_days, one row per day.
SELECT toInt32(day) AS rolled, toInt32(argMax(has_visits, version)) AS visits_are_kept, max(version)
FROM rolled_days
WHERE site = /*{site}*/
  AND zone = /*{zone}*/
GROUP BY rolled
ORDER BY rolled

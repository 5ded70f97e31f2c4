-- The days of a site whose visits are stored and whose ids are old enough to be cleared. Table rolled_days, cheap.
SELECT toString(day)
FROM rolled_days
WHERE site = {site:String}
    AND zone = {zone:String}
    AND day < {today:Date} - {days:UInt16}
GROUP BY day
HAVING argMax(has_visits, version)
ORDER BY day

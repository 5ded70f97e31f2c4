-- How many beacons of some days were kept and not kept, by outcome. Table outcomes, a few rows a day.
SELECT toString(outcome), sum(beacons)
FROM outcomes
WHERE site = /*{site}*/
  AND day >= toDate(/*{first_day}*/)
  AND day < toDate(/*{day_after}*/)
GROUP BY outcome
ORDER BY outcome

-- Beacons of some days by outcome. Table outcomes, a few rows per day.
SELECT toString(day) AS of_day, toString(outcome) AS result, sum(beacons)
FROM outcomes
WHERE site = /*{site}*/
  AND day >= toDate(/*{first_day}*/)
  AND day < toDate(/*{day_after}*/)
GROUP BY of_day, result
ORDER BY of_day, result

-- What the finished visits of some days amount to. Table visits, one pass over the days.
SELECT
    /*{columns}*/
FROM visits AS finished
WHERE site = /*{site}*/
  AND finished.day >= toDate(/*{first_day}*/)
  AND finished.day < toDate(/*{day_after}*/)
  AND (finished.day, finished.version) IN
  (
      SELECT day, max(version) FROM rolled_days WHERE site = /*{site}*/ AND zone = /*{zone}*/ GROUP BY day
  )
  /*{filters}*/
/*{groups}*/

-- Counts of the stored visits of some days. Table visits, one pass over the days.
SELECT
    /*{columns}*/
FROM visits AS finished
WHERE site = /*{site}*/
  AND finished.day >= toDate(/*{first_day}*/)
  AND finished.day < toDate(/*{day_after}*/)
  AND transform(toInt64(finished.day), /*{days}*/, /*{versions}*/, -1) = toInt64(finished.version)
  /*{filters}*/
/*{groups}*/

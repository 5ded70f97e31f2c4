-- What the days of a period count, by one dimension. Table daily, reads the dimension's rows of these days.
SELECT
    /*{columns}*/
FROM daily AS rolled
WHERE rolled.site = /*{site}*/
  AND rolled.dimension = /*{dimension}*/
  AND rolled.day >= toDate(/*{first_day}*/)
  AND rolled.day < toDate(/*{day_after}*/)
  AND transform(toInt64(rolled.day), /*{days}*/, /*{versions}*/, -1) = toInt64(rolled.version)
/*{groups}*/

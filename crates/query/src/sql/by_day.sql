-- Counts of the days of a period by one dimension. Table daily, reads the rows of the dimension for these days.
SELECT
    /*{columns}*/
FROM daily AS rolled
WHERE rolled.site = /*{site}*/
  AND rolled.dimension = /*{dimension}*/
  AND rolled.day >= toDate(/*{first_day}*/)
  AND rolled.day < toDate(/*{day_after}*/)
  AND transform(toInt64(rolled.day), /*{days}*/, /*{versions}*/, -1) = toInt64(rolled.version)
/*{groups}*/

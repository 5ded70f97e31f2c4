FROM visits AS stored
WHERE site = /*{site}*/
  AND stored.day >= toDate(/*{first_day}*/)
  AND stored.day < toDate(/*{day_after}*/)
  AND transform(toInt64(stored.day), /*{days}*/, /*{versions}*/, -1) = toInt64(stored.version)
  /*{filters}*/

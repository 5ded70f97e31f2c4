-- Counts of the events of a period, row by row. Table events, one pass over the period; memory by distinct ids.
SELECT
    /*{columns}*/
FROM events
/*{joins}*/
WHERE site = /*{site}*/
  AND time >= toDateTime(/*{since}*/, 'UTC')
  AND time < toDateTime(/*{until}*/, 'UTC')
  /*{rows}*/
  /*{filters}*/
/*{groups}*/

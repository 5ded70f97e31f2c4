-- Visitors (ids of one day) with an event of the period that meets a condition. Table events, one pass over the period.
SELECT visitor
FROM events
/*{joins}*/
WHERE site = /*{site}*/
  AND time >= toDateTime(/*{since}*/, 'UTC')
  AND time < toDateTime(/*{until}*/, 'UTC')
  /*{rows}*/
  AND visitor != 0
  /*{filters}*/

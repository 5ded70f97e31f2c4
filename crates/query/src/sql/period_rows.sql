FROM events
/*{joins}*/
WHERE site = /*{site}*/
  AND time >= toDateTime(/*{since}*/, 'UTC')
  AND time < toDateTime(/*{until}*/, 'UTC')
  /*{rows}*/
  /*{filters}*/

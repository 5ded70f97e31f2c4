-- Visitors with an event in the last minutes. Table events, reads these minutes only.
SELECT uniqExactIf(visitor, visitor != 0)
FROM events
WHERE site = /*{site}*/
  AND time >= toDateTime(/*{since}*/, 'UTC')
  AND time < toDateTime(/*{until}*/, 'UTC')

-- Days since the previous visit of the device, for the visits that began. Table events, one pass over the period.
SELECT
    /*{columns}*/
FROM
(
    SELECT
        /*{dimensions}*/
        days_since_seen AS seen,
        uniqExact(visit) AS people
    FROM events
    /*{joins}*/
    WHERE site = /*{site}*/
      AND time >= toDateTime(/*{since}*/, 'UTC')
      AND time < toDateTime(/*{until}*/, 'UTC')
      AND name != 'engagement'
      AND visit != 0
      AND seq = 1
      AND days_since_seen >= 0
    /*{groups}*/, seen
) AS each
/*{groups}*/

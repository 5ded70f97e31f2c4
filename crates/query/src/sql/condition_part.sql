-- Number of people of one answer. Costs as much as its scans.
SELECT '/*{part}*/' AS part, toUInt64(/*{number}*/) AS number, /*{sign}*/(/*{people}*/) AS people
FROM
(
    /*{scan}*/
) AS counted

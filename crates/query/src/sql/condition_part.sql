-- How many people one answer is about. Costs what its scans cost.
SELECT '/*{part}*/' AS part, toUInt64(/*{number}*/) AS number, /*{sign}*/(/*{people}*/) AS people
FROM
(
    /*{scan}*/
) AS counted

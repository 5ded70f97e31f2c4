-- How many people each row of one answer is about. Costs what its scans cost.
SELECT toUInt64(/*{asked}*/) AS asked, /*{names}*/, /*{people}*/ AS people
FROM
(
    /*{scan}*/
) AS counted
GROUP BY /*{names}*/

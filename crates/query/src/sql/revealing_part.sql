-- Number of people of each row of one answer. Costs as much as its scans.
SELECT toUInt64(/*{asked}*/) AS asked, /*{names}*/, /*{people}*/ AS people
FROM
(
    /*{scan}*/
) AS counted
GROUP BY /*{names}*/

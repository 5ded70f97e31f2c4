-- How many people each row of one answer is about. Costs what its readings cost.
SELECT toUInt64(/*{asked}*/) AS asked, /*{names}*/, /*{people}*/ AS people
FROM
(
    /*{reading}*/
) AS counted
GROUP BY /*{names}*/

-- How many people one answer is about. Costs what its readings cost.
SELECT /*{own}*/ AS is_own, /*{people}*/ AS people
FROM
(
    /*{reading}*/
) AS counted

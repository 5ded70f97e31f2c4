-- A reading, with the columns of by_history left empty. Costs what the reading costs.
SELECT *, emptyArrayInt16() AS seen_days, emptyArrayUInt64() AS seen_visits
FROM
(
    /*{reading}*/
) AS counted

-- A scan, with the columns of by_history left empty. Costs what the scan costs.
SELECT *, emptyArrayInt16() AS seen_days, emptyArrayUInt64() AS seen_visits
FROM
(
    /*{scan}*/
) AS counted

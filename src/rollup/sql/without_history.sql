-- A scan, with the columns of by_history left empty. Costs as much as the scan.
SELECT *, emptyArrayInt16() AS seen_days, emptyArrayUInt64() AS seen_visits
FROM
(
    /*{scan}*/
) AS counted

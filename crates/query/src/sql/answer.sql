-- One answer: the counts of its scans and stored days, added up by dimension. Costs as much as its scans.
SELECT
    /*{columns}*/
FROM
(
    /*{scans}*/
) AS counted
/*{everyone}*/
/*{groups}*/
/*{page}*/

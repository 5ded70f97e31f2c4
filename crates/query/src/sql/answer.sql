-- One answer: the counts of the scans of the events, added up by dimension. Costs what its scans cost.
SELECT
    /*{columns}*/
FROM
(
    /*{scans}*/
) AS counted
/*{everyone}*/
/*{groups}*/
/*{page}*/

-- One answer: the counts of the readings of the events, added up by dimension. Costs what its readings cost.
SELECT
    /*{columns}*/
FROM
(
    /*{readings}*/
) AS counted
/*{everyone}*/
/*{groups}*/
/*{page}*/

-- Whether a few people of the whole answer are missing from a row. Costs as much as its scans.
OR abs((
    SELECT /*{people}*/
    FROM
    (
        /*{scan}*/
    ) AS counted
) - own) BETWEEN 1 AND /*{floor}*/ - 1

-- The counts of an answer, with the rows of too few people as one. Costs what its readings cost, and sorts its rows.
SELECT
    /*{columns}*/
FROM
(
    SELECT *, /*{together}*/ AS shown_with
    FROM
    (
        SELECT *, smallest < /*{floor}*/ AND (people < /*{floor}*/ OR smaller < /*{floor}*/) AS is_folded
        FROM
        (
            SELECT *, min(people) OVER () AS smallest, /*{smaller}*/ AS smaller
            FROM
            (
                SELECT *, /*{people}*/ AS people
                FROM
                (
                    SELECT
                        /*{sums}*/
                    FROM
                    (
                        /*{readings}*/
                    ) AS counted
                    /*{groups}*/
                ) AS summed
            ) AS each
        ) AS placed
    ) AS told
) AS ranked
WHERE if(ranked.is_folded, ranked.shown_with, ranked.people) >= /*{floor}*/
  /*{gate}*/

-- The counts of an answer, with rows about too few people, and rows that reveal too few, folded into one. Costs as much as
-- its scans, and sorts its rows.
SELECT
    /*{shown}*/
FROM
(
    SELECT
        /*{kept}*/
    FROM
    (
        SELECT
            /*{columns}*/,
            ranked.people AS people
        FROM
        (
            SELECT *, /*{together}*/ AS shown_with
            FROM
            (
                SELECT *, smallest < /*{floor}*/ AND (ranked_as < /*{floor}*/ OR smaller < /*{floor}*/) AS is_folded
                FROM
                (
                    SELECT *, min(ranked_as) OVER () AS smallest, /*{smaller}*/ AS smaller
                    FROM
                    (
                        -- A row that reveals a few people counts as empty, so that another row is folded with it.
                        SELECT *, if(is_revealing, 0, people) AS ranked_as, if(is_revealing, 0, toInt64(known)) AS known_as
                        FROM
                        (
                            SELECT *, /*{people}*/ AS people, /*{revealing}*/ AS is_revealing
                            FROM
                            (
                                SELECT
                                    /*{sums}*/
                                FROM
                                (
                                    /*{scans}*/
                                ) AS counted
                                /*{groups}*/
                            ) AS summed
                        ) AS each
                    ) AS weighed
                ) AS placed
            ) AS told
        ) AS ranked
        WHERE if(ranked.is_folded, ranked.shown_with, ranked.people) >= /*{floor}*/
          /*{condition}*/
    ) AS kept
    /*{kept_groups}*/
) AS whole

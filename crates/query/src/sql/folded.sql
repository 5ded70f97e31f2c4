-- The counts of an answer, with the rows of too few people, and those that would tell of too few, as one. Costs what its
-- readings cost, and sorts its rows.
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
                        -- A row that tells of a few others counts as nobody, so that another one is folded with it.
                        SELECT *, if(is_telling, 0, people) AS ranked_as, if(is_telling, 0, toInt64(known)) AS known_as
                        FROM
                        (
                            SELECT *, /*{people}*/ AS people, /*{telling}*/ AS is_telling
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
                    ) AS weighed
                ) AS placed
            ) AS told
        ) AS ranked
        WHERE if(ranked.is_folded, ranked.shown_with, ranked.people) >= /*{floor}*/
          /*{gate}*/
    ) AS kept
    /*{kept_groups}*/
) AS whole

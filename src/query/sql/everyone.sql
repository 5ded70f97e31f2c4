-- How many people the whole answer is about, for `percentage`. Table events, one pass over the period.
CROSS JOIN
(
    SELECT sum(known) + sum(daily) AS everyone
    FROM
    (
        /*{reading}*/
    ) AS counted
) AS everybody

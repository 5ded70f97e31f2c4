-- Number of people of the whole answer, for `percentage`, or of its base, for `conversion_rate`. Table events, one pass
-- over the period.
CROSS JOIN
(
    SELECT sum(known) + sum(daily) AS /*{people}*/
    FROM
    (
        /*{scan}*/
    ) AS counted
) AS /*{alias}*/

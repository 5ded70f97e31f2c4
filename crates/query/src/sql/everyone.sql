-- How many people the whole answer is about, for `percentage`, or could have been, for `conversion_rate`. Table events, one pass over the period.
CROSS JOIN
(
    SELECT sum(known) + sum(daily) AS /*{people}*/
    FROM
    (
        /*{scan}*/
    ) AS counted
) AS /*{everybody}*/

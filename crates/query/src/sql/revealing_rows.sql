-- Rows of an answer from which a few people are missing, compared with the same row of an answer without one condition or
-- with the whole answer. Costs a scan for each condition, one for the rows and one for the whole.
SELECT /*{names}*/
FROM
(
    SELECT /*{names}*/, sumIf(people, asked = 0) AS own, sumMap([asked], [people]).2 AS each
    FROM
    (
        /*{parts}*/
    ) AS parts
    GROUP BY /*{names}*/
) AS compared
WHERE own > 0
  AND (arrayExists(other -> other != own AND abs(other - own) < /*{floor}*/, each) /*{whole}*/)

-- Whether an answer differs from each with one condition less by nobody or by enough people. Costs a reading for each.
(
    SELECT arrayAll(other -> other = own OR abs(other - own) >= /*{floor}*/, others)
    FROM
    (
        SELECT sumIf(people, is_own) AS own, groupArrayIf(people, NOT is_own) AS others
        FROM
        (
            /*{parts}*/
        ) AS parts
    ) AS compared
)

-- Whether an answer can be given: each answer with one condition removed differs from it by no one or by enough people,
-- and no one or enough people fail several conditions or have several values of a dimension. Costs a scan for each.
(
    SELECT arrayAll(other -> other = own OR abs(other - own) >= /*{floor}*/, others)
        AND arrayAll(cell -> cell = 0 OR cell >= /*{floor}*/, cells)
        AND abs(same) < /*{floor}*/
        AND arrayAll(several -> several = 0 OR abs(several) >= /*{floor}*/, severals)
    FROM
    (
        SELECT
            sumIf(people, part = 'own') AS own,
            groupArrayIf(people, part = 'neighbour') AS others,
            groupArrayIf(people, part = 'cell') AS cells,
            sumIf(people, part = 'same') AS same,
            sumMapIf([number], [people], part = 'several').2 AS severals
        FROM
        (
            /*{parts}*/
        ) AS parts
    ) AS compared
)

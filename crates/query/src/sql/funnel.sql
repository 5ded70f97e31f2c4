-- How many of the visits that began in a period came how far through the steps of a funnel, each read to its end but for at
-- most a day past the period. Table events, one pass over the period and a day; memory by the events of the visits.
-- Bit n of `step` says that an event is step n + 1; bit n of a state that the steps up to n + 1 are done, so the shifted
-- state says which steps may come next.
SELECT
    /*{columns}*/
    sumForEach(arrayMap(least -> toUInt64(reached >= least), range(/*{steps_count}*/ + 1))) AS visits_by_step
FROM
(
    SELECT
        /*{dimensions}*/
        visit,
        bitCount(
            arrayFold(
                (state, step) -> (
                    bitOr(/*{kept}*/, bitAnd(bitOr(bitShiftLeft(state.1, 1), 1), step)),
                    bitOr(state.2, bitAnd(bitOr(bitShiftLeft(state.1, 1), 1), step))
                ),
                arrayMap(pair -> pair.2, arraySort(groupUniqArray((seq, /*{steps}*/)))),
                (toUInt8(0), toUInt8(0))
            ).2
        ) AS reached
    FROM events
    /*{joins}*/
    WHERE site = /*{site}*/
      AND time >= toDateTime(/*{since}*/, 'UTC')
      AND time < toDateTime(/*{until}*/, 'UTC') + INTERVAL 1 DAY
      AND name != 'engagement'
      AND visit != 0
      /*{filters}*/
    GROUP BY visit
    HAVING countIf(seq = 1 AND time < toDateTime(/*{until}*/, 'UTC')) > 0
) AS each
/*{groups}*/
ORDER BY visits_by_step[1] DESC/*{then}*/
LIMIT /*{limit}*/

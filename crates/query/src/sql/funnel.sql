-- Visits that began in a period, by the number of funnel steps they did, each read to its end, at most a day past the period.
-- Table events, one pass over the period and a day; memory by the events of the visits.
-- Bit n of `step` says that an event is step n + 1. Bit n of a state says that the steps up to n + 1 are done, so the shifted
-- state holds the steps that can come next.
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

-- How many rows of a partition of events are under a hold, and how many are not: reads two columns of the partition.
SELECT
    countIf(arrayExists((s, f, t) -> site = s AND toDate(time) >= f AND toDate(time) <= t, {sites:Array(String)}, {first:Array(Date)}, {last:Array(Date)})) AS held,
    toUInt64(count() - held)
FROM events
WHERE expires = {expires:Date}

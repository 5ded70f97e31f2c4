-- How many rows of one partition of events a hold keeps, and how many none does: reads two columns of the partition.
SELECT
    countIf(arrayExists((s, f, t) -> site = s AND toDate(time) >= f AND toDate(time) <= t, {sites:Array(String)}, {first:Array(Date)}, {last:Array(Date)})) AS held,
    toUInt64(count() - held)
FROM events
WHERE expires = {expires:Date}

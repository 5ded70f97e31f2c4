-- Rows of events that expired on or before a day, and how many of them a hold keeps: reads the expired partitions.
SELECT
    count(),
    countIf(arrayExists((s, f, t) -> site = s AND toDate(time) >= f AND toDate(time) <= t, {sites:Array(String)}, {first:Array(Date)}, {last:Array(Date)}))
FROM events
WHERE expires <= {expires:Date}

-- Partitions of events with rows of the given days of a site that hold more than a page and an hour, and their
-- number, without rows under a hold: reads a dozen columns of these days.
SELECT _partition_id, count()
FROM events
WHERE site = {site:String}
    AND time < toDateTime({before:Date}, {zone:String})
    AND (
        visitor != 0 OR visit != 0 OR seq != 0 OR elapsed != 0 OR previous_path != '' OR entry_path != '' OR referrer != ''
        OR source != '' OR country != '' OR browser != '' OR os != '' OR screen != '' OR language != ''
        OR time != toStartOfHour(time, {zone:String})
    )
    AND has({days:Array(Date)}, toDate(time, {zone:String}))
    AND NOT arrayExists((s, f, t) -> site = s AND toDate(time) >= f AND toDate(time) <= t, {sites:Array(String)}, {first:Array(Date)}, {last:Array(Date)})
GROUP BY _partition_id
ORDER BY _partition_id

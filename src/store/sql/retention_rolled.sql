-- Until when the events of a site are rolled up and old enough for their visitors to be cleared, Unix seconds; 0 = not at all. Table rolled_days, cheap.
SELECT if(count() = 0, 0, toUnixTimestamp(toDateTime(least(max(day) + 1, {today:Date} - {days:UInt16}), {zone:String})))
FROM rolled_days
WHERE site = {site:String}

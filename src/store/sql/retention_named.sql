-- How many rows of a site before a time still name a visitor or a visit, those under a hold left out: reads three columns.
SELECT count()
FROM events
WHERE site = {site:String}
    AND time < toDateTime({before:UInt32})
    AND (visitor != 0 OR visit != 0)
    AND NOT arrayExists((s, f, t) -> site = s AND toDate(time) >= f AND toDate(time) <= t, {sites:Array(String)}, {first:Array(Date)}, {last:Array(Date)})

-- How many rows of some days of a site still name a visitor or a visit, those under a hold left out: reads three columns.
SELECT count()
FROM events
WHERE site = {site:String}
    AND time < toDateTime({before:Date}, {zone:String})
    AND (visitor != 0 OR visit != 0)
    AND has({days:Array(Date)}, toDate(time, {zone:String}))
    AND NOT arrayExists((s, f, t) -> site = s AND toDate(time) >= f AND toDate(time) <= t, {sites:Array(String)}, {first:Array(Date)}, {last:Array(Date)})

-- Clears visitor and visit of some days of a site, rows under a hold left out: rewrites two columns.
ALTER TABLE events
UPDATE visitor = 0, visit = 0
WHERE site = {site:String}
    AND time < toDateTime({before:Date}, {zone:String})
    AND (visitor != 0 OR visit != 0)
    AND has({days:Array(Date)}, toDate(time, {zone:String}))
    AND NOT arrayExists((s, f, t) -> site = s AND toDate(time) >= f AND toDate(time) <= t, {sites:Array(String)}, {first:Array(Date)}, {last:Array(Date)})

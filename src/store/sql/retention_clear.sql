-- Clears visitor and visit of a site's rows before a time, those under a hold left out: rewrites two columns.
ALTER TABLE events
UPDATE visitor = 0, visit = 0
WHERE site = {site:String}
    AND time < toDateTime({before:UInt32})
    AND (visitor != 0 OR visit != 0)
    AND NOT arrayExists((s, f, t) -> site = s AND toDate(time) >= f AND toDate(time) <= t, {sites:Array(String)}, {first:Array(Date)}, {last:Array(Date)})

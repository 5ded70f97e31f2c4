-- Destroys the rows of events that expired on a day and are not under a hold: rewrites the partition.
ALTER TABLE events
DELETE WHERE expires = {expires:Date}
    AND NOT arrayExists((s, f, t) -> site = s AND toDate(time) >= f AND toDate(time) <= t, {sites:Array(String)}, {first:Array(Date)}, {last:Array(Date)})

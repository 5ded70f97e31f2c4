-- Erases the events of one site under some visitors: rewrites the parts of events that hold any of them.
ALTER TABLE events
DELETE WHERE site = {site:String}
    AND time >= now() - INTERVAL 3 DAY
    AND visitor IN {visitors:Array(UInt64)}

-- Erases the events of one site under some visitors: rewrites the parts of events that hold any of them.
ALTER TABLE events
DELETE WHERE site = {site:String}
    AND time >= toDateTime({first:Date}, 'UTC') - INTERVAL 2 DAY
    AND time < toDateTime({last:Date}, 'UTC') + INTERVAL 2 DAY
    AND visitor IN {visitors:Array(UInt64)}

-- Which of some visitors of a site have events around some days: table events, reads the site's rows of these days.
SELECT DISTINCT visitor
FROM events
WHERE site = {site:String}
    AND time >= toDateTime({first:Date}, 'UTC') - INTERVAL 2 DAY
    AND time < toDateTime({last:Date}, 'UTC') + INTERVAL 2 DAY
    AND visitor IN {visitors:Array(UInt64)}

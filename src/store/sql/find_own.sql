-- How many events of one site lie under some visitors of the last days: table events, reads the site's last days.
SELECT count()
FROM events
WHERE site = {site:String}
    AND time >= now() - INTERVAL 3 DAY
    AND visitor IN {visitors:Array(UInt64)}

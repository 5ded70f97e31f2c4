-- Time of the first event of the site, in seconds since 1970; no row without events. Table events, reads by the sort key.
SELECT toUnixTimestamp(time)
FROM events
WHERE site = /*{site}*/
ORDER BY toStartOfHour(time), time
LIMIT 1

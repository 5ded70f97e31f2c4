-- When the site's first event came, in seconds since 1970; no row if there is none. Table events, reads by the sort key.
SELECT toUnixTimestamp(time)
FROM events
WHERE site = /*{site}*/
ORDER BY toStartOfHour(time), time
LIMIT 1

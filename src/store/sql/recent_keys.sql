-- Which events were kept since a moment, so that one sent again counts once. Reads `events` of some minutes; at a start only.
SELECT toString(site) AS of_site, toString(name) AS event, key
FROM events
WHERE site IN {sites:Array(String)} AND time >= toDateTime({since_s:UInt32}, 'UTC') AND name != 'engagement'
ORDER BY time DESC
LIMIT {keys_max:UInt64}

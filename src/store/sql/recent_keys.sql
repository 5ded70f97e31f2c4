-- Keys of the events stored since an instant, so that a retry counts once. Table events, reads some minutes; at the start only.
SELECT toString(site) AS of_site, toString(name) AS event, key
FROM events
WHERE site IN {sites:Array(String)} AND time >= toDateTime({since_s:UInt32}, 'UTC') AND name != 'engagement'
ORDER BY time DESC
LIMIT {keys_max:UInt64}

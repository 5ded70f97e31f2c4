-- Values of open fields by site on the last two days. Table events, reads two days; at the start only.
SELECT
    toString(site) AS of_site,
    toString(field.1) AS kind,
    toString(field.2) AS value,
    toInt64(toUnixTimestamp(min(time))) AS first_s,
    toInt64(toUnixTimestamp(max(time))) AS last_s
FROM events
ARRAY JOIN arrayConcat(
    [
        ('path', path),
        ('event_name', toString(name)),
        ('referrer', toString(referrer)),
        ('source', toString(source)),
        ('campaign', toString(utm_source)),
        ('campaign', toString(utm_medium)),
        ('campaign', toString(utm_campaign)),
        ('campaign', toString(utm_content)),
        ('campaign', toString(utm_term))
    ],
    arrayMap(name -> ('property_name', toString(name)), mapKeys(props)),
    arrayMap(value -> ('property_value', value), mapValues(props))
) AS field
WHERE site IN {sites:Array(String)} AND time >= toDateTime({since_s:UInt32}, 'UTC') AND field.2 != ''
GROUP BY of_site, kind, value
ORDER BY count() DESC
LIMIT {values_max:UInt64} BY of_site, kind

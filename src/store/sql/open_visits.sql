-- Visits with an event since an instant, and the state of each at its last event. Table events, reads half an hour; at the start only.
SELECT
    visitor,
    visit,
    max(events.seq) AS last_seq,
    max(elapsed) AS last_elapsed,
    toUInt64(greatest(0, max(toInt64(toUnixTimestamp(time)) - toInt64(elapsed)))) AS started,
    argMax(path, (name = 'pageview', events.seq)) AS last_path,
    argMax(previous_path, events.seq) AS last_previous_path,
    any(entry_path) AS first_path,
    any(toString(referrer)) AS visit_referrer,
    any(toString(source)) AS visit_source,
    any(toString(channel)) AS visit_channel,
    any([toString(utm_source), toString(utm_medium), toString(utm_campaign), toString(utm_content), toString(utm_term)]) AS visit_utm,
    any(events.visit_number) AS number,
    any(events.days_since_seen) AS days
FROM events
WHERE site IN {sites:Array(String)} AND time >= toDateTime({since_s:UInt32}, 'UTC') AND visitor != 0 AND visit != 0
GROUP BY visitor, visit
ORDER BY started + last_elapsed DESC
LIMIT {visits_max:UInt64}

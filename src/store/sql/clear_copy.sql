-- Copies a partition of events. Rows of the given days of a site lose the columns that link events: ids, order,
-- descriptions of visitor and visit, minutes. An UPDATE cannot do this, since the sort key holds some of it. The key
-- keeps the rows of one pageview together, hashed with random numbers that are not stored. Rewrites the partition.
INSERT INTO events_rewritten
SELECT * EXCEPT (is_cleared) REPLACE (
    if(is_cleared, toDateTime(toStartOfHour(time, {zone:String}), 'UTC'), time) AS time,
    if(is_cleared AND key != 0, sipHash64((SELECT rand64(1)), (SELECT rand64(2)), key), key) AS key,
    if(is_cleared, 0, visitor) AS visitor,
    if(is_cleared, 0, visit) AS visit,
    if(is_cleared, 0, seq) AS seq,
    if(is_cleared, 0, elapsed) AS elapsed,
    if(is_cleared, '', previous_path) AS previous_path,
    if(is_cleared, '', entry_path) AS entry_path,
    if(is_cleared, '', referrer) AS referrer,
    if(is_cleared, '', source) AS source,
    if(is_cleared, '', channel) AS channel,
    if(is_cleared, '', utm_source) AS utm_source,
    if(is_cleared, '', utm_medium) AS utm_medium,
    if(is_cleared, '', utm_campaign) AS utm_campaign,
    if(is_cleared, '', utm_content) AS utm_content,
    if(is_cleared, '', utm_term) AS utm_term,
    if(is_cleared, '', country) AS country,
    if(is_cleared, '', region) AS region,
    if(is_cleared, '', city) AS city,
    if(is_cleared, '', browser) AS browser,
    if(is_cleared, 0, browser_version) AS browser_version,
    if(is_cleared, '', os) AS os,
    if(is_cleared, '', os_version) AS os_version,
    if(is_cleared, '', device) AS device,
    if(is_cleared, '', screen) AS screen,
    if(is_cleared, '', language) AS language,
    if(is_cleared, 0, visit_number) AS visit_number,
    if(is_cleared, -1, days_since_seen) AS days_since_seen
)
FROM
(
    SELECT
        *,
        site = {site:String}
            AND time < toDateTime({before:Date}, {zone:String})
            AND has({days:Array(Date)}, toDate(time, {zone:String}))
            AND NOT arrayExists((s, f, t) -> site = s AND toDate(time) >= f AND toDate(time) <= t, {sites:Array(String)}, {first:Array(Date)}, {last:Array(Date)})
            AS is_cleared
    FROM events
    WHERE _partition_id = {partition:String}
) AS each

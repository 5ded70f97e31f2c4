-- Stores the visits of some days without their ids. Tables events to visits, three passes over the days and those around.
INSERT INTO visits
(
    site, day, version, began, first_of_day, pageviews, events, views, bounced, duration_s, engaged_ms, is_engaged,
    scroll_percent, scrolled_views, referrer, source, channel, utm_source, utm_medium, utm_campaign, utm_content, utm_term,
    country, region, city, browser, browser_version, os, os_version, device, screen, language, visit_number,
    days_since_seen, entry_path, entry_hostname, exit_path, exit_hostname, expires
)
SELECT
    /*{site}*/, parts.local_day, toUInt64(/*{version}*/), parts.has_begun,
    parts.who != 0 AND row_number() OVER (PARTITION BY parts.local_day, parts.who ORDER BY parts.since, parts.first_seq, parts.of_visit) = 1,
    parts.pages, parts.all_events,
    if(parts.has_begun, whole.all_views, 0), parts.has_begun AND whole.all_views <= 1 AND NOT whole.is_interactive,
    if(parts.has_begun, whole.lasted, 0),
    read.engaged, parts.of_visit != 0 AND read.engaged > 0, read.depths, read.deep_views,
    p_referrer, p_source, p_channel, p_utm_source, p_utm_medium, p_utm_campaign, p_utm_content, p_utm_term,
    p_country, p_region, p_city, p_browser, p_browser_version, p_os, p_os_version, p_device, p_screen, p_language,
    p_visit_number, p_days_since_seen, p_entry_path, whole.first_host, whole.last_path, whole.last_host, parts.first_expires
FROM
(
    SELECT
        toDate(time, /*{zone}*/) AS local_day, visit AS of_visit, if(visit = 0, key, 0) AS apart,
        max(seq = 1 AND visit != 0) AS has_begun, any(visitor) AS who, min(time) AS since, min(seq) AS first_seq,
        uniqExactIf(key, name = 'pageview' AND key != 0) + countIf(name = 'pageview' AND key = 0) AS pages,
        uniqExactIf(key, key != 0) + countIf(key = 0) AS all_events,
        argMin(referrer, seq) AS p_referrer, argMin(source, seq) AS p_source, argMin(channel, seq) AS p_channel,
        argMin(utm_source, seq) AS p_utm_source, argMin(utm_medium, seq) AS p_utm_medium,
        argMin(utm_campaign, seq) AS p_utm_campaign, argMin(utm_content, seq) AS p_utm_content,
        argMin(utm_term, seq) AS p_utm_term, argMin(country, seq) AS p_country, argMin(region, seq) AS p_region,
        argMin(city, seq) AS p_city, argMin(browser, seq) AS p_browser, argMin(browser_version, seq) AS p_browser_version,
        argMin(os, seq) AS p_os, argMin(os_version, seq) AS p_os_version, argMin(device, seq) AS p_device,
        argMin(screen, seq) AS p_screen, argMin(language, seq) AS p_language, argMin(visit_number, seq) AS p_visit_number,
        argMin(days_since_seen, seq) AS p_days_since_seen, argMin(entry_path, seq) AS p_entry_path,
        min(expires) AS first_expires
    FROM events
    WHERE site = /*{site}*/
      AND time >= toDateTime(/*{since}*/, 'UTC')
      AND time < toDateTime(/*{until}*/, 'UTC')
      AND name != 'engagement'
    GROUP BY local_day, of_visit, apart
) AS parts
ANY LEFT JOIN
(
    SELECT
        visit AS of_visit,
        uniqExactIf(key, name = 'pageview') AS all_views,
        max(interactive AND name != 'pageview' AND name != 'engagement') AS is_interactive,
        max(elapsed) AS lasted,
        argMinIf(toString(hostname), seq, name = 'pageview') AS first_host,
        argMaxIf(path, seq, name = 'pageview') AS last_path,
        argMaxIf(toString(hostname), seq, name = 'pageview') AS last_host
    FROM events
    WHERE site = /*{site}*/
      AND time >= toDateTime(/*{since}*/, 'UTC') - INTERVAL 1 DAY
      AND time < toDateTime(/*{until}*/, 'UTC') + INTERVAL 1 DAY
      AND visit != 0
    GROUP BY of_visit
) AS whole ON whole.of_visit = parts.of_visit
ANY LEFT JOIN
(
    SELECT
        local_day, of_visit, if(of_visit = 0, of_key, 0) AS apart,
        sum(engaged) AS engaged, sum(depth) AS depths, countIf(has_depth) AS deep_views
    FROM
    (
        SELECT
            key AS of_key,
            toDate(minIf(time, name = 'pageview'), /*{zone}*/) AS local_day,
            max(visit) AS of_visit,
            max(engaged_ms) AS engaged,
            maxIf(scroll, name = 'engagement' AND scroll <= 100) AS depth,
            countIf(name = 'engagement' AND scroll <= 100) > 0 AS has_depth
        FROM events
        WHERE site = /*{site}*/
          AND time >= toDateTime(/*{since}*/, 'UTC')
          AND time < toDateTime(/*{until}*/, 'UTC') + INTERVAL 1 DAY
          AND name IN ('pageview', 'engagement')
          AND key != 0
        GROUP BY key
        HAVING countIf(name = 'pageview' AND time < toDateTime(/*{until}*/, 'UTC')) > 0
    ) AS each
    GROUP BY local_day, of_visit, apart
) AS read ON read.local_day = parts.local_day AND read.of_visit = parts.of_visit AND read.apart = parts.apart

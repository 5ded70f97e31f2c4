-- Events that an earlier version left in the spool hold seconds. They come into the classes on their way into `events`, by the
-- rules of 0073 and 0111; what is in its class already stays as it is. Runs at each start, after the view was made again.
ALTER TABLE arrivals_into_events
MODIFY QUERY
WITH
    multiIf(arrivals.engaged_ms < 60000, 10000, arrivals.engaged_ms < 300000, 30000, 60000) AS step,
    arrivals.engaged_ms % step AS rest,
    x -> toUInt32(multiIf(
        x < 100, x,
        x < 1000, intDiv(x + 5, 10) * 10,
        x < 10000, intDiv(x + 50, 100) * 100,
        x < 100000, intDiv(x + 500, 1000) * 1000,
        intDiv(x + 5000, 10000) * 10000
    )) AS two_digits
SELECT
    site,
    time,
    name,
    key,
    visitor,
    visit,
    seq,
    toUInt32(60 * intDiv(arrivals.elapsed + 30, 60)) AS elapsed,
    hostname,
    path,
    previous_path,
    entry_path,
    referrer,
    source,
    channel,
    utm_source,
    utm_medium,
    utm_campaign,
    utm_content,
    utm_term,
    country,
    region,
    city,
    browser,
    browser_version,
    os,
    os_version,
    device,
    screen,
    language,
    visit_number,
    toInt16(multiIf(
        arrivals.days_since_seen > 400 OR arrivals.days_since_seen < 32, arrivals.days_since_seen,
        arrivals.days_since_seen < 95, intDiv(arrivals.days_since_seen + 3, 7) * 7,
        least(400, intDiv(arrivals.days_since_seen - 95, 30) * 30 + 110)
    )) AS days_since_seen,
    interactive,
    multiIf(
        arrivals.engaged_ms <= 1, arrivals.engaged_ms,
        toUInt32(greatest(1, arrivals.engaged_ms - rest + if(cityHash64(key) % step < rest, step, 0)))
    ) AS engaged_ms,
    scroll,
    props,
    revenue,
    currency,
    clicks,
    two_digits(arrivals.lcp_ms) AS lcp_ms,
    two_digits(arrivals.inp_ms) AS inp_ms,
    toFloat32(two_digits(toUInt32(round(arrivals.cls * 1000))) / 1000) AS cls,
    two_digits(arrivals.fcp_ms) AS fcp_ms,
    two_digits(arrivals.ttfb_ms) AS ttfb_ms,
    basis,
    policy,
    expires
FROM arrivals

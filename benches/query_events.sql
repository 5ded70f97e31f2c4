-- Made-up events for the query bench: visits of one to five pages, each page with one engagement record. Deterministic:
-- everything follows from the visit's number. 2,000 pages, of which each leads to 20 others, some more often than others.
-- Table events, writes about 4.3 rows a visit.
INSERT INTO events
(
    site, time, name, key, visitor, visit, seq, elapsed, hostname, path, previous_path, entry_path, source, channel,
    country, browser, browser_version, os, device, screen, language, visit_number, days_since_seen, interactive,
    engaged_ms, scroll, basis, policy, expires
)
WITH
    cityHash64(number, 1) AS dice,
    multiIf(dice % 100 < 45, 1, dice % 100 < 70, 2, dice % 100 < 85, 3, 5) AS pages,
    intDiv(row, 2) AS page,
    row % 2 = 1 AS is_engagement,
    {since:Int64} + intDiv(number * {seconds:Int64}, {visits_all:Int64}) AS started,
    page * 90 + if(is_engagement, 60, 0) AS since_start,
    toUInt32(2000 * pow((cityHash64(number, 2) % 10000) / 10000, 3)) AS page1,
    (step -> toUInt32(20 * pow((cityHash64(number, step, 18) % 10000) / 10000, 2))) AS link,
    ((from, step) -> toUInt32(2000 * pow((cityHash64(from, link(step), 19) % 10000) / 10000, 2))) AS follow,
    follow(page1, 1) AS page2,
    follow(page2, 2) AS page3,
    follow(page3, 3) AS page4,
    follow(page4, 4) AS page5,
    arrayMap(each -> '/page/' || toString(each), [page1, page2, page3, page4, page5]) AS way,
    way[page + 1] AS this_path,
    way[page] AS last_path,
    way[1] AS first_path,
    pow((cityHash64(number, 3) % 10000) / 10000, 2) AS origin
SELECT
    'bench.example',
    toStartOfMinute(toDateTime(started + since_start, 'UTC')),
    if(is_engagement, 'engagement', 'pageview'),
    cityHash64(number, page, 4),
    cityHash64(number, toDate(toDateTime(started + since_start, 'UTC') + INTERVAL 9 HOUR), 5),
    cityHash64(number, 6),
    page + 1,
    since_start,
    'bench.example',
    this_path,
    if(page = 0, '', last_path),
    first_path,
    ['', 'Google', 'Bing', 'Newsletter', 'github.com', 'Hacker News', 'Yahoo!', 'LinkedIn', 'x.com', 'Reddit'][1 + toUInt8(origin * 10)],
    ['Direct', 'Organic Search', 'Organic Search', 'Email', 'Referral', 'Organic Social', 'Organic Search', 'Organic Social', 'Organic Social', 'Organic Social'][1 + toUInt8(origin * 10)],
    ['JP', 'DE', 'US', 'FR', 'GB', 'CN', 'KR', 'IT', 'ES', 'NL', 'SE', 'PL', 'BR', 'IN', 'CA', 'AU', 'AT', 'CH', 'DK', 'FI'][1 + toUInt8(pow((cityHash64(number, 7) % 10000) / 10000, 2) * 20)],
    ['Chrome', 'Safari', 'Edge', 'Firefox'][1 + cityHash64(number, 8) % 4],
    120 + cityHash64(number, 9) % 20,
    ['Windows', 'iOS', 'Android', 'macOS', 'Linux'][1 + cityHash64(number, 10) % 5],
    ['desktop', 'mobile', 'tablet'][1 + cityHash64(number, 11) % 3],
    ['xs', 'sm', 'md', 'lg', 'xl', 'xxl'][1 + cityHash64(number, 12) % 6],
    ['ja', 'en', 'de', 'fr', 'zh'][1 + cityHash64(number, 13) % 5],
    if(dice % 10 < 6, 1, [2, 3, 6, 11][1 + cityHash64(number, 14) % 4]),
    if(dice % 10 < 6, 32767, toInt16(60 * pow((cityHash64(number, 15) % 10000) / 10000, 2))),
    NOT is_engagement AND page > 0,
    if(is_engagement, 1000 * (5 + cityHash64(number, page, 16) % 120), 0),
    if(is_engagement, cityHash64(number, page, 17) % 101, 255),
    'consent',
    '1',
    toDate(toDateTime(started, 'UTC')) + 400
FROM
(
    SELECT number, arrayJoin(range(10)) AS row
    FROM numbers({first:UInt64}, {visits:UInt64})
)
WHERE row < 2 * pages

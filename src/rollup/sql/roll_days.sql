-- Rolls up some days by one dimension. Tables events to daily, up to four passes over the days and the one after.
INSERT INTO daily
(
    site, dimension, day, version, value, other, seen_days, seen_visits,
    known, daily, new, visits, pageviews, events, whole_visits, bounces, duration_s, visit_views,
    engaged_ms, engaged_visits, scroll_percent, scrolled_views
)
SELECT
    /*{site}*/, /*{dimension}*/, d0, toUInt64(/*{version}*/), /*{values}*/,
    groupArrayArray(seen_days), groupArrayArray(seen_visits),
    /*{sums}*/
FROM
(
    /*{scans}*/
) AS counted
/*{groups}*/

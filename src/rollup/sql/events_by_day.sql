-- By day of a site: its events, those counted when it was rolled up, and whether its visits are stored.
-- Tables events and rolled_days; reads the times of all events of the site.
SELECT
    day,
    greatest(sum(now_there), 0) AS there,
    sum(rolled) AS counted,
    max(is_rolled) AS is_known,
    max(visits_are_kept) AS has_visits
FROM
(
    SELECT
        toInt32(toDate(time, /*{zone}*/)) AS day, toInt64(count()) AS now_there, toInt64(0) AS rolled, 0 AS is_rolled,
        0 AS visits_are_kept
    FROM events
    WHERE site = /*{site}*/
      AND time < toDateTime(/*{until}*/, 'UTC')
    GROUP BY day
    UNION ALL
    SELECT toInt32(day), toInt64(0), toInt64(argMax(events, version)), 1, toUInt8(argMax(has_visits, version))
    FROM rolled_days
    WHERE site = /*{site}*/
      AND zone = /*{zone}*/
    GROUP BY day
) AS days
GROUP BY day
ORDER BY day

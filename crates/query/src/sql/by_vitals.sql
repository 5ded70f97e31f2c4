-- Web vitals of the pages seen in a period. Engagement records of a pageview arrive up to a day later; the greatest values
-- count. Table events, one pass over the period and a day; memory by pageviews and known values.
SELECT
    /*{columns}*/
FROM
(
    SELECT
        /*{dimensions}*/
        key,
        max(lcp_ms) AS lcp,
        max(inp_ms) AS inp,
        max(if(isNull(cls), NULL, toUInt32(round(1000 * least(greatest(assumeNotNull(cls), 0), 1000))))) AS cls_milli,
        max(fcp_ms) AS fcp,
        max(ttfb_ms) AS ttfb
    FROM events
    /*{joins}*/
    WHERE site = /*{site}*/
      AND time >= toDateTime(/*{since}*/, 'UTC')
      AND time < toDateTime(/*{until}*/, 'UTC') + INTERVAL 1 DAY
      AND name IN ('pageview', 'engagement')
      AND key != 0
    GROUP BY key
    HAVING countIf(name = 'pageview' AND time < toDateTime(/*{until}*/, 'UTC') /*{filters}*/) > 0
) AS each
/*{groups}*/

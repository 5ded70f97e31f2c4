-- The page seen after each page of a visit. Table events, one pass over the period and a day; sorts the pageviews.
ANY LEFT JOIN
(
    SELECT
        visit,
        key,
        leadInFrame(page, 1, '') OVER (
            PARTITION BY visit ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS next_path
    FROM
    (
        SELECT visit, key, any(path) AS page, min(seq) AS place
        FROM events
        WHERE site = /*{site}*/
          AND time >= toDateTime(/*{since}*/, 'UTC')
          AND time < toDateTime(/*{until}*/, 'UTC') + INTERVAL 1 DAY
          AND name = 'pageview'
          AND visit != 0
        GROUP BY visit, key
    ) AS pages
) AS nexts USING (visit, key)

-- Last page, and first and last host, of each visit. Table events, one pass over the period and a day; memory by visits.
ANY LEFT JOIN
(
    SELECT
        visit,
        argMax(path, seq) AS exit_path,
        argMax(toString(hostname), seq) AS exit_hostname,
        argMin(toString(hostname), seq) AS entry_hostname
    FROM events
    WHERE site = /*{site}*/
      AND time >= toDateTime(/*{since}*/, 'UTC')
      AND time < toDateTime(/*{until}*/, 'UTC') + INTERVAL 1 DAY
      AND name = 'pageview'
      AND visit != 0
    GROUP BY visit
) AS ends USING (visit)

-- Parts on disk of events and visits whose rows expired on or before a day, including detached parts and dropped parts that are still on disk: system tables, cheap.
SELECT sum(parts)
FROM
(
    SELECT count() AS parts
    FROM system.parts
    WHERE database = {database:String}
        AND table IN ('events', 'visits')
        AND partition_id <= {last:String}
    UNION ALL
    SELECT count() AS parts
    FROM system.detached_parts
    WHERE database = {database:String}
        AND table IN ('events', 'visits')
        AND ifNull(partition_id, '') <= {last:String}
)

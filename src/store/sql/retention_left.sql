-- Parts of events and visits on disk whose rows expired on or before a day, dropped ones that have not left the disk and detached ones included: system tables, cheap.
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

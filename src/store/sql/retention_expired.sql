-- Partitions of a table whose rows have expired, with their rows and parts: system.parts, cheap.
SELECT partition_id, sum(rows), count()
FROM system.parts
WHERE database = {database:String}
    AND table = {table:String}
    AND active
    AND partition_id <= {last:String}
GROUP BY partition_id
ORDER BY partition_id

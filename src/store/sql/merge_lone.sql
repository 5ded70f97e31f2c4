-- Partitions of events that consist of one block that was never merged: table system.parts, a few rows.
SELECT partition_id
FROM system.parts
WHERE database = {database:String} AND table = 'events' AND active
GROUP BY partition_id
HAVING count() = 1 AND max(level) = 0 AND max(modification_time) <= now() - toIntervalSecond({seconds:UInt64})

-- Parts of a partition of events, and how many mutations of events are not done, to detect changes. Tables
-- system.parts and system.mutations, cheap.
SELECT
    (SELECT arraySort(groupArray(name)) FROM system.parts
     WHERE database = {database:String} AND table = 'events' AND active AND partition_id = {partition:String}),
    assumeNotNull((SELECT count() FROM system.mutations WHERE database = {database:String} AND table = 'events' AND NOT is_done))

-- Whether a partition was copied completely: rows here and there. Cheap.
SELECT
    assumeNotNull((SELECT count() FROM events WHERE _partition_id = {partition:String})),
    assumeNotNull((SELECT count() FROM events_rewritten))

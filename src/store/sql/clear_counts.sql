-- Whether a partition was copied whole: rows here and there.
SELECT
    assumeNotNull((SELECT count() FROM events WHERE _partition_id = {partition:String})),
    assumeNotNull((SELECT count() FROM events_rewritten))

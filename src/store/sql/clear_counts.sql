-- Whether a partition was copied completely: the rows of original and copy. Cheap.
SELECT
    assumeNotNull((SELECT count() FROM events WHERE _partition_id = {partition:String})),
    assumeNotNull((SELECT count() FROM events_rewritten))

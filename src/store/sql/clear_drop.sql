-- Removes the copy that a partition is rewritten in, also one that a crash left behind.
DROP TABLE IF EXISTS events_rewritten SYNC

-- Removes the copy in which a partition is rewritten, also one that a crash left behind.
DROP TABLE IF EXISTS events_rewritten SYNC

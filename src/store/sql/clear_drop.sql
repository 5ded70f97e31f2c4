-- Removes the copy in which a partition is rewritten, including one that a crash left behind.
DROP TABLE IF EXISTS events_rewritten SYNC

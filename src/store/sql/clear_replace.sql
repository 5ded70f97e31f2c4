-- Exchanges the partition of events for the rewritten one, atomically.
ALTER TABLE events REPLACE PARTITION ID {partition:String} FROM events_rewritten

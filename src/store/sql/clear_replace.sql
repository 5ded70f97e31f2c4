-- Puts the rewritten partition in the place of the one in events, at once or not at all.
ALTER TABLE events REPLACE PARTITION ID {partition:String} FROM events_rewritten

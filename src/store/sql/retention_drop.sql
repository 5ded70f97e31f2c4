-- Destroys the rows of events that expired on one day, as whole parts.
ALTER TABLE events DROP PARTITION ID {partition:String}

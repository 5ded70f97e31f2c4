-- Destroys the finished visits that expired on one day, as whole parts.
ALTER TABLE visits DROP PARTITION ID {partition:String}

-- Writes a partition of events anew as one part, also where it is one already: reads and writes its rows.
OPTIMIZE TABLE events PARTITION ID {partition:String} FINAL

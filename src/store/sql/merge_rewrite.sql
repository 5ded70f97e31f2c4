-- Rewrites a partition of events as one part, even if it is one already: reads and writes its rows.
OPTIMIZE TABLE events PARTITION ID {partition:String} FINAL

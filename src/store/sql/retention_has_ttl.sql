-- Whether ClickHouse itself drops expired parts of events: system.tables, cheap.
SELECT count()
FROM system.tables
WHERE database = {database:String}
    AND name = 'events'
    AND position(engine_full, 'TTL expires') > 0

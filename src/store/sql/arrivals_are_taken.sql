SELECT count() > 0
FROM system.tables
WHERE database = currentDatabase() AND name = 'arrivals_into_events' AND engine = 'MaterializedView'

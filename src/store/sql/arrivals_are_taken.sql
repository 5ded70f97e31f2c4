-- Whether the view that stores arrivals in events exists: table system.tables, a few rows.
SELECT count() > 0
FROM system.tables
WHERE database = currentDatabase() AND name = 'arrivals_into_events' AND engine = 'MaterializedView'

-- While a hold is active ClickHouse drops nothing by itself; the collector does, row by row where necessary.
ALTER TABLE events REMOVE TTL

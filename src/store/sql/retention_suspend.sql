-- While a hold stands ClickHouse destroys nothing by itself; the collector does, row by row where it must.
ALTER TABLE events REMOVE TTL

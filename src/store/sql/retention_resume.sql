-- No hold stands: ClickHouse lets go of expired parts again, also while no collector runs.
ALTER TABLE events MODIFY TTL expires

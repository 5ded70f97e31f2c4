-- No hold is active: ClickHouse drops expired parts again, also while no collector runs.
ALTER TABLE events MODIFY TTL expires

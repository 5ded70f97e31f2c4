-- No hold is active: ClickHouse drops expired parts again, even while no collector runs.
ALTER TABLE events MODIFY TTL expires

-- A flush that is sent again after hours still counts once: on replicated tables Keeper forgets tokens after this many
-- seconds (30 days; an hour by default) or after the window's number of INSERTs. Without effect on other tables.
ALTER TABLE outcomes
    MODIFY SETTING replicated_deduplication_window_seconds = 2592000

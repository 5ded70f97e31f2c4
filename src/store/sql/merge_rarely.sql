-- Makes the engine merge events in larger steps, and a day without new events into one part. Metadata only.
ALTER TABLE events
MODIFY SETTING
    min_parts_to_merge_at_once = 12,
    min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1

-- Days that were rolled up before there was a table of visits are built anew while their events are there.
ALTER TABLE rolled_days
    ADD COLUMN IF NOT EXISTS has_visits Bool DEFAULT false COMMENT 'Whether the day stands in visits too'

-- The roll-ups keep the classes that the events have.
ALTER TABLE daily
    COMMENT COLUMN seen_days 'Different values of days_since_seen among the visits that began, in the classes of events, 0 to 400 and 32767; parallel to seen_visits'

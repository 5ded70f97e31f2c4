-- Finished visits are made from events, so they are as coarse.
ALTER TABLE visits
    COMMENT COLUMN duration_s 'Seconds from the minute of the first record of the visit to that of the last, a multiple of 60; means are unbiased'

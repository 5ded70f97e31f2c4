-- Column comments of `events` that analysts read, reworded; the data does not change.
ALTER TABLE events
    COMMENT COLUMN visitor 'Pseudonymous id of the visitor for one site and one site-local day; 0 = not known or cleared. HMAC under a salt that is destroyed after the day (P3)',
    COMMENT COLUMN seq 'Position of the event in its visit, from 1; 0 = no visit; an engagement row carries the position of the latest event before it',
    COMMENT COLUMN elapsed 'Seconds from the minute in which the visit began to the minute of this event; a multiple of 60, so no finer than time. Means over visits are unbiased',
    COMMENT COLUMN basis 'Ground on which the event was collected: consent (the visitor agreed), exempt (audience measurement without consent), count (page counts only)',
    COMMENT COLUMN interactive 'Whether the event makes the visit more than a bounce; pageviews do from the second one on',
    COMMENT COLUMN policy 'Version of the privacy policy under which the event was collected (P9)'

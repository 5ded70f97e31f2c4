-- What single rows say of time is no finer than the minute (P8): see `src/privacy/coarse.rs` and `src/visit.rs`.
ALTER TABLE events
    COMMENT COLUMN elapsed 'Seconds from the minute in which the visit began to the minute of this event, a multiple of 60: says no more than time does. Means over visits are unbiased',
    COMMENT COLUMN engaged_ms 'engagement rows: milliseconds the page was visible and focused so far; cumulative under key, the greatest counts. In classes: 1 (under 10 s), steps of 10 s to 60 s, 30 s to 300 s, then 60 s, rounded up or down by key so that sums and means are unbiased',
    COMMENT COLUMN days_since_seen 'Site-local days since the previous visit of this device: to the day up to 31, then the middle of the week (35 to 91), then of 30 days (110 to 380), 400 at most; 32767 = never seen before; -1 = not known',
    COMMENT COLUMN lcp_ms 'Largest Contentful Paint, milliseconds, two significant digits',
    COMMENT COLUMN inp_ms 'Interaction to Next Paint, milliseconds, two significant digits',
    COMMENT COLUMN cls 'Cumulative Layout Shift, no unit, two significant digits',
    COMMENT COLUMN fcp_ms 'First Contentful Paint, milliseconds, two significant digits',
    COMMENT COLUMN ttfb_ms 'Time to First Byte, milliseconds, two significant digits'

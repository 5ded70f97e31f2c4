-- Column comments of `daily` that analysts read, reworded; the data does not change.
ALTER TABLE daily
    COMMENT COLUMN dimension 'Name of the dimension that the row is about, e.g. visit:source; empty = the whole site',
    COMMENT COLUMN version 'Roll-up of the day that wrote the row, milliseconds since 1970; only versions named in rolled_days count',
    COMMENT COLUMN seen_days 'Distinct values of days_since_seen among the visits that began, in the classes of events: 0 to 400 and 32767; parallel to seen_visits',
    COMMENT COLUMN seen_visits 'Number of visits for each value of seen_days; from these, visitors are counted over any range of days',
    COMMENT COLUMN whole_visits 'Visits that began on the day and were read to their end',
    COMMENT COLUMN bounces 'Visits of whole_visits with at most one page and no interactive event',
    COMMENT COLUMN duration_s 'Total duration of whole_visits, seconds',
    COMMENT COLUMN visit_views 'Pageviews of whole_visits',
    COMMENT COLUMN engaged_ms 'Total time that pages were visible and focused, milliseconds',
    COMMENT COLUMN engaged_visits 'Visits in which a page was visible and focused for any time'

-- Column comments of `visits` that analysts read, reworded; the data does not change.
ALTER TABLE visits
    COMMENT COLUMN version 'Roll-up of the day that wrote the row; only versions named in rolled_days count',
    COMMENT COLUMN began 'Whether the visit began on this day; only this row describes the whole visit',
    COMMENT COLUMN first_of_day 'Whether it is the first visit of its visitor with events on this day; false where there is no visitor',
    COMMENT COLUMN is_engaged 'Whether a page of the visit was visible and focused for any time on this day',
    COMMENT COLUMN expires 'Day on which the row is destroyed: the day on which the first of its events is destroyed'

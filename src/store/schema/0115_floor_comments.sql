-- The column comment of `floors`, reworded; the data does not change.
ALTER TABLE floors
    COMMENT COLUMN audience 'Group of readers that the floor protects against; analyst = readers of report_days',
    COMMENT COLUMN visitors 'Rows about fewer distinct visitors are folded into (other)'

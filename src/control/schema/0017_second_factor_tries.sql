-- Wrong codes of the second factor since the person's latest log-in. Known devices are counted separately.
CREATE TABLE second_factor_tries (
    person       INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    known_device INTEGER NOT NULL CHECK (known_device IN (0, 1)),
    failed       INTEGER NOT NULL,
    paused_until INTEGER NOT NULL, -- Unix seconds; codes are refused until then
    PRIMARY KEY (person, known_device)
) STRICT, WITHOUT ROWID;

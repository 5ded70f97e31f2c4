-- Funnels are kept beside goals; SQLite changes what a column allows only by making the table anew.
CREATE TABLE kept_now (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('goal', 'funnel', 'annotation', 'saved_filter')),
    site       TEXT NOT NULL,
    person     INTEGER REFERENCES people ON DELETE CASCADE, -- whose alone it is; NULL = the site's
    name       TEXT,             -- there once for a kind, site and person; NULL = has none
    body       TEXT NOT NULL,    -- JSON, of a shape that the kind says
    version    INTEGER NOT NULL, -- counts changes, so that of two at once the second is told
    changed    INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT;
INSERT INTO kept_now SELECT * FROM kept;
DROP TABLE kept;
ALTER TABLE kept_now RENAME TO kept;
CREATE UNIQUE INDEX kept_by_name ON kept (kind, site, coalesce(person, 0), name);
CREATE INDEX kept_of_person ON kept (person);

-- Letters that people asked for. The secret in a letter's link is not here: it is made from the number and a key.
CREATE TABLE subscriptions (
    id        INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, or an old letter would end a new subscription
    person    INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    site      TEXT NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('day', 'week', 'month', 'alert')),
    address   TEXT NOT NULL,
    language  TEXT NOT NULL,
    confirmed INTEGER NOT NULL DEFAULT 0, -- whether the address' holder said yes
    sent      TEXT,                       -- last day of the latest summary, or day of the latest alert
    trouble   TEXT,                       -- why the latest letter was not taken
    created   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX subscriptions_once ON subscriptions (person, site, kind, address);

-- Adds funnels to site objects. SQLite can change a CHECK only by creating the table again.
CREATE TABLE kept_now (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('goal', 'funnel', 'annotation', 'saved_filter')),
    site       TEXT NOT NULL,
    person     INTEGER REFERENCES people ON DELETE CASCADE, -- the only person who sees it; NULL = all members
    name       TEXT,             -- unique for a kind, site and person; NULL = none
    body       TEXT NOT NULL,    -- JSON; the kind decides its shape
    version    INTEGER NOT NULL, -- counts changes, for optimistic concurrency
    changed    INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT;
INSERT INTO kept_now SELECT * FROM kept;
DROP TABLE kept;
ALTER TABLE kept_now RENAME TO kept;
CREATE UNIQUE INDEX kept_by_name ON kept (kind, site, coalesce(person, 0), name);
CREATE INDEX kept_of_person ON kept (person);

-- E-mail subscriptions. The secret in an e-mail's link is not stored: it is derived from the id and a key.
CREATE TABLE subscriptions (
    id        INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again, or the link of an old e-mail would end a new subscription
    person    INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    site      TEXT NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('day', 'week', 'month', 'alert')),
    address   TEXT NOT NULL,
    language  TEXT NOT NULL,
    confirmed INTEGER NOT NULL DEFAULT 0, -- whether the holder of the address confirmed
    sent      TEXT,                       -- last day of the latest summary, or day of the latest alert
    trouble   TEXT,                       -- why the latest e-mail was rejected
    created   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX subscriptions_once ON subscriptions (person, site, kind, address);

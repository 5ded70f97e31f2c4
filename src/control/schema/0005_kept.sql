-- Site objects: goals, annotations, saved filters.
CREATE TABLE kept (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('goal', 'annotation', 'saved_filter')),
    site       TEXT NOT NULL,
    person     INTEGER REFERENCES people ON DELETE CASCADE, -- the only person who sees it; NULL = all members
    name       TEXT,             -- unique for a kind, site and person; NULL = none
    body       TEXT NOT NULL,    -- JSON; the kind decides its shape
    version    INTEGER NOT NULL, -- counts changes, for optimistic concurrency
    changed    INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX kept_by_name ON kept (kind, site, coalesce(person, 0), name);
CREATE INDEX kept_of_person ON kept (person);

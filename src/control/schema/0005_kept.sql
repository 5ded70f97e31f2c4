-- What people keep with a site: goals, annotations, saved filters.
CREATE TABLE kept (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('goal', 'annotation', 'saved_filter')),
    site       TEXT NOT NULL,
    person     INTEGER REFERENCES people ON DELETE CASCADE, -- whose alone it is; NULL = the site's
    name       TEXT,             -- there once for a kind, site and person; NULL = has none
    body       TEXT NOT NULL,    -- JSON, of a shape that the kind says
    version    INTEGER NOT NULL, -- counts changes, so that of two at once the second is told
    changed    INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX kept_by_name ON kept (kind, site, coalesce(person, 0), name);
CREATE INDEX kept_of_person ON kept (person);

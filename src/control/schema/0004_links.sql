-- A link with which anybody who has it reads one site's reports.
CREATE TABLE links (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       BLOB NOT NULL UNIQUE, -- SHA-256 of the link's secret
    site       TEXT NOT NULL,
    name       TEXT NOT NULL,
    password   TEXT,                 -- argon2id in PHC format; NULL = none
    filters    TEXT NOT NULL,        -- JSON, as in a query; asked along with every question
    frames     TEXT NOT NULL,        -- origins that may embed it, a space between
    expires    INTEGER,              -- Unix seconds; NULL = never
    created    INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT;
CREATE INDEX links_of_site ON links (site);

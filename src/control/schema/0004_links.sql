-- Shared links: everyone who has one can read the reports of one site.
CREATE TABLE links (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       BLOB NOT NULL UNIQUE, -- SHA-256 of the link's secret
    site       TEXT NOT NULL,
    name       TEXT NOT NULL,
    password   TEXT,                 -- argon2id in PHC format; NULL = none
    filters    TEXT NOT NULL,        -- JSON, as in a query; added to every question
    frames     TEXT NOT NULL,        -- origins that may embed it, separated by spaces
    expires    INTEGER,              -- Unix seconds; NULL = never
    created    INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT;
CREATE INDEX links_of_site ON links (site);

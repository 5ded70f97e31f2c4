-- A key with which a program asks about one site.
CREATE TABLE keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       BLOB NOT NULL UNIQUE,  -- SHA-256 of the key
    site       TEXT NOT NULL,
    name       TEXT NOT NULL,         -- what its owner calls it
    scopes     TEXT NOT NULL,         -- words, a space between
    created    INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    used_day   INTEGER                -- days since 1970, UTC; NULL = never
) STRICT;
CREATE INDEX keys_of_site ON keys (site);

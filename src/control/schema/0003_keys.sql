-- API keys, with which programs query one site.
CREATE TABLE keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       BLOB NOT NULL UNIQUE,  -- SHA-256 of the key
    site       TEXT NOT NULL,
    name       TEXT NOT NULL,         -- chosen by its creator
    scopes     TEXT NOT NULL,         -- separated by spaces
    created    INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    used_day   INTEGER                -- days since 1970, UTC; NULL = never
) STRICT;
CREATE INDEX keys_of_site ON keys (site);

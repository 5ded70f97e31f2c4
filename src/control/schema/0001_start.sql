-- Values of the whole installation, e.g. its secrets. Nothing here is about a visitor.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The audit log: who changed what, and when. `who` and `subject` are names and stay when the person is removed.
-- It holds no network addresses.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL, -- Unix seconds
    who     TEXT NOT NULL,
    what    TEXT NOT NULL,
    site    TEXT NOT NULL,    -- '' = not about one site
    subject TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at);

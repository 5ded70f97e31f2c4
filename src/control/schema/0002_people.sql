-- People who may log in.
CREATE TABLE people (
    id        INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
    name      TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password  TEXT NOT NULL,                     -- argon2id in PHC format
    totp      BLOB,                              -- secret of the second factor; NULL = none
    totp_step INTEGER NOT NULL DEFAULT 0,        -- time step of the last code, so that a code works once
    created   INTEGER NOT NULL                   -- Unix seconds, as all times here
) STRICT;

-- What a person may do on a site. '*' is every site, including future ones.
CREATE TABLE roles (
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    site   TEXT NOT NULL,
    role   TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    PRIMARY KEY (person, site)
) STRICT, WITHOUT ROWID;

-- Recovery codes. Each works once in place of a code of the second factor.
CREATE TABLE recovery_codes (
    hash   BLOB PRIMARY KEY,                     -- SHA-256
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Browsers that are logged in, by the hash of their cookie.
CREATE TABLE logins (
    hash    BLOB PRIMARY KEY,
    person  INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL                     -- last request, up to an hour late
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_of_person ON logins (person);

-- Single-use links: to become the first owner, to join, or to choose a new password.
CREATE TABLE invitations (
    hash       BLOB PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('setup', 'join', 'reset')),
    person     INTEGER REFERENCES people ON DELETE CASCADE, -- of a reset; NULL for other kinds
    invited_by INTEGER REFERENCES people ON DELETE CASCADE, -- NULL = the command line
    site       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    expires    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

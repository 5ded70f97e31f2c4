-- Somebody who may log in.
CREATE TABLE people (
    id        INTEGER PRIMARY KEY AUTOINCREMENT, -- never given to another
    name      TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password  TEXT NOT NULL,                     -- argon2id in PHC format
    totp      BLOB,                              -- secret of the second factor; NULL = none
    totp_step INTEGER NOT NULL DEFAULT 0,        -- the last code's half minute, so that a code works once
    created   INTEGER NOT NULL                   -- Unix seconds, as all times here
) STRICT;

-- What a person may do on a site; '*' is every site, those to come as well.
CREATE TABLE roles (
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    site   TEXT NOT NULL,
    role   TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    PRIMARY KEY (person, site)
) STRICT, WITHOUT ROWID;

-- Each works once instead of a code of the second factor.
CREATE TABLE recovery_codes (
    hash   BLOB PRIMARY KEY,                     -- SHA-256
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- A browser that is logged in, by the hash of its cookie.
CREATE TABLE logins (
    hash    BLOB PRIMARY KEY,
    person  INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL                     -- by the hour
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_of_person ON logins (person);

-- A link that works once: to become the first owner, to join, to choose a new password.
CREATE TABLE invitations (
    hash       BLOB PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('setup', 'join', 'reset')),
    person     INTEGER REFERENCES people ON DELETE CASCADE, -- whose password; NULL unless a reset
    invited_by INTEGER REFERENCES people ON DELETE CASCADE, -- NULL = the command line
    site       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    expires    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

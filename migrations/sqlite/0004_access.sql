-- People, their sessions, tokens; and the audit as a chain.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password_hash TEXT,              -- NULL: comes in by a link or another provider only
    source TEXT NOT NULL,            -- 'local', or the issuer that vouches for them
    subject TEXT,                    -- who they are at that issuer
    is_disabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    password_changed_at INTEGER,
    UNIQUE (source, subject)
) STRICT;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    address TEXT NOT NULL,
    client TEXT NOT NULL,
    method TEXT NOT NULL             -- 'link', 'password' or 'oidc'
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,             -- a JSON array of rules
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE, -- NULL: made on the command line
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;

-- Counts what changes who is let in, so that a server sees what another program changed. That
-- somebody was seen is none of it.
CREATE TABLE access_version (n INTEGER NOT NULL) STRICT;
INSERT INTO access_version VALUES (0);

CREATE TRIGGER users_added AFTER INSERT ON users
    BEGIN UPDATE access_version SET n = n + 1; END;
CREATE TRIGGER users_changed AFTER UPDATE ON users
    BEGIN UPDATE access_version SET n = n + 1; END;
CREATE TRIGGER users_removed AFTER DELETE ON users
    BEGIN UPDATE access_version SET n = n + 1; END;
CREATE TRIGGER sessions_added AFTER INSERT ON sessions
    BEGIN UPDATE access_version SET n = n + 1; END;
CREATE TRIGGER sessions_removed AFTER DELETE ON sessions
    BEGIN UPDATE access_version SET n = n + 1; END;
CREATE TRIGGER tokens_added AFTER INSERT ON tokens
    BEGIN UPDATE access_version SET n = n + 1; END;
CREATE TRIGGER tokens_changed AFTER UPDATE OF revoked_at ON tokens
    BEGIN UPDATE access_version SET n = n + 1; END;
CREATE TRIGGER tokens_removed AFTER DELETE ON tokens
    BEGIN UPDATE access_version SET n = n + 1; END;

ALTER TABLE audit ADD COLUMN via TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN project TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN script TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN process_id TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN attempt INTEGER;
ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';

-- The newest line: what the next one is chained to.
CREATE TABLE audit_head (id INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO audit_head SELECT coalesce(max(id), 0), '' FROM audit;
-- The line before the first that is kept of the chain. Lines before it are older than the chain.
CREATE TABLE audit_base (id INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO audit_base SELECT coalesce(max(id), 0), '' FROM audit;

-- Processes, their attempts and logs, the cursors into the spool, and the audit.
--
-- Times are milliseconds since the epoch. What is compared without case is kept folded as well, in
-- the lower case of Unicode, so that every database finds the same.

CREATE TABLE processes (
    id TEXT NOT NULL PRIMARY KEY,
    project TEXT NOT NULL,
    project_folded TEXT NOT NULL,
    script TEXT NOT NULL,
    args TEXT NOT NULL,          -- a JSON array of strings
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    pid INTEGER,
    exit_code INTEGER,
    signal TEXT,
    next_idx INTEGER NOT NULL,   -- moved by the chunks alone
    search_text TEXT NOT NULL,   -- script, project, args and id, folded, a line each
    spec TEXT NOT NULL           -- last: it may be long, and lists do not read it
) STRICT;

CREATE INDEX processes_by_status ON processes (status, id);

CREATE TABLE attempts (
    process_id TEXT NOT NULL REFERENCES processes (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    pid INTEGER,
    started_at INTEGER,
    ended_at INTEGER,
    exit_code INTEGER,
    signal TEXT,
    user_ms INTEGER,
    system_ms INTEGER,
    max_rss_bytes INTEGER,
    first_idx INTEGER,
    last_idx INTEGER,
    cause TEXT NOT NULL,
    PRIMARY KEY (process_id, n)
) STRICT, WITHOUT ROWID;

-- With a rowid: chunks are large, and a table is made for long rows, an index is not.
CREATE TABLE process_logs (
    process_id TEXT NOT NULL REFERENCES processes (id) ON DELETE CASCADE,
    first_idx INTEGER NOT NULL,
    last_idx INTEGER NOT NULL,
    first_ts INTEGER NOT NULL,
    last_ts INTEGER NOT NULL,
    codec INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX process_logs_by_idx ON process_logs (process_id, first_idx);
CREATE INDEX process_logs_by_time ON process_logs (process_id, last_ts, first_idx);

CREATE TABLE cursors (
    run TEXT NOT NULL PRIMARY KEY,
    index_off INTEGER NOT NULL,
    out_off INTEGER NOT NULL,
    err_off INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_time ON audit (at);

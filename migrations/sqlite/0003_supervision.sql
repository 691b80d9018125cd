-- What the engine knows of a process besides its status, who or what started each attempt, and what
-- the engine itself remembers over a restart: paused pools, the last time of each schedule.

ALTER TABLE processes ADD COLUMN details TEXT NOT NULL DEFAULT '{}'; -- JSON, never searched

ALTER TABLE attempts ADD COLUMN cause_kind TEXT;
ALTER TABLE attempts ADD COLUMN cause_by TEXT;
ALTER TABLE attempts ADD COLUMN config_hash TEXT;

CREATE TABLE kept (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Why each attempt ended. NULL is unknown: it was stored before this was told, or runs.

ALTER TABLE attempts ADD COLUMN end_kind TEXT;
ALTER TABLE attempts ADD COLUMN end_by TEXT;  -- who, which file, what a probe found
ALTER TABLE attempts ADD COLUMN end_words TEXT;

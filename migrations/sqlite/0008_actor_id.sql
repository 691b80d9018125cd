-- Who acted, by what does not change and is not given again. Empty for lines from before, and for acts of
-- nobody who is known here.

ALTER TABLE audit ADD COLUMN actor_id TEXT NOT NULL DEFAULT '';

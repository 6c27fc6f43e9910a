-- When a connection began, and when what it grants last became more or less; times in milliseconds.
-- NULL: as granted_at says, for nobody knows better.

ALTER TABLE connections ADD COLUMN since INTEGER;
ALTER TABLE connections ADD COLUMN changed_at INTEGER;

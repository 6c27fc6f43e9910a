-- When a connection began, and when what it grants last became more or less.
-- NULL: as granted_at says, for nobody knows better.

ALTER TABLE connections ADD COLUMN since timestamptz;
ALTER TABLE connections ADD COLUMN changed_at timestamptz;

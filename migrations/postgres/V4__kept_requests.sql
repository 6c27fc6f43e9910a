-- A request that waits is kept as it was understood, and not as it was sent: at most 4 KiB of JSON.
--
-- '' is a request of the version before, which kept it in `query`: nobody goes on with it, and it is
-- swept within an hour. `query` and `hinted` are written no more.

ALTER TABLE interactions ADD COLUMN request text NOT NULL DEFAULT '';

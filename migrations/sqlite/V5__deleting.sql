-- Deleting a client or a user ends it at once, and its rows go in batches. A row that is deleted
-- counts as absent meanwhile.

ALTER TABLE clients ADD COLUMN deleted INTEGER NOT NULL DEFAULT FALSE;
CREATE INDEX clients_deleted ON clients (id) WHERE deleted;

ALTER TABLE users ADD COLUMN deleted INTEGER NOT NULL DEFAULT FALSE;
CREATE INDEX users_deleted ON users (id) WHERE deleted;

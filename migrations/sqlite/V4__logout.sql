-- Clients are told when a session ends in which they took part.

ALTER TABLE clients ADD COLUMN backchannel_logout_uri TEXT; -- NULL: it does not want to know
ALTER TABLE clients ADD COLUMN backchannel_logout_session_required INTEGER NOT NULL DEFAULT FALSE;

ALTER TABLE authorizations ADD COLUMN session_id BLOB; -- no reference: it outlives the session

-- Who took part in a session, kept as long as the session.
CREATE TABLE session_clients (
    session_id BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    client_id BLOB NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    PRIMARY KEY (session_id, client_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_clients_of_client ON session_clients (client_id);

-- The clients that are still to be told of a session that ended. Neither the session nor its user need
-- be there any more.
CREATE TABLE logout_notices (
    session_id BLOB NOT NULL,
    client_id BLOB NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    alias_id BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER, -- NULL: at once
    PRIMARY KEY (session_id, client_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX logout_notices_of_client ON logout_notices (client_id);
CREATE INDEX logout_notices_due ON logout_notices (due_at);

-- Deleting a client or a user ends it at once, and its rows go in batches. What is deleted is hidden
-- meanwhile: whoever reads clients and users, nodes of the version before among them, reads views
-- that do not have it.

ALTER TABLE clients RENAME TO client_rows;
ALTER TABLE client_rows ADD COLUMN deleted boolean NOT NULL DEFAULT FALSE;
CREATE INDEX client_rows_deleted ON client_rows (id) WHERE deleted;

CREATE VIEW clients AS
SELECT id, name, kind, auth_method, id_token_alg, redirect_uris, post_logout_redirect_uris,
    backchannel_logout_uri, backchannel_logout_session_required, channels, next_channel, created_at
FROM client_rows WHERE NOT deleted;

ALTER TABLE users RENAME TO user_rows;
ALTER TABLE user_rows ADD COLUMN deleted boolean NOT NULL DEFAULT FALSE;
CREATE INDEX user_rows_deleted ON user_rows (id) WHERE deleted;

CREATE VIEW users AS
SELECT id, email, nickname, password_hash, locked, created_at
FROM user_rows WHERE NOT deleted;

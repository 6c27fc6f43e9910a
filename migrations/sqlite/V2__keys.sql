-- Keys turn over: those that sign ID tokens, of which each client is registered for one kind, and
-- those that seal tokens.

CREATE TABLE keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL, -- RS256, ES256, EdDSA, A256GCM
    sealed TEXT NOT NULL, -- the private or secret key, sealed under the master key
    created_at INTEGER NOT NULL,
    active_from INTEGER NOT NULL
) STRICT;

INSERT INTO keys (kid, algorithm, sealed, created_at, active_from)
SELECT kid, algorithm, sealed, created_at, created_at FROM signing_keys;

DROP TABLE signing_keys;

ALTER TABLE clients ADD COLUMN id_token_alg TEXT NOT NULL DEFAULT 'RS256';

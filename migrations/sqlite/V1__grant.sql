-- The grant: clients and users, what users grant to clients, and what stems from it.
--
-- An identifier is 16 bytes, a digest 32 (SHA-256), a time the milliseconds since 1970 in UTC. The
-- rules are in the domain crate; a store reads rows, asks it, and writes what it says.

CREATE TABLE clients (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    auth_method TEXT NOT NULL,
    redirect_uris TEXT NOT NULL, -- JSON: ["https://…"]
    post_logout_redirect_uris TEXT NOT NULL, -- JSON, likewise
    channels TEXT NOT NULL, -- JSON: [{"id":1,"name":"…","description":"…"}]
    next_channel INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE client_secrets (
    client_id BLOB NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    expires_at INTEGER, -- NULL: it is the current one
    PRIMARY KEY (client_id, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX client_secrets_to_sweep ON client_secrets (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE, -- in lower case
    nickname TEXT,
    password_hash TEXT NOT NULL, -- a PHC string
    locked INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    token_digest BLOB NOT NULL UNIQUE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    auth_time INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_to_sweep ON sessions (expires_at);

CREATE TABLE interactions (
    id BLOB NOT NULL PRIMARY KEY,
    binding BLOB, -- the digest of what its browser can show; NULL until one opens a page
    client_id BLOB NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    query TEXT NOT NULL,
    account_session BLOB, -- no reference: a session may end before the interaction
    account_authenticated INTEGER,
    answered INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX interactions_of_client ON interactions (client_id);
CREATE INDEX interactions_to_sweep ON interactions (expires_at);

-- The row outlives a disconnect, for the alias ID stays theirs.
CREATE TABLE connections (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id BLOB NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    alias_id BLOB NOT NULL UNIQUE,
    access TEXT, -- JSON: {"scope":"openid contact","channels":[1]}; NULL: disconnected
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, client_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX connections_of_client ON connections (client_id);

-- One row for the whole life of an authorization. A refresh writes columns that no index has: not
-- ends_at, but sweep_at says when a sweep looks at the row, and finds that it has ended or when to
-- look again.
CREATE TABLE authorizations (
    id BLOB NOT NULL PRIMARY KEY,
    client_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    approved TEXT NOT NULL, -- JSON, as connections.access
    auth_time INTEGER NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT,
    nonce TEXT,
    code_expires_at INTEGER, -- NULL: the code was exchanged
    refresh_generation INTEGER, -- this and the next two: NULL without refresh tokens
    refresh_issued_at INTEGER,
    refresh_expires_at INTEGER,
    user_tokens_void_through INTEGER,
    ends_at INTEGER NOT NULL,
    sweep_at INTEGER NOT NULL,
    FOREIGN KEY (user_id, client_id) REFERENCES connections (user_id, client_id) ON DELETE CASCADE
) STRICT;

CREATE INDEX authorizations_of_connection ON authorizations (user_id, client_id);
CREATE INDEX authorizations_to_sweep ON authorizations (sweep_at);

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    sealed TEXT NOT NULL, -- the private key, sealed under the master key
    public_jwk TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

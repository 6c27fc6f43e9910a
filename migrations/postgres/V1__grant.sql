-- The grant: clients and users, what users grant to clients, and what stems from it.
--
-- A digest is 32 bytes (SHA-256), a time is in whole milliseconds. The rules are in the domain crate: a
-- statement may anticipate what they say, and the domain judges what it did.

CREATE TABLE clients (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL,
    auth_method text NOT NULL,
    id_token_alg text NOT NULL,
    redirect_uris text[] NOT NULL,
    post_logout_redirect_uris text[] NOT NULL,
    backchannel_logout_uri text, -- NULL: it does not want to know that a session ended
    backchannel_logout_session_required boolean NOT NULL,
    channels text NOT NULL, -- JSON: [{"id":1,"name":"…","description":"…"}]
    next_channel bigint NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE client_secrets (
    client_id uuid NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    digest bytea NOT NULL,
    expires_at timestamptz, -- NULL: it is the current one
    PRIMARY KEY (client_id, digest)
);

CREATE INDEX client_secrets_to_sweep ON client_secrets (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE, -- in lower case
    nickname text,
    password_hash text NOT NULL, -- a PHC string
    locked boolean NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    token_digest bytea NOT NULL UNIQUE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    auth_time timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_to_sweep ON sessions (expires_at);

-- Who took part in a session, kept as long as the session. Whoever ends a session locks its row first,
-- so that nobody takes part in between.
CREATE TABLE session_clients (
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    client_id uuid NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    PRIMARY KEY (session_id, client_id)
);

CREATE INDEX session_clients_of_client ON session_clients (client_id);

-- The clients that are still to be told of a session that ended. Neither the session nor its user need
-- be there any more.
CREATE TABLE logout_notices (
    session_id uuid NOT NULL,
    client_id uuid NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    alias_id uuid NOT NULL,
    attempts bigint NOT NULL,
    due_at timestamptz, -- NULL: at once
    PRIMARY KEY (session_id, client_id)
);

CREATE INDEX logout_notices_of_client ON logout_notices (client_id);
CREATE INDEX logout_notices_due ON logout_notices (due_at NULLS FIRST);

CREATE TABLE interactions (
    id uuid PRIMARY KEY,
    binding bytea, -- the digest of what its browser can show; NULL until one opens a page
    client_id uuid NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    query text NOT NULL,
    hinted uuid, -- the alias ID that an ID token hint named
    account_session uuid, -- no reference: a session may end before the interaction
    account_authenticated boolean,
    answered boolean NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX interactions_of_client ON interactions (client_id);
CREATE INDEX interactions_to_sweep ON interactions (expires_at);

-- The row outlives a disconnect, for the alias ID stays theirs. Whoever changes what a user grants to
-- a client locks this row first.
CREATE TABLE connections (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id uuid NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    alias_id uuid NOT NULL UNIQUE,
    scopes text[], -- NULL: disconnected
    channels bigint[] NOT NULL,
    granted_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, client_id)
);

CREATE INDEX connections_of_client ON connections (client_id);

-- One row for the whole life of an authorization. A refresh writes columns that no index has, and finds
-- room on the row's own page (heap-only tuples): not ends_at, but sweep_at says when a sweep looks at
-- the row, and finds that it has ended or when to look again.
CREATE TABLE authorizations (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL,
    user_id uuid NOT NULL,
    approved_scopes text[] NOT NULL,
    approved_channels bigint[] NOT NULL,
    session_id uuid, -- no reference: it outlives the session
    auth_time timestamptz NOT NULL,
    redirect_uri text NOT NULL,
    challenge text,
    nonce text,
    asked_claims text NOT NULL, -- of the ID token: "acr amr"
    code_expires_at timestamptz, -- NULL: the code was exchanged
    refresh_generation bigint, -- this and the next two: NULL without refresh tokens
    refresh_issued_at timestamptz,
    refresh_expires_at timestamptz,
    user_tokens_void_through timestamptz,
    ends_at timestamptz NOT NULL,
    sweep_at timestamptz NOT NULL,
    FOREIGN KEY (user_id, client_id) REFERENCES connections (user_id, client_id) ON DELETE CASCADE
) WITH (fillfactor = 70);

CREATE INDEX authorizations_of_connection ON authorizations (user_id, client_id);
CREATE INDEX authorizations_to_sweep ON authorizations (sweep_at);

CREATE TABLE keys (
    kid text PRIMARY KEY,
    algorithm text NOT NULL,
    sealed text NOT NULL, -- the private or secret key, sealed under the master key
    created_at timestamptz NOT NULL,
    active_from timestamptz NOT NULL
);

-- Under which names a client is told a nickname, beside `nickname`: 'name preferred_username'.

ALTER TABLE client_rows ADD COLUMN claims text NOT NULL DEFAULT '';

-- A view takes a new column at its end alone.
CREATE OR REPLACE VIEW clients AS
SELECT id, name, kind, auth_method, id_token_alg, redirect_uris, post_logout_redirect_uris,
    backchannel_logout_uri, backchannel_logout_session_required, channels, next_channel, created_at,
    claims
FROM client_rows WHERE NOT deleted;

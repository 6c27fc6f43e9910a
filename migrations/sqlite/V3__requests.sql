-- What OpenID Connect lets a request ask for beyond the usual.

ALTER TABLE authorizations ADD COLUMN asked_claims TEXT NOT NULL DEFAULT ''; -- of the ID token: "acr amr"

ALTER TABLE interactions ADD COLUMN hinted BLOB; -- the alias ID that an ID token hint named

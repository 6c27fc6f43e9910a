//! Taking in everything that another store keeps: one transaction, in which the rows of each page are
//! copied at once.

use std::pin::Pin;

use alias_domain::{
    Authorization, Client, ClientSecret, Interaction, SessionId, User,
    ports::{
        Counts, Export, Import, ImportError, Page, Participation, PasswordHash, StoredConnection,
        StoredKey, StoredNotice, StoredSession,
    },
};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use tokio_postgres::{binary_copy::BinaryCopyInWriter, types::Type};

use crate::{
    PostgresStore,
    authorizations::PhaseColumns,
    row::{Stored, json, word, words},
    steps::{Params, Tried, Trouble, row},
};

/// It may take its time, as long as it goes on. Whoever writes has a few seconds to end.
const PATIENCE: &str = "
    SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL lock_timeout = '5s'";

/// From here on nobody else writes, and another import waits.
const LOCK: &str = "
    LOCK TABLE keys, client_rows, client_secrets, user_rows, sessions, interactions, connections,
        authorizations, session_clients, logout_notices IN SHARE ROW EXCLUSIVE MODE";

/// Until statistics are gathered, every plan is a guess.
const ANALYZE: &str = "
    ANALYZE keys, client_rows, client_secrets, user_rows, sessions, interactions, connections,
        authorizations, session_clients, logout_notices";

const KEPT: &str = "
    SELECT 1 WHERE EXISTS (SELECT 1 FROM keys) OR EXISTS (SELECT 1 FROM client_rows)
        OR EXISTS (SELECT 1 FROM user_rows)";

fn target(trouble: impl Into<Trouble>) -> ImportError {
    let trouble = trouble.into();
    match trouble.is_locked_out() {
        true => ImportError::Busy,
        false => ImportError::Target(trouble.into()),
    }
}

#[async_trait]
impl Import for PostgresStore {
    async fn import(&self, from: &mut dyn Export) -> Result<Counts, ImportError> {
        let mut client = self.steps.client().await.map_err(target)?;
        client.begin();
        // If it is dropped before its end, the server undoes it.
        let transaction = client.transaction().await.map_err(target)?;
        if holds_something(&transaction).await.map_err(target)? {
            return Err(ImportError::NotEmpty);
        }
        let mut counts = Counts::default();
        while let Some(page) = from.next_page().await.map_err(ImportError::Source)? {
            counts.add(&page);
            take(&transaction, &page).await.map_err(target)?;
        }
        transaction.batch_execute(ANALYZE).await.map_err(target)?;
        transaction.commit().await.map_err(target)?;
        if client.is_unconfirmed() {
            return Err(target(Trouble::Unconfirmed));
        }
        client.finish();
        self.clients.forget();
        Ok(counts)
    }
}

/// Whether there is something, from now on for good.
async fn holds_something(transaction: &Transaction<'_>) -> Tried<bool> {
    transaction.batch_execute(PATIENCE).await?;
    transaction.batch_execute(LOCK).await?;
    Ok(row(transaction, KEPT, &[]).await?.is_some())
}

async fn take(transaction: &Transaction<'_>, page: &Page) -> Tried<()> {
    match page {
        Page::Keys(keys) => copy_keys(transaction, keys).await,
        Page::Clients(clients) => {
            copy_clients(transaction, clients).await?;
            copy_secrets(transaction, clients).await
        }
        Page::Users(users) => copy_users(transaction, users).await,
        Page::Sessions(sessions) => copy_sessions(transaction, sessions).await,
        Page::Interactions(interactions) => copy_interactions(transaction, interactions).await,
        Page::Connections(connections) => copy_connections(transaction, connections).await,
        Page::Authorizations(them) => copy_authorizations(transaction, them).await,
        Page::Participations(them) => copy_participations(transaction, them).await,
        Page::Notices(notices) => copy_notices(transaction, notices).await,
    }
}

/// A table that rows are being copied into.
struct Copy(Pin<Box<BinaryCopyInWriter>>);

impl Copy {
    /// The statement names the columns, of which these are the types.
    async fn begin(transaction: &Transaction<'_>, statement: &str, types: &[Type]) -> Tried<Self> {
        let statement = transaction.prepare_cached(statement).await?;
        let sink = transaction.copy_in(&statement).await?;
        Ok(Self(Box::pin(BinaryCopyInWriter::new(sink, types))))
    }

    async fn row(&mut self, row: Params<'_>) -> Tried<()> {
        Ok(self.0.as_mut().write(row).await?)
    }

    async fn end(mut self) -> Tried<()> {
        self.0.as_mut().finish().await?;
        Ok(())
    }
}

async fn copy_keys(transaction: &Transaction<'_>, keys: &[StoredKey]) -> Tried<()> {
    let mut copy = Copy::begin(
        transaction,
        "COPY keys (kid, algorithm, sealed, created_at, active_from) FROM STDIN BINARY",
        &[
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMPTZ,
        ],
    )
    .await?;
    for key in keys {
        let (created_at, active_from) = (&key.created_at, &key.active_from);
        copy.row(&[
            &key.kid,
            &key.algorithm,
            &key.sealed,
            created_at,
            active_from,
        ])
        .await?;
    }
    copy.end().await
}

type WithSecrets = (Client, Vec<ClientSecret>);

async fn copy_clients(transaction: &Transaction<'_>, clients: &[WithSecrets]) -> Tried<()> {
    let mut copy = Copy::begin(
        transaction,
        "COPY client_rows (
            id, name, kind, auth_method, id_token_alg, redirect_uris, post_logout_redirect_uris,
            channels, next_channel, created_at, backchannel_logout_uri,
            backchannel_logout_session_required, claims
        ) FROM STDIN BINARY",
        &[
            Type::UUID,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT_ARRAY,
            Type::TEXT_ARRAY,
            Type::TEXT,
            Type::INT8,
            Type::TIMESTAMPTZ,
            Type::TEXT,
            Type::BOOL,
            Type::TEXT,
        ],
    )
    .await?;
    for (client, _) in clients {
        let backchannel = client.backchannel_logout.as_ref();
        copy.row(&[
            &client.id.uuid(),
            &client.name,
            &word(&client.kind)?,
            &word(&client.auth_method)?,
            &word(&client.id_token_alg)?,
            &words(&client.redirect_uris)?,
            &words(&client.post_logout_redirect_uris)?,
            &json(&client.channels)?,
            &i64::from(client.next_channel.0),
            &client.created_at,
            &backchannel.map(|it| it.uri.as_str()),
            &backchannel.is_some_and(|it| it.session_required),
            &client.claims.to_string(),
        ])
        .await?;
    }
    copy.end().await
}

async fn copy_secrets(transaction: &Transaction<'_>, clients: &[WithSecrets]) -> Tried<()> {
    let mut copy = Copy::begin(
        transaction,
        "COPY client_secrets (client_id, digest, expires_at) FROM STDIN BINARY",
        &[Type::UUID, Type::BYTEA, Type::TIMESTAMPTZ],
    )
    .await?;
    for (client, secrets) in clients {
        for secret in secrets {
            let digest = secret.digest.bytes();
            copy.row(&[&client.id.uuid(), &digest.as_slice(), &secret.expires_at])
                .await?;
        }
    }
    copy.end().await
}

async fn copy_users(transaction: &Transaction<'_>, users: &[(User, PasswordHash)]) -> Tried<()> {
    let mut copy = Copy::begin(
        transaction,
        "COPY user_rows (id, email, nickname, password_hash, locked, created_at) FROM STDIN BINARY",
        &[
            Type::UUID,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
            Type::BOOL,
            Type::TIMESTAMPTZ,
        ],
    )
    .await?;
    for (user, password) in users {
        copy.row(&[
            &user.id.uuid(),
            &user.email.as_str(),
            &user.nickname.as_ref().map(|it| it.as_str()),
            &password.as_str(),
            &user.locked,
            &user.created_at,
        ])
        .await?;
    }
    copy.end().await
}

async fn copy_sessions(transaction: &Transaction<'_>, sessions: &[StoredSession]) -> Tried<()> {
    let mut copy = Copy::begin(
        transaction,
        "COPY sessions (id, token_digest, user_id, auth_time, expires_at) FROM STDIN BINARY",
        &[
            Type::UUID,
            Type::BYTEA,
            Type::UUID,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMPTZ,
        ],
    )
    .await?;
    for session in sessions {
        copy.row(&[
            &session.id.uuid(),
            &session.token.bytes().as_slice(),
            &session.user_id.uuid(),
            &session.auth_time,
            &session.expires_at,
        ])
        .await?;
    }
    copy.end().await
}

async fn copy_interactions(
    transaction: &Transaction<'_>,
    interactions: &[Interaction],
) -> Tried<()> {
    let mut copy = Copy::begin(
        transaction,
        "COPY interactions (
            id, binding, client_id, query, request, account_session, account_authenticated, answered, denied,
            expires_at
        ) FROM STDIN BINARY",
        &[
            Type::UUID,
            Type::BYTEA,
            Type::UUID,
            Type::TEXT,
            Type::TEXT,
            Type::UUID,
            Type::BOOL,
            Type::BOOL,
            Type::BOOL,
            Type::TIMESTAMPTZ,
        ],
    )
    .await?;
    for interaction in interactions {
        copy.row(&[
            &interaction.id.uuid(),
            &interaction.binding.bytes().as_slice(),
            &interaction.client_id.uuid(),
            &"",
            &json(&interaction.request)?,
            &interaction.account.map(|it| it.session.uuid()),
            &interaction.account.map(|it| it.authenticated),
            &interaction.answered,
            &interaction.denied,
            &interaction.expires_at,
        ])
        .await?;
    }
    copy.end().await
}

async fn copy_connections(
    transaction: &Transaction<'_>,
    connections: &[StoredConnection],
) -> Tried<()> {
    let mut copy = Copy::begin(
        transaction,
        "COPY connections (
            user_id, client_id, alias_id, scopes, channels, granted_at, since, changed_at
        ) FROM STDIN BINARY",
        &[
            Type::UUID,
            Type::UUID,
            Type::UUID,
            Type::TEXT_ARRAY,
            Type::INT8_ARRAY,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMPTZ,
        ],
    )
    .await?;
    for connection in connections {
        let stored = connection.access.as_ref().map(Stored::from);
        let (scopes, channels) = stored.map(|it| (it.scopes, it.channels)).unzip();
        copy.row(&[
            &connection.user_id.uuid(),
            &connection.client_id.uuid(),
            &connection.alias_id.uuid(),
            &scopes,
            &channels.unwrap_or_default(),
            &connection.granted_at,
            &connection.since,
            &connection.changed_at,
        ])
        .await?;
    }
    copy.end().await
}

async fn copy_authorizations(
    transaction: &Transaction<'_>,
    authorizations: &[Authorization],
) -> Tried<()> {
    let mut copy = Copy::begin(
        transaction,
        "COPY authorizations (
            id, client_id, user_id, approved_scopes, approved_channels, auth_time, redirect_uri,
            challenge, nonce, asked_claims, code_expires_at, refresh_generation, refresh_issued_at,
            refresh_expires_at, user_tokens_void_through, ends_at, sweep_at, session_id
        ) FROM STDIN BINARY",
        &[
            Type::UUID,
            Type::UUID,
            Type::UUID,
            Type::TEXT_ARRAY,
            Type::INT8_ARRAY,
            Type::TIMESTAMPTZ,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
            Type::TEXT,
            Type::TIMESTAMPTZ,
            Type::INT8,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMPTZ,
            Type::UUID,
        ],
    )
    .await?;
    for authorization in authorizations {
        let approved = Stored::from(&authorization.approved);
        let phase = PhaseColumns::from(authorization.phase);
        let binding = &authorization.binding;
        copy.row(&[
            &authorization.id.uuid(),
            &authorization.client_id.uuid(),
            &authorization.user_id.uuid(),
            &approved.scopes,
            &approved.channels,
            &authorization.auth_time,
            &binding.redirect_uri,
            &binding.challenge.as_ref().map(ToString::to_string),
            &binding.nonce,
            &binding.asked_claims.to_string(),
            &phase.code_expires_at,
            &phase.refresh_generation,
            &phase.refresh_issued_at,
            &phase.refresh_expires_at,
            &authorization.user_tokens_void_through,
            &authorization.ends_at,
            // A sweep looks at it when it ends.
            &authorization.ends_at,
            &authorization.session_id.map(SessionId::uuid),
        ])
        .await?;
    }
    copy.end().await
}

async fn copy_participations(
    transaction: &Transaction<'_>,
    participations: &[Participation],
) -> Tried<()> {
    let statement = "COPY session_clients (session_id, client_id) FROM STDIN BINARY";
    let mut copy = Copy::begin(transaction, statement, &[Type::UUID, Type::UUID]).await?;
    for it in participations {
        copy.row(&[&it.session_id.uuid(), &it.client_id.uuid()])
            .await?;
    }
    copy.end().await
}

async fn copy_notices(transaction: &Transaction<'_>, notices: &[StoredNotice]) -> Tried<()> {
    let mut copy = Copy::begin(
        transaction,
        "COPY logout_notices (session_id, client_id, alias_id, attempts, due_at)
        FROM STDIN BINARY",
        &[
            Type::UUID,
            Type::UUID,
            Type::UUID,
            Type::INT8,
            Type::TIMESTAMPTZ,
        ],
    )
    .await?;
    for notice in notices {
        copy.row(&[
            &notice.session_id.uuid(),
            &notice.client_id.uuid(),
            &notice.alias_id.uuid(),
            &i64::from(notice.attempts),
            &notice.due_at,
        ])
        .await?;
    }
    copy.end().await
}

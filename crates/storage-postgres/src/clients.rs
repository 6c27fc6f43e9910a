//! Clients and their secrets.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use alias_domain::{
    BackchannelLogout, ChannelId, Client, ClientId, ClientSecret,
    ports::{Clients, StoreError},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use moka::sync::Cache;
use tokio_postgres::{Row as PgRow, types::Type};

use crate::{
    PostgresStore,
    deleted::{self, Deleted},
    row::{Computed, Joined, Row, digest, json, word, words},
    steps::{Tried, execute, row},
    table::{Table, cell, column},
};

pub(crate) static CLIENTS: Table<Client> = Table {
    name: "clients",
    alias: "k",
    key: &["id"],
    columns: &[
        column("id", Type::UUID, |it| cell(it.id.uuid())),
        column("name", Type::TEXT, |it| cell(it.name.clone())),
        column("kind", Type::TEXT, |it| cell(word(&it.kind)?)),
        column("auth_method", Type::TEXT, |it| cell(word(&it.auth_method)?)),
        column("id_token_alg", Type::TEXT, |it| {
            cell(word(&it.id_token_alg)?)
        }),
        column("redirect_uris", Type::TEXT_ARRAY, |it| {
            cell(words(&it.redirect_uris)?)
        }),
        column("post_logout_redirect_uris", Type::TEXT_ARRAY, |it| {
            cell(words(&it.post_logout_redirect_uris)?)
        }),
        column("backchannel_logout_uri", Type::TEXT, |it| {
            let backchannel = it.backchannel_logout.as_ref();
            cell(backchannel.map(|it| it.uri.as_str().to_owned()))
        }),
        column("backchannel_logout_session_required", Type::BOOL, |it| {
            let backchannel = it.backchannel_logout.as_ref();
            cell(backchannel.is_some_and(|it| it.session_required))
        }),
        column("claims", Type::TEXT, |it| cell(it.claims.to_string())),
        column("channels", Type::TEXT, |it| cell(json(&it.channels)?)),
        column("next_channel", Type::INT8, |it| {
            cell(i64::from(it.next_channel.0))
        }),
        column("created_at", Type::TIMESTAMPTZ, |it| cell(it.created_at)),
    ],
};

/// Of each client, its secrets.
pub(crate) static SECRETS: Table<(ClientId, ClientSecret)> = Table {
    name: "client_secrets",
    alias: "s",
    key: &["client_id"],
    columns: &[
        column("client_id", Type::UUID, |(client, _)| cell(client.uuid())),
        column("digest", Type::BYTEA, |(_, it)| {
            cell(it.digest.bytes().to_vec())
        }),
        column("expires_at", Type::TIMESTAMPTZ, |(_, it)| {
            cell(it.expires_at)
        }),
    ],
};

/// All secrets of a client, in its own row.
static WITH_IT: Computed = Computed {
    name: "client_secrets",
    columns: &["digests", "ends"],
};

/// A client with its secrets.
pub(crate) type WithSecrets = Arc<(Client, Vec<ClientSecret>)>;

/// The clients that were asked for a moment ago. Every request asks for one, and they change
/// seldom. A change by this node is seen at once, one by another node or the command line once the
/// entry is too old: nothing has to be told, so nothing can fail to be. No state of a code or a
/// token is ever here, and what a token is worth is judged by the client's own row.
pub(crate) struct Recent(Cache<ClientId, WithSecrets>);

/// The oldest that an entry gets. What the command line changes holds within a second.
const OLDEST: Duration = Duration::from_millis(500);

/// The most clients that are remembered.
const MOST: u64 = 10_000;

impl Recent {
    pub(crate) fn new() -> Self {
        Self(
            Cache::builder()
                .max_capacity(MOST)
                .time_to_live(OLDEST)
                .build(),
        )
    }

    /// Forgets all of them.
    pub(crate) fn forget(&self) {
        self.0.invalidate_all();
    }
}

pub(crate) fn from_row(row: Row<'_>) -> Result<Client, StoreError> {
    Ok(Client {
        id: ClientId::from_uuid(row.uuid("id")?),
        name: row.get("name")?,
        kind: row.word("kind")?,
        auth_method: row.word("auth_method")?,
        id_token_alg: row.word("id_token_alg")?,
        redirect_uris: row.words("redirect_uris")?,
        post_logout_redirect_uris: row.words("post_logout_redirect_uris")?,
        backchannel_logout: row.optional("backchannel_logout_uri", backchannel_from_row)?,
        claims: row.parsed("claims")?,
        channels: row.json("channels")?,
        next_channel: ChannelId(row.number("next_channel")?),
        created_at: row.time("created_at")?,
    })
}

fn backchannel_from_row(row: &Row<'_>, uri: &'static str) -> Result<BackchannelLogout, StoreError> {
    Ok(BackchannelLogout {
        uri: row.parsed(uri)?,
        session_required: row.get("backchannel_logout_session_required")?,
    })
}

fn with_secrets(row: &PgRow) -> Result<(Client, Vec<ClientSecret>), StoreError> {
    let mut joined = Joined::new(row);
    let client = from_row(joined.next(&CLIENTS))?;
    let secrets = joined.next(&WITH_IT);
    let digests: Vec<&[u8]> = secrets.get("digests")?;
    let ends: Vec<Option<DateTime<Utc>>> = secrets.get("ends")?;
    let secret = |(bytes, expires_at)| {
        let digest = digest(bytes).ok_or_else(|| StoreError::Corrupt {
            table: SECRETS.name,
            key: client.id.to_string(),
            reason: "digest".to_owned(),
        })?;
        Ok(ClientSecret { digest, expires_at })
    };
    let secrets = digests.into_iter().zip(ends).map(secret);
    let secrets = secrets.collect::<Result<_, StoreError>>()?;
    Ok((client, secrets))
}

static FIND: LazyLock<String> = LazyLock::new(|| {
    let columns = CLIENTS.list();
    format!("SELECT {columns} FROM clients k WHERE k.id = $1")
});

/// The client, if it is registered, and locked against other changes.
async fn lock(transaction: &Transaction<'_>, id: ClientId) -> Tried<Option<Client>> {
    static LOCK: LazyLock<String> = LazyLock::new(|| format!("{} FOR UPDATE", *FIND));
    let found = row(transaction, &LOCK, &[&id.uuid()]).await?;
    let client = found.as_ref().map(|it| from_row(CLIENTS.row(it)));
    Ok(client.transpose()?)
}

async fn update(transaction: &Transaction<'_>, next: &Client) -> Tried<()> {
    let values = CLIENTS.update_values(next, |_| true)?;
    execute(transaction, &CLIENTS.update(|_| true), &values.refs())
        .await
        .map(drop)
}

async fn add_secrets(
    transaction: &Transaction<'_>,
    id: ClientId,
    secrets: &[ClientSecret],
) -> Tried<()> {
    for secret in secrets {
        SECRETS.insert(transaction, &(id, secret.clone())).await?;
    }
    Ok(())
}

impl PostgresStore {
    /// The client as it was at most a moment ago.
    async fn recent_client(&self, id: ClientId) -> Result<Option<WithSecrets>, StoreError> {
        static STATEMENT: LazyLock<String> = LazyLock::new(|| {
            let of_client = "FROM client_secrets s WHERE s.client_id = k.id ORDER BY s.digest";
            let columns = CLIENTS.list();
            format!(
                "SELECT {columns},
                    ARRAY(SELECT s.digest {of_client}), ARRAY(SELECT s.expires_at {of_client})
                FROM clients k WHERE k.id = $1"
            )
        });
        if let Some(recent) = self.clients.0.get(&id) {
            return Ok(Some(recent));
        }
        let rows = self.steps.read(&STATEMENT, &[&id.uuid()]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let found = Arc::new(with_secrets(row)?);
        self.clients.0.insert(id, Arc::clone(&found));
        Ok(Some(found))
    }
}

#[async_trait]
impl Clients for PostgresStore {
    async fn insert_client(
        &self,
        client: &Client,
        secrets: &[ClientSecret],
    ) -> Result<(), StoreError> {
        let inserted = self.steps.transact(|transaction| {
            let (client, secrets) = (client.clone(), secrets.to_vec());
            Box::pin(async move {
                CLIENTS.insert(transaction, &client).await?;
                add_secrets(transaction, client.id, &secrets).await
            })
        });
        Ok(inserted.await?)
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>, StoreError> {
        let found = self.recent_client(id).await?;
        Ok(found.map(|it| it.0.clone()))
    }

    async fn client_with_secrets(
        &self,
        id: ClientId,
    ) -> Result<Option<(Client, Vec<ClientSecret>)>, StoreError> {
        let found = self.recent_client(id).await?;
        Ok(found.map(|it| (*it).clone()))
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        let columns = CLIENTS.list();
        let statement = format!("SELECT {columns} FROM clients k ORDER BY k.created_at, k.id");
        let rows = self.steps.read(&statement, &[]).await?;
        rows.iter().map(|it| from_row(CLIENTS.row(it))).collect()
    }

    async fn update_client(&self, before: &Client, next: &Client) -> Result<bool, StoreError> {
        let updated = self.steps.transact(|transaction| {
            let (before, next) = (before.clone(), next.clone());
            Box::pin(async move {
                let unchanged = lock(transaction, next.id).await? == Some(before);
                if unchanged {
                    update(transaction, &next).await?;
                }
                Ok(unchanged)
            })
        });
        let updated = updated.await?;
        self.clients.0.invalidate(&next.id);
        Ok(updated)
    }

    async fn set_client_secrets(
        &self,
        id: ClientId,
        secrets: &[ClientSecret],
    ) -> Result<bool, StoreError> {
        let set = self.steps.transact(|transaction| {
            let secrets = secrets.to_vec();
            Box::pin(async move {
                if lock(transaction, id).await?.is_none() {
                    return Ok(false);
                }
                let statement = "DELETE FROM client_secrets WHERE client_id = $1";
                execute(transaction, statement, &[&id.uuid()]).await?;
                add_secrets(transaction, id, &secrets).await?;
                Ok(true)
            })
        });
        let set = set.await?;
        self.clients.0.invalidate(&id);
        Ok(set)
    }

    async fn delete_client(&self, id: ClientId) -> Result<bool, StoreError> {
        let marked = self.steps.transact(|transaction| {
            Box::pin(async move { deleted::mark_client(transaction, id.uuid()).await })
        });
        let marked = marked.await?;
        self.clients.0.invalidate(&id);
        if marked {
            self.begin_to_remove(Deleted::Client, id.uuid()).await;
        }
        Ok(marked)
    }
}

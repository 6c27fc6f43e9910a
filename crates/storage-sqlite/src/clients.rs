//! Clients and their secrets.

use alias_domain::{
    BackchannelLogout, ChannelId, Client, ClientId, ClientSecret,
    ports::{Clients, StoreError},
};
use async_trait::async_trait;
use rusqlite::Connection;

use crate::{
    SqliteStore,
    deleted::{self, Deleted},
    row::{Row, bits, execute, id, json, millis, word},
    table::{Table, cell, changing, column},
};

/// A change writes all but the identifier.
pub(crate) static CLIENTS: Table<Client> = Table::new(
    "clients",
    &["id"],
    &[
        column("id", |it| id(it.id.uuid())),
        changing("name", |it| cell(it.name.clone())),
        changing("kind", |it| cell(word(&it.kind)?)),
        changing("auth_method", |it| cell(word(&it.auth_method)?)),
        changing("id_token_alg", |it| cell(word(&it.id_token_alg)?)),
        changing("redirect_uris", |it| cell(json(&it.redirect_uris)?)),
        changing("post_logout_redirect_uris", |it| {
            cell(json(&it.post_logout_redirect_uris)?)
        }),
        changing("backchannel_logout_uri", |it| {
            let backchannel = it.backchannel_logout.as_ref();
            cell(backchannel.map(|it| it.uri.as_str().to_owned()))
        }),
        changing("backchannel_logout_session_required", |it| {
            let backchannel = it.backchannel_logout.as_ref();
            cell(backchannel.is_some_and(|it| it.session_required))
        }),
        changing("claims", |it| cell(it.claims.to_string())),
        changing("channels", |it| cell(json(&it.channels)?)),
        changing("next_channel", |it| cell(it.next_channel.0)),
        changing("created_at", |it| cell(millis(it.created_at))),
    ],
);

/// Of each client, its secrets.
pub(crate) static SECRETS: Table<(ClientId, ClientSecret)> = Table::new(
    "client_secrets",
    &["client_id"],
    &[
        column("client_id", |(client, _)| id(client.uuid())),
        column("digest", |(_, it)| cell(it.digest.bytes().to_vec())),
        column("expires_at", |(_, it)| cell(it.expires_at.map(millis))),
    ],
);

pub(crate) fn from_row(row: &Row<'_>) -> Result<Client, StoreError> {
    Ok(Client {
        id: ClientId::from_uuid(row.uuid("id")?),
        name: row.get("name")?,
        kind: row.word("kind")?,
        auth_method: row.word("auth_method")?,
        id_token_alg: row.word("id_token_alg")?,
        redirect_uris: row.json("redirect_uris")?,
        post_logout_redirect_uris: row.json("post_logout_redirect_uris")?,
        backchannel_logout: row.optional("backchannel_logout_uri", backchannel_from_row)?,
        claims: row.parsed("claims")?,
        channels: row.json("channels")?,
        next_channel: ChannelId(row.get("next_channel")?),
        created_at: row.time("created_at")?,
    })
}

fn backchannel_from_row(row: &Row<'_>, uri: &'static str) -> Result<BackchannelLogout, StoreError> {
    Ok(BackchannelLogout {
        uri: row.parsed(uri)?,
        session_required: row.get("backchannel_logout_session_required")?,
    })
}

fn secret_from_row(row: &Row<'_>) -> Result<ClientSecret, StoreError> {
    Ok(ClientSecret {
        digest: row.digest("digest")?,
        expires_at: row.optional("expires_at", Row::time)?,
    })
}

/// The client, if it is registered.
pub(crate) fn find(connection: &Connection, id: ClientId) -> Result<Option<Client>, StoreError> {
    let living = "WHERE id = ?1 AND NOT deleted";
    CLIENTS.one(connection, living, [bits(id.uuid())], from_row)
}

/// The secrets of a client, expired ones perhaps among them.
pub(crate) fn secrets(
    connection: &Connection,
    id: ClientId,
) -> Result<Vec<ClientSecret>, StoreError> {
    let of_client = "WHERE client_id = ?1";
    SECRETS.all(connection, of_client, [bits(id.uuid())], secret_from_row)
}

fn put_secrets(
    connection: &Connection,
    id: ClientId,
    secrets: &[ClientSecret],
) -> Result<(), StoreError> {
    let statement = "DELETE FROM client_secrets WHERE client_id = ?1";
    execute(connection, statement, [bits(id.uuid())])?;
    for secret in secrets {
        SECRETS.insert(connection, &(id, secret.clone()))?;
    }
    Ok(())
}

#[async_trait]
impl Clients for SqliteStore {
    async fn insert_client(
        &self,
        client: &Client,
        secrets: &[ClientSecret],
    ) -> Result<(), StoreError> {
        let (client, secrets) = (client.clone(), secrets.to_vec());
        self.write(move |connection| {
            CLIENTS.put(connection, &client)?;
            put_secrets(connection, client.id, &secrets)
        })
        .await
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>, StoreError> {
        self.read(move |connection| find(connection, id)).await
    }

    async fn client_with_secrets(
        &self,
        id: ClientId,
    ) -> Result<Option<(Client, Vec<ClientSecret>)>, StoreError> {
        self.read(move |connection| {
            let Some(client) = find(connection, id)? else {
                return Ok(None);
            };
            Ok(Some((client, secrets(connection, id)?)))
        })
        .await
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        let living = "WHERE NOT deleted ORDER BY created_at, id";
        self.read(|connection| CLIENTS.all(connection, living, [], from_row))
            .await
    }

    async fn update_client(&self, before: &Client, next: &Client) -> Result<bool, StoreError> {
        let (before, next) = (before.clone(), next.clone());
        self.write(move |connection| {
            let unchanged = find(connection, next.id)? == Some(before);
            if unchanged {
                CLIENTS.put(connection, &next)?;
            }
            Ok(unchanged)
        })
        .await
    }

    async fn set_client_secrets(
        &self,
        id: ClientId,
        secrets: &[ClientSecret],
    ) -> Result<bool, StoreError> {
        let secrets = secrets.to_vec();
        self.write(move |connection| {
            let registered = find(connection, id)?.is_some();
            if registered {
                put_secrets(connection, id, &secrets)?;
            }
            Ok(registered)
        })
        .await
    }

    async fn delete_client(&self, id: ClientId) -> Result<bool, StoreError> {
        let id = id.uuid();
        let marked = self.write(move |connection| deleted::mark_client(connection, id));
        let marked = marked.await?;
        if marked {
            self.begin_to_remove(Deleted::Client, id).await;
        }
        Ok(marked)
    }
}

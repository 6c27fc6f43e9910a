//! Clients and their secrets.

use alias_domain::{
    BackchannelLogout, ChannelId, Client, ClientId, ClientSecret,
    ports::{Clients, StoreError},
};
use async_trait::async_trait;
use rusqlite::{Connection, params};

use crate::{
    SqliteStore,
    deleted::{self, Deleted},
    row::{Row, Table, bits, execute, json, millis, word},
};

pub(crate) static CLIENTS: Table = Table {
    name: "clients",
    key: &["id"],
};

pub(crate) static SECRETS: Table = Table {
    name: "client_secrets",
    key: &["client_id"],
};

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
    let query = "SELECT * FROM clients WHERE id = ?1 AND NOT deleted";
    CLIENTS.one(connection, query, [bits(id.uuid())], from_row)
}

/// The secrets of a client, expired ones perhaps among them.
pub(crate) fn secrets(
    connection: &Connection,
    id: ClientId,
) -> Result<Vec<ClientSecret>, StoreError> {
    let query = "SELECT * FROM client_secrets WHERE client_id = ?1";
    SECRETS.all(connection, query, [bits(id.uuid())], secret_from_row)
}

/// Inserts a client, or writes over the row of the same ID: its other rows stay.
fn put(connection: &Connection, client: &Client) -> Result<(), StoreError> {
    let statement = "
        INSERT INTO clients (
            id, name, kind, auth_method, redirect_uris, post_logout_redirect_uris, channels,
            next_channel, created_at, id_token_alg, backchannel_logout_uri,
            backchannel_logout_session_required, claims
        ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (id) DO UPDATE SET
            name = ?2, kind = ?3, auth_method = ?4, redirect_uris = ?5,
            post_logout_redirect_uris = ?6, channels = ?7, next_channel = ?8, created_at = ?9,
            id_token_alg = ?10, backchannel_logout_uri = ?11,
            backchannel_logout_session_required = ?12, claims = ?13";
    let backchannel = client.backchannel_logout.as_ref();
    let row = params![
        bits(client.id.uuid()),
        client.name,
        word(&client.kind)?,
        word(&client.auth_method)?,
        json(&client.redirect_uris)?,
        json(&client.post_logout_redirect_uris)?,
        json(&client.channels)?,
        client.next_channel.0,
        millis(client.created_at),
        word(&client.id_token_alg)?,
        backchannel.map(|it| it.uri.as_str()),
        backchannel.is_some_and(|it| it.session_required),
        client.claims.to_string(),
    ];
    execute(connection, statement, row).map(drop)
}

fn put_secrets(
    connection: &Connection,
    id: ClientId,
    secrets: &[ClientSecret],
) -> Result<(), StoreError> {
    let id = bits(id.uuid());
    execute(
        connection,
        "DELETE FROM client_secrets WHERE client_id = ?1",
        [id],
    )?;
    let statement =
        "INSERT INTO client_secrets (client_id, digest, expires_at) VALUES (?1, ?2, ?3)";
    for secret in secrets {
        let row = params![id, secret.digest.bytes(), secret.expires_at.map(millis)];
        execute(connection, statement, row)?;
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
            put(connection, &client)?;
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
        let query = "SELECT * FROM clients WHERE NOT deleted ORDER BY created_at, id";
        self.read(|connection| CLIENTS.all(connection, query, [], from_row))
            .await
    }

    async fn update_client(&self, before: &Client, next: &Client) -> Result<bool, StoreError> {
        let (before, next) = (before.clone(), next.clone());
        self.write(move |connection| {
            let unchanged = find(connection, next.id)? == Some(before);
            if unchanged {
                put(connection, &next)?;
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

//! Interactions.

use alias_domain::{
    ChosenAccount, ClientId, Interaction, InteractionId, SessionId,
    ports::{Interactions, StoreError},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore, clients,
    row::{Row, bits, execute, id, json, millis},
    table::{Table, cell, column, unread},
};

pub(crate) static INTERACTIONS: Table<Interaction> = Table::new(
    "interactions",
    &["id"],
    &[
        column("id", |it| id(it.id.uuid())),
        column("binding", |it| cell(it.binding.bytes().to_vec())),
        column("client_id", |it| id(it.client_id.uuid())),
        // Versions before kept a request as it was sent.
        unread("query", |_| cell(String::new())),
        column("request", |it| cell(json(&it.request)?)),
        column("account_session", |it| {
            let session = it.account.map(|it| bits(it.session.uuid()).to_vec());
            cell(session)
        }),
        column("account_authenticated", |it| {
            cell(it.account.map(|it| it.authenticated))
        }),
        column("answered", |it| cell(it.answered)),
        column("denied", |it| cell(it.denied)),
        column("expires_at", |it| cell(millis(it.expires_at))),
    ],
);

/// What tells a request from those of versions before, with which nobody goes on: one had them as they
/// were sent, the other left some bound to no browser.
pub(crate) const UNDERSTOOD: &str = "request <> '' AND binding IS NOT NULL";

pub(crate) fn from_row(row: &Row<'_>) -> Result<Interaction, StoreError> {
    Ok(Interaction {
        id: InteractionId::from_uuid(row.uuid("id")?),
        binding: row.digest("binding")?,
        client_id: ClientId::from_uuid(row.uuid("client_id")?),
        request: row.json("request")?,
        account: row.optional("account_session", account_from_row)?,
        answered: row.get("answered")?,
        denied: row.get("denied")?,
        expires_at: row.time("expires_at")?,
    })
}

fn account_from_row(row: &Row<'_>, session: &'static str) -> Result<ChosenAccount, StoreError> {
    Ok(ChosenAccount {
        session: SessionId::from_uuid(row.uuid(session)?),
        authenticated: row.get("account_authenticated")?,
    })
}

/// The interaction, if it is not forgotten.
fn find(
    connection: &Connection,
    id: InteractionId,
    now: DateTime<Utc>,
) -> Result<Option<Interaction>, StoreError> {
    let known = format!(
        "WHERE id = ?1 AND {UNDERSTOOD}
            AND client_id NOT IN (SELECT id FROM clients WHERE deleted)"
    );
    let found = INTERACTIONS.one(connection, &known, [bits(id.uuid())], from_row)?;
    Ok(found.filter(|it| now < it.expires_at))
}

/// Whether the interaction can still be answered.
pub(crate) fn waits(
    connection: &Connection,
    id: InteractionId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    Ok(find(connection, id, now)?.is_some_and(|it| !it.answered))
}

/// Consumes the interaction as approved.
pub(crate) fn answer(connection: &Connection, id: InteractionId) -> Result<(), StoreError> {
    let statement = "UPDATE interactions SET answered = TRUE WHERE id = ?1";
    execute(connection, statement, [bits(id.uuid())]).map(drop)
}

#[async_trait]
impl Interactions for SqliteStore {
    async fn open_interaction(&self, interaction: &Interaction) -> Result<(), StoreError> {
        let interaction = interaction.clone();
        self.write(move |connection| {
            if clients::find(connection, interaction.client_id)?.is_some() {
                INTERACTIONS.insert(connection, &interaction)?;
            }
            Ok(())
        })
        .await
    }

    async fn interaction(
        &self,
        id: InteractionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Interaction>, StoreError> {
        self.read(move |connection| find(connection, id, now)).await
    }

    async fn choose_account(
        &self,
        id: InteractionId,
        account: ChosenAccount,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let statement = "
            UPDATE interactions SET account_session = ?2, account_authenticated = ?3
            WHERE id = ?1";
        self.write(move |connection| {
            let waits = waits(connection, id, now)?;
            if waits {
                let session = bits(account.session.uuid());
                let row = params![bits(id.uuid()), session, account.authenticated];
                execute(connection, statement, row)?;
            }
            Ok(waits)
        })
        .await
    }

    async fn close_interaction(
        &self,
        id: InteractionId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let statement = "UPDATE interactions SET answered = TRUE, denied = TRUE WHERE id = ?1";
        self.write(move |connection| {
            let waits = waits(connection, id, now)?;
            if waits {
                execute(connection, statement, [bits(id.uuid())])?;
            }
            Ok(waits)
        })
        .await
    }
}

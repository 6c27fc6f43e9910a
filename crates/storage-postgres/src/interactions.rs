//! Interactions.

use std::sync::LazyLock;

use alias_domain::{
    ChosenAccount, ClientId, Interaction, InteractionId, SessionId,
    ports::{Interactions, StoreError},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use tokio_postgres::types::Type;

use crate::{
    PostgresStore,
    row::{Row, json},
    steps::{Tried, execute},
    table::{Table, cell, column, unread},
};

pub(crate) static INTERACTIONS: Table<Interaction> = Table {
    name: "interactions",
    alias: "i",
    key: &["id"],
    columns: &[
        column("id", Type::UUID, |it| cell(it.id.uuid())),
        column("binding", Type::BYTEA, |it| {
            cell(it.binding.bytes().to_vec())
        }),
        column("client_id", Type::UUID, |it| cell(it.client_id.uuid())),
        // Versions before kept a request as it was sent.
        unread("query", Type::TEXT, |_| cell("")),
        column("request", Type::TEXT, |it| cell(json(&it.request)?)),
        column("account_session", Type::UUID, |it| {
            cell(it.account.map(|it| it.session.uuid()))
        }),
        column("account_authenticated", Type::BOOL, |it| {
            cell(it.account.map(|it| it.authenticated))
        }),
        column("answered", Type::BOOL, |it| cell(it.answered)),
        column("denied", Type::BOOL, |it| cell(it.denied)),
        column("expires_at", Type::TIMESTAMPTZ, |it| cell(it.expires_at)),
    ],
};

fn from_row(row: Row<'_>) -> Result<Interaction, StoreError> {
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

/// Consumes the interaction as approved, if it waits: of any number of rivals, one does.
pub(crate) async fn answer(
    transaction: &Transaction<'_>,
    id: InteractionId,
    now: DateTime<Utc>,
) -> Tried<bool> {
    Ok(execute(transaction, ANSWER, &[&id.uuid(), &now]).await? > 0)
}

const ANSWER: &str = "
    UPDATE interactions SET answered = TRUE WHERE id = $1 AND NOT answered AND expires_at > $2
    RETURNING id";

#[async_trait]
impl Interactions for PostgresStore {
    async fn open_interaction(&self, interaction: &Interaction) -> Result<(), StoreError> {
        // The client's row is held, so that it is either there to refer to or gone.
        static STATEMENT: LazyLock<String> = LazyLock::new(|| {
            let (names, values) = (INTERACTIONS.names(), INTERACTIONS.parameters());
            let client = INTERACTIONS.parameter("client_id");
            format!(
                "INSERT INTO interactions ({names}) SELECT {values}
                FROM clients k WHERE k.id = {client} FOR KEY SHARE"
            )
        });
        let values = INTERACTIONS.values(interaction)?;
        let opened = self.steps.write(&STATEMENT, &values.refs()).await;
        opened.map(drop)
    }

    async fn interaction(
        &self,
        id: InteractionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Interaction>, StoreError> {
        static STATEMENT: LazyLock<String> = LazyLock::new(|| {
            let columns = INTERACTIONS.list();
            // Those of versions before, with which nobody goes on: '' as they were sent, others bound
            // to no browser.
            format!(
                "SELECT {columns} FROM interactions i JOIN clients k ON k.id = i.client_id
                WHERE i.id = $1 AND i.request <> '' AND i.binding IS NOT NULL"
            )
        });
        let rows = self.steps.read(&STATEMENT, &[&id.uuid()]).await?;
        let found = rows.first().map(|it| from_row(INTERACTIONS.row(it)));
        Ok(found.transpose()?.filter(|it| now < it.expires_at))
    }

    async fn choose_account(
        &self,
        id: InteractionId,
        account: ChosenAccount,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let statement = "
            UPDATE interactions SET account_session = $2, account_authenticated = $3
            WHERE id = $1 AND NOT answered AND expires_at > $4
            RETURNING id";
        let session = account.session.uuid();
        let chosen = self
            .steps
            .write(
                statement,
                &[&id.uuid(), &session, &account.authenticated, &now],
            )
            .await?;
        Ok(!chosen.is_empty())
    }

    async fn close_interaction(
        &self,
        id: InteractionId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let statement = "
            UPDATE interactions SET answered = TRUE, denied = TRUE
            WHERE id = $1 AND NOT answered AND expires_at > $2
            RETURNING id";
        let closed = self.steps.write(statement, &[&id.uuid(), &now]).await?;
        Ok(!closed.is_empty())
    }
}

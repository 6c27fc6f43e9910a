//! Who took part in a session, and who is to be told that it ended.
//!
//! Whoever ends a session locks its row, and then makes the notices in a statement that begins
//! after. Whoever takes part refers to that row, and so does so before, and is told, or after, when
//! it is gone.

use std::sync::LazyLock;

use alias_domain::{
    AliasId, LogoutNotice, Session, SessionId,
    ports::{Claim, Notices, Participation, StoreError, StoredNotice},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use tokio_postgres::{Row as PgRow, types::Type};
use uuid::Uuid;

use crate::{
    PostgresStore,
    clients::{self, CLIENTS},
    row::Joined,
    steps::{Params, Tried, execute, rows},
    table::{Table, cell, column, unread},
};

pub(crate) static NOTICES: Table<StoredNotice> = Table {
    name: "logout_notices",
    alias: "n",
    key: &["session_id", "client_id"],
    columns: &[
        column("session_id", Type::UUID, |it| cell(it.session_id.uuid())),
        column("client_id", Type::UUID, |it| cell(it.client_id.uuid())),
        column("alias_id", Type::UUID, |it| cell(it.alias_id.uuid())),
        column("attempts", Type::INT8, |it| cell(i64::from(it.attempts))),
        unread("due_at", Type::TIMESTAMPTZ, |it| cell(it.due_at)),
    ],
};

/// Who took part in a session.
pub(crate) static PARTICIPATIONS: Table<Participation> = Table {
    name: "session_clients",
    alias: "p",
    key: &["session_id", "client_id"],
    columns: &[
        column("session_id", Type::UUID, |it| cell(it.session_id.uuid())),
        column("client_id", Type::UUID, |it| cell(it.client_id.uuid())),
    ],
};

/// Which sessions end.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    /// This one.
    Session(Uuid),
    /// Those of this user.
    User(Uuid),
    /// Some of those of this user, and no more than so many.
    SomeOf(Uuid, i64),
    /// What this user has beyond the most (R34): one, but in a database that knew no bound.
    Beyond(Uuid),
}

impl Ending {
    /// The column that names them, its value, how many they may be, and how many of the latest sign-ins
    /// are none of them.
    const fn key(self) -> (&'static str, Uuid, i64, i64) {
        match self {
            Self::Session(id) => ("id", id, 1, 0),
            Self::User(id) => ("user_id", id, i64::MAX, 0),
            Self::SomeOf(id, most) => ("user_id", id, most, 0),
            Self::Beyond(id) => ("user_id", id, 10, Session::MOST as i64),
        }
    }
}

/// Keeps that a client took part in a session.
pub(crate) async fn took_part(transaction: &Transaction<'_>, it: &Participation) -> Tried<()> {
    let insertion = PARTICIPATIONS.insertion();
    let statement = format!("{insertion} ON CONFLICT (session_id, client_id) DO NOTHING");
    let values = PARTICIPATIONS.values(it)?;
    execute(transaction, &statement, &values.refs())
        .await
        .map(drop)
}

/// Ends sessions, and makes a notice to each client that took part and wants to know. How many ended.
pub(crate) async fn end_sessions(transaction: &Transaction<'_>, ending: Ending) -> Tried<u64> {
    let (column, value, most, kept) = ending.key();
    // In one order, so that two who end the sessions of a user do not wait for each other.
    let statement = format!(
        "SELECT id FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE {column} = $1
            ORDER BY auth_time DESC, id LIMIT $2 OFFSET $3
        ) ORDER BY id FOR UPDATE"
    );
    let found = rows(transaction, &statement, &[&value, &most, &kept]).await?;
    let ids: Vec<Uuid> = found.iter().map(|it| it.get(0)).collect();
    let statement = "
        INSERT INTO logout_notices (session_id, client_id, alias_id, attempts)
        SELECT s.id, k.id, c.alias_id, 0
        FROM sessions s
        JOIN session_clients p ON p.session_id = s.id
        JOIN clients k ON k.id = p.client_id
        JOIN connections c ON c.user_id = s.user_id AND c.client_id = k.id
        WHERE s.id = ANY ($1) AND k.backchannel_logout_uri IS NOT NULL";
    execute(transaction, statement, &[&ids]).await?;
    let statement = "DELETE FROM sessions WHERE id = ANY ($1)";
    execute(transaction, statement, &[&ids]).await
}

fn from_row(row: &PgRow) -> Result<LogoutNotice, StoreError> {
    let mut joined = Joined::new(row);
    let notice = joined.next(&NOTICES);
    Ok(LogoutNotice {
        client: clients::from_row(joined.next(&CLIENTS))?,
        session: SessionId::from_uuid(notice.uuid("session_id")?),
        alias_id: AliasId::from_uuid(notice.uuid("alias_id")?),
        attempt: notice.number("attempts")?,
    })
}

/// What another node is about to claim is passed over.
static CLAIM: LazyLock<String> = LazyLock::new(|| {
    let (notice, client) = (NOTICES.list(), CLIENTS.list());
    format!(
        "WITH due AS (
            SELECT w.session_id, w.client_id
            FROM logout_notices w JOIN clients ON clients.id = w.client_id
            WHERE (w.due_at IS NULL OR w.due_at <= $1 OR w.due_at > $5) AND w.client_id <> ALL ($2)
            ORDER BY w.due_at NULLS FIRST LIMIT $3 FOR UPDATE OF w SKIP LOCKED
        )
        UPDATE logout_notices n SET attempts = n.attempts + 1, due_at = $4
        FROM due JOIN clients k ON k.id = due.client_id
        WHERE n.session_id = due.session_id AND n.client_id = due.client_id
        RETURNING {notice}, {client}"
    )
});

#[async_trait]
impl Notices for PostgresStore {
    async fn claim_notices(&self, claim: &Claim) -> Result<Vec<LogoutNotice>, StoreError> {
        let except: Vec<Uuid> = claim.except.iter().map(|it| it.uuid()).collect();
        let limit = i64::from(claim.limit);
        let claimed = self
            .steps
            .write(
                &CLAIM,
                &[
                    &claim.now,
                    &except,
                    &limit,
                    &claim.until,
                    &claim.latest_due(),
                ],
            )
            .await?;
        claimed.iter().map(from_row).collect()
    }

    async fn postpone_notice(
        &self,
        notice: &LogoutNotice,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = "
            UPDATE logout_notices SET due_at = $4
            WHERE session_id = $1 AND client_id = $2 AND attempts = $3";
        let key = (notice.session.uuid(), notice.client.id.uuid());
        let attempt = i64::from(notice.attempt);
        let params: Params<'_> = &[&key.0, &key.1, &attempt, &until];
        self.steps.write(statement, params).await.map(drop)
    }

    async fn close_notice(&self, notice: &LogoutNotice) -> Result<(), StoreError> {
        let statement = "
            DELETE FROM logout_notices
            WHERE session_id = $1 AND client_id = $2 AND attempts = $3";
        let key = (notice.session.uuid(), notice.client.id.uuid());
        let attempt = i64::from(notice.attempt);
        let params: Params<'_> = &[&key.0, &key.1, &attempt];
        self.steps.write(statement, params).await.map(drop)
    }
}

//! Who took part in a session, and who is to be told that it ended.

use alias_domain::{
    AliasId, ClientId, LogoutNotice, SessionId,
    ports::{Claim, Notices, Participation, StoreError, StoredNotice},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::{
    SqliteStore, clients,
    row::{Row, bits, execute, id, json, millis},
    table::{Table, cell, column},
};

pub(crate) static NOTICES: Table<StoredNotice> = Table::new(
    "logout_notices",
    &["session_id", "client_id"],
    &[
        column("session_id", |it| id(it.session_id.uuid())),
        column("client_id", |it| id(it.client_id.uuid())),
        column("alias_id", |it| id(it.alias_id.uuid())),
        column("attempts", |it| cell(it.attempts)),
        column("due_at", |it| cell(it.due_at.map(millis))),
    ],
);

/// Who took part in a session.
pub(crate) static SESSION_CLIENTS: Table<Participation> = Table::new(
    "session_clients",
    &["session_id", "client_id"],
    &[
        column("session_id", |it| id(it.session_id.uuid())),
        column("client_id", |it| id(it.client_id.uuid())),
    ],
);

pub(crate) fn participation(row: &Row<'_>) -> Result<Participation, StoreError> {
    Ok(Participation {
        session_id: SessionId::from_uuid(row.uuid("session_id")?),
        client_id: ClientId::from_uuid(row.uuid("client_id")?),
    })
}

pub(crate) fn from_row(row: &Row<'_>) -> Result<StoredNotice, StoreError> {
    Ok(StoredNotice {
        session_id: SessionId::from_uuid(row.uuid("session_id")?),
        client_id: ClientId::from_uuid(row.uuid("client_id")?),
        alias_id: AliasId::from_uuid(row.uuid("alias_id")?),
        attempts: row.get("attempts")?,
        due_at: row.optional("due_at", Row::time)?,
    })
}

/// Keeps that a client took part in a session.
pub(crate) fn took_part(connection: &Connection, it: &Participation) -> Result<(), StoreError> {
    SESSION_CLIENTS
        .insert_new(connection, it, "session_id, client_id")
        .map(drop)
}

/// The notices of sessions that end, with the columns of their table: all of them, unless a condition
/// follows.
pub(crate) const OF_SESSIONS: &str = "
    SELECT s.id AS session_id, k.id AS client_id, c.alias_id, 0 AS attempts, NULL AS due_at
    FROM sessions s
    JOIN session_clients p ON p.session_id = s.id
    JOIN clients k ON k.id = p.client_id
    JOIN connections c ON c.user_id = s.user_id AND c.client_id = k.id
    WHERE k.backchannel_logout_uri IS NOT NULL AND NOT k.deleted";

/// Makes the notices of sessions that are about to be removed: those with this value in a column.
pub(crate) fn record(
    connection: &Connection,
    column: &'static str,
    value: Uuid,
) -> Result<(), StoreError> {
    let (name, names) = (NOTICES.name(), NOTICES.names());
    let statement = format!("INSERT INTO {name} ({names}) {OF_SESSIONS} AND s.{column} = ?1");
    execute(connection, &statement, [bits(value)]).map(drop)
}

/// Those that are due, oldest first.
const DUE: &str = "
    WHERE (due_at IS NULL OR due_at <= ?1 OR due_at > ?2)
        AND hex(client_id) NOT IN (SELECT value FROM json_each(?3))
        AND client_id NOT IN (SELECT id FROM clients WHERE deleted)";

/// The clients that a claim passes over, as [`DUE`] takes them.
fn passed_over(claim: &Claim) -> Result<String, StoreError> {
    let hex = |it: &ClientId| format!("{:X}", it.uuid().simple());
    json(&claim.except.iter().map(hex).collect::<Vec<_>>())
}

fn is_any_due(connection: &Connection, claim: &Claim) -> Result<bool, StoreError> {
    let due = format!("{DUE} LIMIT 1");
    let params = params![
        millis(claim.now),
        millis(claim.latest_due()),
        passed_over(claim)?
    ];
    Ok(NOTICES.one(connection, &due, params, |_| Ok(()))?.is_some())
}

fn claim(connection: &Connection, claim: &Claim) -> Result<Vec<LogoutNotice>, StoreError> {
    let due = format!("{DUE} ORDER BY due_at LIMIT ?4");
    let params = params![
        millis(claim.now),
        millis(claim.latest_due()),
        passed_over(claim)?,
        claim.limit
    ];
    let mut claimed = Vec::new();
    for due in NOTICES.all(connection, &due, params, from_row)? {
        let statement = "
            UPDATE logout_notices SET attempts = attempts + 1, due_at = ?3
            WHERE session_id = ?1 AND client_id = ?2";
        let row = params![
            bits(due.session_id.uuid()),
            bits(due.client_id.uuid()),
            millis(claim.until)
        ];
        execute(connection, statement, row)?;
        // It refers to its client, so there is one.
        if let Some(client) = clients::find(connection, due.client_id)? {
            claimed.push(LogoutNotice {
                client,
                session: due.session_id,
                alias_id: due.alias_id,
                attempt: due.attempts.saturating_add(1),
            });
        }
    }
    Ok(claimed)
}

#[async_trait]
impl Notices for SqliteStore {
    async fn claim_notices(&self, wanted: &Claim) -> Result<Vec<LogoutNotice>, StoreError> {
        let (wanted, asked) = (wanted.clone(), wanted.clone());
        // Nearly always there is none, and nobody who writes has to wait for that.
        if !self
            .read(move |connection| is_any_due(connection, &asked))
            .await?
        {
            return Ok(Vec::new());
        }
        self.write(move |connection| claim(connection, &wanted))
            .await
    }

    async fn postpone_notice(
        &self,
        notice: &LogoutNotice,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = "
            UPDATE logout_notices SET due_at = ?4
            WHERE session_id = ?1 AND client_id = ?2 AND attempts = ?3";
        let notice = notice.clone();
        self.write(move |connection| {
            let row = params![
                bits(notice.session.uuid()),
                bits(notice.client.id.uuid()),
                notice.attempt,
                millis(until),
            ];
            execute(connection, statement, row).map(drop)
        })
        .await
    }

    async fn close_notice(&self, notice: &LogoutNotice) -> Result<(), StoreError> {
        let statement = "
            DELETE FROM logout_notices
            WHERE session_id = ?1 AND client_id = ?2 AND attempts = ?3";
        let notice = notice.clone();
        self.write(move |connection| {
            let row = params![
                bits(notice.session.uuid()),
                bits(notice.client.id.uuid()),
                notice.attempt,
            ];
            execute(connection, statement, row).map(drop)
        })
        .await
    }
}

//! Sessions.

use std::sync::LazyLock;

use alias_domain::{
    Digest, Session, SessionId, UserId,
    ports::{PasswordHash, SessionStart, Sessions, Started, StoreError, StoredSession},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use tokio_postgres::types::Type;

use crate::{
    PostgresStore,
    notices::{self, Ending},
    row::{Joined, Row},
    steps::{Tried, execute, row},
    table::{Table, cell, changing, column, unread},
    users::{self, USERS},
};

pub(crate) static SESSIONS: Table<StoredSession> = Table {
    name: "sessions",
    alias: "s",
    key: &["id"],
    // A sign-in that renews a session writes those that change.
    columns: &[
        column("id", Type::UUID, |it| cell(it.id.uuid())),
        changing("token_digest", Type::BYTEA, |it| {
            cell(it.token.bytes().to_vec())
        }),
        unread("user_id", Type::UUID, |it| cell(it.user_id.uuid())),
        changing("auth_time", Type::TIMESTAMPTZ, |it| cell(it.auth_time)),
        changing("expires_at", Type::TIMESTAMPTZ, |it| cell(it.expires_at)),
    ],
};

/// A session, if it has not ended and its user is not locked (R30).
pub(crate) fn live(
    session: Row<'_>,
    user: Row<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Session>, StoreError> {
    let session = Session {
        id: SessionId::from_uuid(session.uuid("id")?),
        user: users::from_row(user)?,
        auth_time: session.time("auth_time")?,
        expires_at: session.time("expires_at")?,
    };
    Ok(Some(session).filter(|it| now < it.expires_at && !it.user.locked))
}

/// As an array of the database.
pub(crate) fn bytes(digests: &[Digest]) -> Vec<Vec<u8>> {
    digests.iter().map(|it| it.bytes().to_vec()).collect()
}

/// The user's session at this browser that a new sign-in renews, and its token.
async fn to_renew(
    transaction: &Transaction<'_>,
    start: &SessionStart,
) -> Tried<Option<(SessionId, Digest)>> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| {
        let columns = SESSIONS.list();
        format!(
            "SELECT {columns} FROM sessions s
            WHERE s.token_digest = ANY ($1) AND s.user_id = $2 AND s.expires_at > $3
            ORDER BY array_position($1, s.token_digest) LIMIT 1 FOR UPDATE"
        )
    });
    let presented = bytes(&start.presented);
    let params: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
        &[&presented, &start.user.uuid(), &start.auth_time];
    let Some(found) = row(transaction, &STATEMENT, params).await? else {
        return Ok(None);
    };
    let found = SESSIONS.row(&found);
    let id = SessionId::from_uuid(found.uuid("id")?);
    Ok(Some((id, found.digest("token_digest")?)))
}

async fn start(transaction: &Transaction<'_>, start: &SessionStart) -> Tried<Started> {
    // Whoever locks the user, or resets the password, waits for this, or this waits for them.
    let statement = "
        SELECT (SELECT count(*) FROM sessions s WHERE s.user_id = users.id) AS sessions FROM users
        WHERE id = $1 AND NOT locked AND ($2::text IS NULL OR password_hash = $2) FOR SHARE";
    let password = start.password.as_ref().map(PasswordHash::as_str);
    let admitted = row(transaction, statement, &[&start.user.uuid(), &password]).await?;
    let Some(admitted) = admitted else {
        return Ok(Started::Locked);
    };
    let sessions: i64 = admitted.get("sessions");
    let (id, replaced) = to_renew(transaction, start).await?.unzip();
    let id = id.unwrap_or(start.id);
    static STATEMENT: LazyLock<String> = LazyLock::new(|| {
        let (insertion, renewed) = (SESSIONS.insertion(), SESSIONS.overwritten());
        format!("{insertion} ON CONFLICT (id) DO UPDATE SET {renewed}")
    });
    let session = StoredSession {
        id,
        token: start.token,
        user_id: start.user,
        auth_time: start.auth_time,
        expires_at: start.expires_at,
    };
    let values = SESSIONS.values(&session)?;
    execute(transaction, &STATEMENT, &values.refs()).await?;
    // Two who sign in at once may leave one too many, until the next does.
    if sessions >= i64::from(Session::MOST) {
        notices::end_sessions(transaction, Ending::Beyond(start.user.uuid())).await?;
    }
    Ok(Started::Session { id, replaced })
}

#[async_trait]
impl Sessions for PostgresStore {
    async fn start_session(&self, sign_in: &SessionStart) -> Result<Started, StoreError> {
        let started = self.steps.transact(|transaction| {
            let sign_in = sign_in.clone();
            Box::pin(async move { start(transaction, &sign_in).await })
        });
        Ok(started.await?)
    }

    async fn live_sessions(
        &self,
        tokens: &[Digest],
        now: DateTime<Utc>,
    ) -> Result<Vec<(Digest, Session)>, StoreError> {
        static STATEMENT: LazyLock<String> = LazyLock::new(|| {
            let (session, user) = (SESSIONS.list(), USERS.list());
            format!(
                "SELECT {session}, {user} FROM sessions s JOIN users u ON u.id = s.user_id
                WHERE s.token_digest = ANY ($1)
                ORDER BY array_position($1, s.token_digest)"
            )
        });
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.steps.read(&STATEMENT, &[&bytes(tokens)]).await?;
        let found = rows.iter().map(|row| {
            let mut joined = Joined::new(row);
            let (session, user) = (joined.next(&SESSIONS), joined.next(&USERS));
            let token = session.digest("token_digest")?;
            Ok(live(session, user, now)?.map(|it| (token, it)))
        });
        found.filter_map(Result::transpose).collect()
    }

    async fn sessions_of(
        &self,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>, StoreError> {
        static STATEMENT: LazyLock<String> = LazyLock::new(|| {
            let (session, user) = (SESSIONS.list(), USERS.list());
            format!(
                "SELECT {session}, {user} FROM sessions s JOIN users u ON u.id = s.user_id
                WHERE s.user_id = $1 ORDER BY s.auth_time DESC, s.id"
            )
        });
        let rows = self.steps.read(&STATEMENT, &[&user.uuid()]).await?;
        let found = rows.iter().map(|row| {
            let mut joined = Joined::new(row);
            live(joined.next(&SESSIONS), joined.next(&USERS), now)
        });
        found.filter_map(Result::transpose).collect()
    }

    async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        let ended = self.steps.transact(|transaction| {
            let ending = Ending::Session(id.uuid());
            Box::pin(async move { notices::end_sessions(transaction, ending).await })
        });
        Ok(ended.await.map(drop)?)
    }

    async fn end_sessions_of(&self, user: UserId) -> Result<(), StoreError> {
        let ended = self.steps.transact(|transaction| {
            let ending = Ending::User(user.uuid());
            Box::pin(async move { notices::end_sessions(transaction, ending).await })
        });
        Ok(ended.await.map(drop)?)
    }
}

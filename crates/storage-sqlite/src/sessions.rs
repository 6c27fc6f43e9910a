//! Sessions.

use alias_domain::{
    Digest, Session, SessionId, UserId,
    ports::{PasswordHash, SessionStart, Sessions, Started, StoreError, StoredSession},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore, notices,
    row::{Row, bits, execute, id, millis},
    table::{Table, cell, changing, column},
    users,
};

pub(crate) static SESSIONS: Table<StoredSession> = Table::new(
    "sessions",
    &["id"],
    // A sign-in that renews a session writes those that change.
    &[
        column("id", |it| id(it.id.uuid())),
        changing("token_digest", |it| cell(it.token.bytes().to_vec())),
        column("user_id", |it| id(it.user_id.uuid())),
        changing("auth_time", |it| cell(millis(it.auth_time))),
        changing("expires_at", |it| cell(millis(it.expires_at))),
    ],
);

pub(crate) fn from_row(row: &Row<'_>) -> Result<StoredSession, StoreError> {
    Ok(StoredSession {
        id: SessionId::from_uuid(row.uuid("id")?),
        token: row.digest("token_digest")?,
        user_id: UserId::from_uuid(row.uuid("user_id")?),
        auth_time: row.time("auth_time")?,
        expires_at: row.time("expires_at")?,
    })
}

/// The session, if it has not ended and its user is not locked (R30).
pub(crate) fn live(
    connection: &Connection,
    id: SessionId,
    now: DateTime<Utc>,
) -> Result<Option<Session>, StoreError> {
    let key = [bits(id.uuid())];
    let found = SESSIONS.one(connection, "WHERE id = ?1", key, from_row)?;
    with_user(connection, found, now)
}

pub(crate) fn live_by_token(
    connection: &Connection,
    token: Digest,
    now: DateTime<Utc>,
) -> Result<Option<Session>, StoreError> {
    let of_token = "WHERE token_digest = ?1";
    let found = SESSIONS.one(connection, of_token, [token.bytes()], from_row)?;
    with_user(connection, found, now)
}

fn with_user(
    connection: &Connection,
    found: Option<StoredSession>,
    now: DateTime<Utc>,
) -> Result<Option<Session>, StoreError> {
    let Some(sign_in) = found.filter(|it| now < it.expires_at) else {
        return Ok(None);
    };
    let user = users::find(connection, sign_in.user_id)?.filter(|it| !it.locked);
    Ok(user.map(|user| Session {
        id: sign_in.id,
        user,
        auth_time: sign_in.auth_time,
        expires_at: sign_in.expires_at,
    }))
}

/// The user's session at this browser that a new sign-in renews, and its token.
fn to_renew(
    connection: &Connection,
    start: &SessionStart,
) -> Result<Option<(SessionId, Digest)>, StoreError> {
    for token in &start.presented {
        let live = live_by_token(connection, *token, start.auth_time)?;
        if let Some(session) = live.filter(|it| it.user.id == start.user) {
            return Ok(Some((session.id, *token)));
        }
    }
    Ok(None)
}

fn start(connection: &Connection, start: &SessionStart) -> Result<Started, StoreError> {
    let is_current = |it: &PasswordHash| start.password.as_ref().is_none_or(|hash| hash == it);
    let user = users::find_with_hash(connection, start.user)?;
    if user.is_none_or(|(user, hash)| user.locked || !is_current(&hash)) {
        return Ok(Started::Locked);
    }
    let (id, replaced) = to_renew(connection, start)?.unzip();
    let id = id.unwrap_or(start.id);
    let session = StoredSession {
        id,
        token: start.token,
        user_id: start.user,
        auth_time: start.auth_time,
        expires_at: start.expires_at,
    };
    SESSIONS.put(connection, &session)?;
    end_beyond(connection, start.user)?;
    Ok(Started::Session { id, replaced })
}

/// Ends what a user has beyond the most (R34). That is one, but in a database that knew no bound.
fn end_beyond(connection: &Connection, user: UserId) -> Result<(), StoreError> {
    const AT_ONCE: u32 = 10;
    let beyond = "WHERE user_id = ?1 ORDER BY auth_time DESC, id LIMIT ?2 OFFSET ?3";
    let params = params![bits(user.uuid()), AT_ONCE, Session::MOST];
    for id in SESSIONS.all(connection, beyond, params, |row| row.uuid("id"))? {
        end(connection, SessionId::from_uuid(id))?;
    }
    Ok(())
}

/// Ends a session, with the notices to the clients that took part.
fn end(connection: &Connection, id: SessionId) -> Result<(), StoreError> {
    notices::record(connection, "id", id.uuid())?;
    let statement = "DELETE FROM sessions WHERE id = ?1";
    execute(connection, statement, [bits(id.uuid())]).map(drop)
}

/// Ends every session of a user, with the notices to the clients that took part.
pub(crate) fn end_all_of(connection: &Connection, user: UserId) -> Result<(), StoreError> {
    notices::record(connection, "user_id", user.uuid())?;
    let statement = "DELETE FROM sessions WHERE user_id = ?1";
    execute(connection, statement, [bits(user.uuid())]).map(drop)
}

#[async_trait]
impl Sessions for SqliteStore {
    async fn start_session(&self, sign_in: &SessionStart) -> Result<Started, StoreError> {
        let sign_in = sign_in.clone();
        self.write(move |connection| start(connection, &sign_in))
            .await
    }

    async fn live_sessions(
        &self,
        tokens: &[Digest],
        now: DateTime<Utc>,
    ) -> Result<Vec<(Digest, Session)>, StoreError> {
        let tokens = tokens.to_vec();
        self.read(move |connection| {
            let live = tokens.into_iter().map(|token| {
                let session = live_by_token(connection, token, now)?;
                Ok(session.map(|it| (token, it)))
            });
            live.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn sessions_of(
        &self,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>, StoreError> {
        let of_user = "WHERE user_id = ?1 ORDER BY auth_time DESC, id";
        self.read(move |connection| {
            let found = SESSIONS.all(connection, of_user, [bits(user.uuid())], from_row)?;
            let live = found
                .into_iter()
                .map(|it| with_user(connection, Some(it), now));
            live.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        self.write(move |connection| end(connection, id)).await
    }

    async fn end_sessions_of(&self, user: UserId) -> Result<(), StoreError> {
        self.write(move |connection| end_all_of(connection, user))
            .await
    }
}

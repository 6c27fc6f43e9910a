//! Authorizations: one row each, for its whole life.

use alias_domain::{
    Authorization, AuthorizationId, ClientId, CodeBinding, Lifetimes, Phase, Redeem, Redemption,
    RefreshChain, Rotate, Rotation, SessionId, Standing, UserId,
    ports::{Authorizations, StoreError},
    redeem, rotate,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore, clients, deleted, grants, notices,
    row::{Row, Table, bits, execute, json, millis},
    users,
};

pub(crate) static AUTHORIZATIONS: Table = Table {
    name: "authorizations",
    key: &["id"],
};

pub(crate) fn from_row(row: &Row<'_>) -> Result<Authorization, StoreError> {
    Ok(Authorization {
        id: AuthorizationId::from_uuid(row.uuid("id")?),
        client_id: ClientId::from_uuid(row.uuid("client_id")?),
        user_id: UserId::from_uuid(row.uuid("user_id")?),
        approved: row.json("approved")?,
        session_id: row
            .optional("session_id", Row::uuid)?
            .map(SessionId::from_uuid),
        auth_time: row.time("auth_time")?,
        binding: CodeBinding {
            redirect_uri: row.get("redirect_uri")?,
            challenge: row.optional("challenge", Row::parsed)?,
            nonce: row.get("nonce")?,
            asked_claims: row.parsed("asked_claims")?,
        },
        phase: phase_from_row(row)?,
        user_tokens_void_through: row.optional("user_tokens_void_through", Row::time)?,
        ends_at: row.time("ends_at")?,
    })
}

fn phase_from_row(row: &Row<'_>) -> Result<Phase, StoreError> {
    let code = row.optional("code_expires_at", Row::time)?;
    let generation = row.get("refresh_generation")?;
    let issued_at = row.optional("refresh_issued_at", Row::time)?;
    let expires_at = row.optional("refresh_expires_at", Row::time)?;
    match (code, generation, issued_at, expires_at) {
        (Some(expires_at), None, None, None) => Ok(Phase::Code { expires_at }),
        (None, None, None, None) => Ok(Phase::Redeemed { refresh: None }),
        (None, Some(generation), Some(issued_at), Some(expires_at)) => Ok(Phase::Redeemed {
            refresh: Some(RefreshChain {
                generation,
                issued_at,
                expires_at,
            }),
        }),
        _ => Err(row.corrupt("code_expires_at, refresh_*")),
    }
}

/// The columns of a phase, in the order of the table.
struct PhaseColumns {
    code_expires_at: Option<i64>,
    refresh_generation: Option<u32>,
    refresh_issued_at: Option<i64>,
    refresh_expires_at: Option<i64>,
}

impl From<Phase> for PhaseColumns {
    fn from(phase: Phase) -> Self {
        let (code, refresh) = match phase {
            Phase::Code { expires_at } => (Some(expires_at), None),
            Phase::Redeemed { refresh } => (None, refresh),
        };
        Self {
            code_expires_at: code.map(millis),
            refresh_generation: refresh.map(|it| it.generation),
            refresh_issued_at: refresh.map(|it| millis(it.issued_at)),
            refresh_expires_at: refresh.map(|it| millis(it.expires_at)),
        }
    }
}

/// Makes an authorization; its client takes part in the session.
pub(crate) fn insert(connection: &Connection, new: &Authorization) -> Result<(), StoreError> {
    let statement = "
        INSERT INTO authorizations (
            id, client_id, user_id, approved, auth_time, redirect_uri, challenge, nonce,
            code_expires_at, refresh_generation, refresh_issued_at, refresh_expires_at,
            user_tokens_void_through, ends_at, sweep_at, asked_claims, session_id
        ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15, ?16)";
    let phase = PhaseColumns::from(new.phase);
    let row = params![
        bits(new.id.uuid()),
        bits(new.client_id.uuid()),
        bits(new.user_id.uuid()),
        json(&new.approved)?,
        millis(new.auth_time),
        new.binding.redirect_uri,
        new.binding.challenge.as_ref().map(ToString::to_string),
        new.binding.nonce,
        phase.code_expires_at,
        phase.refresh_generation,
        phase.refresh_issued_at,
        phase.refresh_expires_at,
        new.user_tokens_void_through.map(millis),
        millis(new.ends_at),
        new.binding.asked_claims.to_string(),
        new.session_id.map(|it| bits(it.uuid())),
    ];
    execute(connection, statement, row)?;
    match new.session_id {
        Some(session) => notices::took_part(connection, session, new.client_id),
        None => Ok(()),
    }
}

/// Writes what can change of an authorization: no column here is in an index.
fn update(connection: &Connection, next: &Authorization) -> Result<(), StoreError> {
    let statement = "
        UPDATE authorizations SET
            code_expires_at = ?2, refresh_generation = ?3, refresh_issued_at = ?4,
            refresh_expires_at = ?5, user_tokens_void_through = ?6, ends_at = ?7
        WHERE id = ?1";
    let phase = PhaseColumns::from(next.phase);
    let row = params![
        bits(next.id.uuid()),
        phase.code_expires_at,
        phase.refresh_generation,
        phase.refresh_issued_at,
        phase.refresh_expires_at,
        next.user_tokens_void_through.map(millis),
        millis(next.ends_at),
    ];
    execute(connection, statement, row).map(drop)
}

fn find(connection: &Connection, id: AuthorizationId) -> Result<Option<Authorization>, StoreError> {
    let query = "SELECT * FROM authorizations WHERE id = ?1";
    AUTHORIZATIONS.one(connection, query, [bits(id.uuid())], from_row)
}

/// The authorization with everything that its worth depends on.
fn standing(connection: &Connection, id: AuthorizationId) -> Result<Option<Standing>, StoreError> {
    let Some(authorization) = find(connection, id)? else {
        return Ok(None);
    };
    let (client, user) = (authorization.client_id, authorization.user_id);
    if deleted::is_either(connection, user.uuid(), client.uuid())? {
        return Ok(None);
    }
    let bond = grants::bond(connection, user, client)?;
    let client = clients::find(connection, client)?;
    let user = users::find(connection, user)?;
    let (Some(client), Some(user), Some(bond)) = (client, user, bond) else {
        return Err(StoreError::Corrupt {
            table: AUTHORIZATIONS.name,
            key: id.to_string(),
            reason: "its client, user or connection is missing".to_owned(),
        });
    };
    Ok(Some(Standing {
        authorization,
        client,
        user,
        alias_id: bond.alias_id,
        connection: bond.access,
    }))
}

pub(crate) fn end(connection: &Connection, id: AuthorizationId) -> Result<(), StoreError> {
    let statement = "DELETE FROM authorizations WHERE id = ?1";
    execute(connection, statement, [bits(id.uuid())]).map(drop)
}

/// Ends every authorization of the two (R25).
pub(crate) fn end_all(
    connection: &Connection,
    user: UserId,
    client: ClientId,
) -> Result<(), StoreError> {
    let statement = "DELETE FROM authorizations WHERE user_id = ?1 AND client_id = ?2";
    let key = [bits(user.uuid()), bits(client.uuid())];
    execute(connection, statement, key).map(drop)
}

#[async_trait]
impl Authorizations for SqliteStore {
    async fn standing(&self, id: AuthorizationId) -> Result<Option<Standing>, StoreError> {
        self.read(move |connection| standing(connection, id)).await
    }

    async fn redeem(
        &self,
        redemption: &Redemption,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Redeem)>, StoreError> {
        let (redemption, lifetimes) = (redemption.clone(), *lifetimes);
        self.write(move |connection| {
            let Some(standing) = standing(connection, redemption.authorization)? else {
                return Ok(None);
            };
            let verdict = redeem(&standing, &redemption, &lifetimes, now);
            match &verdict {
                Redeem::Granted { next, .. } => update(connection, next)?,
                Redeem::Replayed => end(connection, redemption.authorization)?,
                Redeem::Refused => {}
            }
            Ok(Some((standing, verdict)))
        })
        .await
    }

    async fn rotate(
        &self,
        rotation: &Rotation,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Rotate)>, StoreError> {
        let (rotation, lifetimes) = (rotation.clone(), *lifetimes);
        self.write(move |connection| {
            let Some(standing) = standing(connection, rotation.authorization)? else {
                return Ok(None);
            };
            let verdict = rotate(&standing, &rotation, &lifetimes, now);
            match &verdict {
                Rotate::Granted { next, .. } => update(connection, next)?,
                Rotate::Replayed => end(connection, rotation.authorization)?,
                Rotate::Refused | Rotate::ScopeRefused => {}
            }
            Ok(Some((standing, verdict)))
        })
        .await
    }

    async fn end_authorization(&self, id: AuthorizationId) -> Result<(), StoreError> {
        self.write(move |connection| end(connection, id)).await
    }

    async fn void_user_tokens(
        &self,
        id: AuthorizationId,
        through: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = "
            UPDATE authorizations
            SET user_tokens_void_through = max(ifnull(user_tokens_void_through, ?2), ?2)
            WHERE id = ?1";
        self.write(move |connection| {
            let row = params![bits(id.uuid()), millis(through)];
            execute(connection, statement, row).map(drop)
        })
        .await
    }
}

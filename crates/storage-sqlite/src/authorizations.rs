//! Authorizations: one row each, for its whole life.

use alias_domain::{
    Authorization, AuthorizationId, ClientId, CodeBinding, Lifetimes, Phase, Redeem, Redemption,
    RefreshChain, Rotate, Rotation, SessionId, Standing, UserId,
    ports::{Authorizations, Participation, StoreError},
    redeem, rotate,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore, clients, deleted, grants, notices,
    row::{Row, bits, execute, id, json, millis},
    table::{Table, cell, changing, column, unread},
    users,
};

pub(crate) static AUTHORIZATIONS: Table<Authorization> = Table::new(
    "authorizations",
    &["id"],
    // An exchange or a refresh writes those that change: none of them is in an index.
    &[
        column("id", |it| id(it.id.uuid())),
        column("client_id", |it| id(it.client_id.uuid())),
        column("user_id", |it| id(it.user_id.uuid())),
        column("approved", |it| cell(json(&it.approved)?)),
        column("session_id", |it| {
            let session = it.session_id.map(|it| bits(it.uuid()).to_vec());
            cell(session)
        }),
        column("auth_time", |it| cell(millis(it.auth_time))),
        column("redirect_uri", |it| cell(it.binding.redirect_uri.clone())),
        column("challenge", |it| {
            cell(it.binding.challenge.as_ref().map(ToString::to_string))
        }),
        column("nonce", |it| cell(it.binding.nonce.clone())),
        column("asked_claims", |it| {
            cell(it.binding.asked_claims.to_string())
        }),
        changing("code_expires_at", |it| cell(code_expires_at(it.phase))),
        changing("refresh_generation", |it| {
            cell(chain(it.phase).map(|it| it.generation))
        }),
        changing("refresh_issued_at", |it| {
            cell(chain(it.phase).map(|it| millis(it.issued_at)))
        }),
        changing("refresh_expires_at", |it| {
            cell(chain(it.phase).map(|it| millis(it.expires_at)))
        }),
        column("user_tokens_void_through", |it| {
            cell(it.user_tokens_void_through.map(millis))
        }),
        changing("ends_at", |it| cell(millis(it.ends_at))),
        // A sweep looks at it when it ends.
        unread("sweep_at", |it| cell(millis(it.ends_at))),
    ],
);

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

const fn code_expires_at(phase: Phase) -> Option<i64> {
    match phase {
        Phase::Code { expires_at } => Some(millis(expires_at)),
        Phase::Redeemed { .. } => None,
    }
}

const fn chain(phase: Phase) -> Option<RefreshChain> {
    match phase {
        Phase::Code { .. } => None,
        Phase::Redeemed { refresh } => refresh,
    }
}

/// Makes an authorization; its client takes part in the session.
pub(crate) fn insert(connection: &Connection, new: &Authorization) -> Result<(), StoreError> {
    AUTHORIZATIONS.insert(connection, new)?;
    let Some(session_id) = new.session_id else {
        return Ok(());
    };
    let client_id = new.client_id;
    let it = Participation {
        session_id,
        client_id,
    };
    notices::took_part(connection, &it)
}

fn find(connection: &Connection, id: AuthorizationId) -> Result<Option<Authorization>, StoreError> {
    AUTHORIZATIONS.one(connection, "WHERE id = ?1", [bits(id.uuid())], from_row)
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
    let met = grants::stored(connection, user, client)?;
    let client = clients::find(connection, client)?;
    let user = users::find(connection, user)?;
    let (Some(client), Some(user), Some(met)) = (client, user, met) else {
        return Err(StoreError::Corrupt {
            table: AUTHORIZATIONS.name(),
            key: id.to_string(),
            reason: "its client, user or connection is missing".to_owned(),
        });
    };
    Ok(Some(Standing {
        authorization,
        client,
        user,
        alias_id: met.alias_id,
        connection: met.access,
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
                Redeem::Granted { next, .. } => AUTHORIZATIONS.update(connection, next)?,
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
                Rotate::Granted { next, .. } => AUTHORIZATIONS.update(connection, next)?,
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

//! Connections, and the steps that change what they grant.

use std::cmp::Reverse;

use alias_domain::{
    Access, AliasId, Client, ClientId, Connection as Granted, Digest, InteractionId,
    NewAuthorization, Revocation, RevocationError, SessionId, UserId,
    ports::{
        Anticipated, Anticipation, Decision, Grants, LiveGrant, Moment, Recorded, StoreError,
        StoredConnection,
    },
    revoked,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore, authorizations, clients, deleted, interactions,
    row::{Row, bits, execute, id, json, millis},
    sessions,
    table::{Table, cell, changing, column},
    users,
};

/// What ties a user to a client, connected or not.
pub(crate) static CONNECTIONS: Table<StoredConnection> = Table::new(
    "connections",
    &["user_id", "client_id"],
    // An answer writes those that change: the alias ID is that of the first one.
    &[
        column("user_id", |it| id(it.user_id.uuid())),
        column("client_id", |it| id(it.client_id.uuid())),
        column("alias_id", |it| id(it.alias_id.uuid())),
        changing("access", |it| {
            cell(it.access.as_ref().map(json).transpose()?)
        }),
        changing("granted_at", |it| cell(millis(it.granted_at))),
        changing("since", |it| cell(millis(it.since))),
        changing("changed_at", |it| cell(millis(it.changed_at))),
    ],
);

/// What is granted of what the client still declares (R30); `None` when disconnected.
fn still_granted(stored: StoredConnection, client: &Client) -> Option<Granted> {
    Some(Granted {
        alias_id: stored.alias_id,
        access: client.live(stored.access?),
        granted_at: stored.granted_at,
        since: stored.since,
        changed_at: stored.changed_at,
    })
}

pub(crate) fn from_row(row: &Row<'_>) -> Result<StoredConnection, StoreError> {
    let granted_at = row.time("granted_at")?;
    // A version that does not know these wrote neither.
    let or_granted = |column| {
        let known = row.optional(column, Row::time)?;
        Ok::<_, StoreError>(known.unwrap_or(granted_at))
    };
    Ok(StoredConnection {
        user_id: UserId::from_uuid(row.uuid("user_id")?),
        client_id: ClientId::from_uuid(row.uuid("client_id")?),
        alias_id: AliasId::from_uuid(row.uuid("alias_id")?),
        access: row.optional("access", Row::json)?,
        granted_at,
        since: or_granted("since")?,
        changed_at: or_granted("changed_at")?,
    })
}

/// What ties the two, if they have met.
pub(crate) fn stored(
    connection: &Connection,
    user: UserId,
    client: ClientId,
) -> Result<Option<StoredConnection>, StoreError> {
    let of_both = "WHERE user_id = ?1 AND client_id = ?2";
    let key = [bits(user.uuid()), bits(client.uuid())];
    CONNECTIONS.one(connection, of_both, key, from_row)
}

fn granted(
    connection: &Connection,
    user: UserId,
    client: &Client,
) -> Result<Option<Granted>, StoreError> {
    let stored = stored(connection, user, client.id)?;
    Ok(stored.and_then(|it| still_granted(it, client)))
}

/// A session with what its user grants to a client, if it lives.
fn live_grant(
    connection: &Connection,
    token: Digest,
    client: Option<&Client>,
    now: DateTime<Utc>,
) -> Result<Option<LiveGrant>, StoreError> {
    let Some(session) = sessions::live_by_token(connection, token, now)? else {
        return Ok(None);
    };
    let granted = match client {
        Some(client) => granted(connection, session.user.id, client)?,
        None => None,
    };
    Ok(Some(LiveGrant {
        token,
        session,
        connection: granted,
    }))
}

/// What a new authorization is judged by.
fn moment(
    connection: &Connection,
    new: &NewAuthorization,
    session: SessionId,
    interaction: Option<InteractionId>,
    now: DateTime<Utc>,
) -> Result<Moment, StoreError> {
    let client = clients::find(connection, new.client_id)?;
    let granted = match &client {
        Some(client) => granted(connection, new.user_id, client)?,
        None => None,
    };
    Ok(Moment {
        waits: match interaction {
            Some(id) => interactions::waits(connection, id, now)?,
            None => true,
        },
        client,
        session: sessions::live(connection, session, now)?,
        connection: granted,
    })
}

fn issue(
    connection: &Connection,
    new: &NewAuthorization,
    access: &Access,
    session: SessionId,
    interaction: Option<InteractionId>,
    now: DateTime<Utc>,
) -> Result<Recorded, StoreError> {
    let moment = moment(connection, new, session, interaction, now)?;
    let authorization = match new.issued(access, &moment) {
        Ok(authorization) => authorization,
        Err(refused) => return Ok(refused),
    };
    if let Some(id) = interaction {
        interactions::answer(connection, id)?;
    }
    authorizations::insert(connection, &authorization)?;
    Ok(Recorded::Issued)
}

/// The writer looks, too: to ask a reader first would take as long as to issue.
fn issue_anticipated(
    connection: &Connection,
    token: Digest,
    anticipated: &Anticipated,
    now: DateTime<Utc>,
) -> Result<Anticipation, StoreError> {
    let client = clients::find(connection, anticipated.client_id)?;
    let Some(live) = live_grant(connection, token, client.as_ref(), now)? else {
        return Ok(Anticipation::NoSession);
    };
    let moment = Moment {
        waits: true,
        client,
        session: Some(live.session.clone()),
        connection: live.connection.clone(),
    };
    let new = anticipated.of_user(live.session.user.id);
    let Ok(authorization) = new.issued(&anticipated.access, &moment) else {
        return Ok(Anticipation::NotIssued(live));
    };
    authorizations::insert(connection, &authorization)?;
    Ok(Anticipation::Issued(live))
}

fn record(
    connection: &Connection,
    decision: &Decision,
    now: DateTime<Utc>,
) -> Result<Recorded, StoreError> {
    let new = &decision.new;
    let answered = Some(decision.interaction);
    let moment = moment(connection, new, decision.session, answered, now)?;
    let approval = match decision.judged(&moment, now) {
        Ok(approval) => approval,
        Err(refused) => return Ok(refused),
    };
    let granted = approval.connection;
    let stored = StoredConnection {
        user_id: new.user_id,
        client_id: new.client_id,
        alias_id: granted.alias_id,
        access: Some(granted.access),
        granted_at: granted.granted_at,
        since: granted.since,
        changed_at: granted.changed_at,
    };
    CONNECTIONS.put(connection, &stored)?;
    interactions::answer(connection, decision.interaction)?;
    authorizations::insert(connection, &approval.authorization)?;
    Ok(Recorded::Issued)
}

fn revoke(
    connection: &Connection,
    user: UserId,
    client: ClientId,
    revocation: &Revocation,
    now: DateTime<Utc>,
) -> Result<Result<(), RevocationError>, StoreError> {
    let (Some(client), Some(_)) = (
        clients::find(connection, client)?,
        users::find(connection, user)?,
    ) else {
        return Ok(Err(RevocationError::NotGranted));
    };
    let Some(before) = granted(connection, user, &client)? else {
        return Ok(Err(RevocationError::NotGranted));
    };
    let left = match revoked(&before.access, &client, revocation) {
        Ok(left) => left,
        Err(error) => return Ok(Err(error)),
    };
    if left.is_none() {
        authorizations::end_all(connection, user, client.id)?;
    }
    let statement = "
        UPDATE connections SET access = ?3, changed_at = ?4 WHERE user_id = ?1 AND client_id = ?2";
    let access = left.as_ref().map(json).transpose()?;
    let row = params![
        bits(user.uuid()),
        bits(client.id.uuid()),
        access,
        millis(now)
    ];
    execute(connection, statement, row)?;
    Ok(Ok(()))
}

#[async_trait]
impl Grants for SqliteStore {
    async fn connection(
        &self,
        user: UserId,
        client: ClientId,
    ) -> Result<Option<Granted>, StoreError> {
        self.read(move |connection| {
            if deleted::is_either(connection, user.uuid(), client.uuid())? {
                return Ok(None);
            }
            match clients::find(connection, client)? {
                Some(client) => granted(connection, user, &client),
                None => Ok(None),
            }
        })
        .await
    }

    async fn live_grants(
        &self,
        tokens: &[Digest],
        client: ClientId,
        now: DateTime<Utc>,
    ) -> Result<Vec<LiveGrant>, StoreError> {
        let tokens = tokens.to_vec();
        self.read(move |connection| {
            let client = clients::find(connection, client)?;
            let live = tokens
                .into_iter()
                .map(|token| live_grant(connection, token, client.as_ref(), now));
            live.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn issue_anticipated(
        &self,
        token: Digest,
        anticipated: &Anticipated,
        now: DateTime<Utc>,
    ) -> Result<Anticipation, StoreError> {
        let anticipated = anticipated.clone();
        self.write(move |connection| issue_anticipated(connection, token, &anticipated, now))
            .await
    }

    async fn known_as(
        &self,
        alias_id: AliasId,
        client: ClientId,
    ) -> Result<Option<UserId>, StoreError> {
        let named = "WHERE alias_id = ?1 AND client_id = ?2";
        self.read(move |connection| {
            let key = [bits(alias_id.uuid()), bits(client.uuid())];
            let Some(met) = CONNECTIONS.one(connection, named, key, from_row)? else {
                return Ok(None);
            };
            let (user, client) = (met.user_id, met.client_id);
            let is_gone = deleted::is_either(connection, user.uuid(), client.uuid())?;
            Ok(Some(user).filter(|_| !is_gone))
        })
        .await
    }

    async fn connections(&self, user: UserId) -> Result<Vec<(Client, Granted)>, StoreError> {
        let connected = "WHERE user_id = ?1 AND access IS NOT NULL";
        self.read(move |connection| {
            let mut found = Vec::new();
            if users::find(connection, user)?.is_none() {
                return Ok(found);
            }
            let key = [bits(user.uuid())];
            for stored in CONNECTIONS.all(connection, connected, key, from_row)? {
                if let Some(client) = clients::find(connection, stored.client_id)?
                    && let Some(granted) = still_granted(stored, &client)
                {
                    found.push((client, granted));
                }
            }
            found.sort_by_key(|(_, granted)| Reverse(granted.granted_at));
            Ok(found)
        })
        .await
    }

    async fn issue(
        &self,
        new: &NewAuthorization,
        access: &Access,
        session: SessionId,
        interaction: Option<InteractionId>,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        let (new, access) = (new.clone(), access.clone());
        self.write(move |connection| issue(connection, &new, &access, session, interaction, now))
            .await
    }

    async fn record_decision(
        &self,
        decision: &Decision,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        let decision = decision.clone();
        self.write(move |connection| record(connection, &decision, now))
            .await
    }

    async fn revoke(
        &self,
        user: UserId,
        client: ClientId,
        revocation: &Revocation,
        now: DateTime<Utc>,
    ) -> Result<Result<(), RevocationError>, StoreError> {
        let revocation = revocation.clone();
        self.write(move |connection| revoke(connection, user, client, &revocation, now))
            .await
    }
}

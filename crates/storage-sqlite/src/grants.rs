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
    row::{Row, Table, bits, execute, json, millis},
    sessions, users,
};

pub(crate) static CONNECTIONS: Table = Table {
    name: "connections",
    key: &["user_id", "client_id"],
};

/// A row: what ties a user to a client, connected or not.
pub(crate) struct Bond {
    user_id: UserId,
    client_id: ClientId,
    pub(crate) alias_id: AliasId,
    pub(crate) access: Option<Access>,
    granted_at: DateTime<Utc>,
    since: DateTime<Utc>,
    changed_at: DateTime<Utc>,
}

impl Bond {
    /// What is granted of what the client still declares (R30); `None` when disconnected.
    fn granted(self, client: &Client) -> Option<Granted> {
        Some(Granted {
            alias_id: self.alias_id,
            access: client.live(self.access?),
            granted_at: self.granted_at,
            since: self.since,
            changed_at: self.changed_at,
        })
    }
}

fn from_row(row: &Row<'_>) -> Result<Bond, StoreError> {
    let granted_at = row.time("granted_at")?;
    // A version that does not know these wrote neither.
    let or_granted = |column| {
        let known = row.optional(column, Row::time)?;
        Ok::<_, StoreError>(known.unwrap_or(granted_at))
    };
    Ok(Bond {
        user_id: UserId::from_uuid(row.uuid("user_id")?),
        client_id: ClientId::from_uuid(row.uuid("client_id")?),
        alias_id: AliasId::from_uuid(row.uuid("alias_id")?),
        access: row.optional("access", Row::json)?,
        granted_at,
        since: or_granted("since")?,
        changed_at: or_granted("changed_at")?,
    })
}

/// The whole row.
pub(crate) fn stored(row: &Row<'_>) -> Result<StoredConnection, StoreError> {
    let bond = from_row(row)?;
    Ok(StoredConnection {
        user_id: UserId::from_uuid(row.uuid("user_id")?),
        client_id: bond.client_id,
        alias_id: bond.alias_id,
        access: bond.access,
        granted_at: bond.granted_at,
        since: bond.since,
        changed_at: bond.changed_at,
    })
}

/// What ties the two, if they have met.
pub(crate) fn bond(
    connection: &Connection,
    user: UserId,
    client: ClientId,
) -> Result<Option<Bond>, StoreError> {
    let query = "SELECT * FROM connections WHERE user_id = ?1 AND client_id = ?2";
    let key = [bits(user.uuid()), bits(client.uuid())];
    CONNECTIONS.one(connection, query, key, from_row)
}

fn granted(
    connection: &Connection,
    user: UserId,
    client: &Client,
) -> Result<Option<Granted>, StoreError> {
    let bond = bond(connection, user, client.id)?;
    Ok(bond.and_then(|it| it.granted(client)))
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

/// Writes what is granted. The alias ID is used if the two have not met before.
fn grant(
    connection: &Connection,
    user: UserId,
    client: ClientId,
    grant: &Granted,
) -> Result<(), StoreError> {
    let statement = "
        INSERT INTO connections (user_id, client_id, alias_id, access, granted_at, since, changed_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (user_id, client_id)
        DO UPDATE SET access = ?4, granted_at = ?5, since = ?6, changed_at = ?7";
    let row = params![
        bits(user.uuid()),
        bits(client.uuid()),
        bits(grant.alias_id.uuid()),
        json(&grant.access)?,
        millis(grant.granted_at),
        millis(grant.since),
        millis(grant.changed_at),
    ];
    execute(connection, statement, row).map(drop)
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
    grant(connection, new.user_id, new.client_id, &approval.connection)?;
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
        let query = "SELECT * FROM connections WHERE alias_id = ?1 AND client_id = ?2";
        self.read(move |connection| {
            let key = [bits(alias_id.uuid()), bits(client.uuid())];
            let Some(bond) = CONNECTIONS.one(connection, query, key, from_row)? else {
                return Ok(None);
            };
            let (user, client) = (bond.user_id, bond.client_id);
            let is_gone = deleted::is_either(connection, user.uuid(), client.uuid())?;
            Ok(Some(user).filter(|_| !is_gone))
        })
        .await
    }

    async fn connections(&self, user: UserId) -> Result<Vec<(Client, Granted)>, StoreError> {
        let query = "SELECT * FROM connections WHERE user_id = ?1 AND access IS NOT NULL";
        self.read(move |connection| {
            let mut found = Vec::new();
            if users::find(connection, user)?.is_none() {
                return Ok(found);
            }
            for bond in CONNECTIONS.all(connection, query, [bits(user.uuid())], from_row)? {
                if let Some(client) = clients::find(connection, bond.client_id)?
                    && let Some(granted) = bond.granted(&client)
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

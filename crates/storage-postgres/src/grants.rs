//! Connections, and the steps that change what they grant.
//!
//! Whoever changes what a user grants to a client locks that row of `connections` first, and reads
//! the rest in a statement that begins after. Whoever issues shares it. So all such steps of the two
//! run one after another, and an authorization is made before a disconnect, which ends it, or after.

use std::sync::LazyLock;

use alias_domain::{
    Access, AliasId, AskedClaims, Authorization, AuthorizationId, Client, ClientId, CodeBinding,
    Connection, Digest, Expected, ForSession, InteractionId, NewAuthorization, Revocation,
    RevocationError, SessionId, UserId,
    ports::{
        Anticipated, Anticipation, Decision, Grants, LiveGrant, Moment, Recorded, StoreError,
        StoredConnection,
    },
    revoked,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use tokio_postgres::{Row as PgRow, types::Type};
use uuid::Uuid;

use crate::{
    PostgresStore, anticipated,
    authorizations::{self, AUTHORIZATIONS},
    clients::{self, CLIENTS},
    interactions,
    row::{Joined, Row, channels, scopes},
    sessions::{self, SESSIONS},
    steps::{Params, Tried, execute, row},
    table::{Column, Table, Value, Values, cell, changing, column},
    users::USERS,
};

pub(crate) static CONNECTIONS: Table<StoredConnection> = Table {
    name: "connections",
    alias: "c",
    key: &["user_id", "client_id"],
    // An answer writes those that change.
    columns: &[
        column("user_id", Type::UUID, |it| cell(it.user_id.uuid())),
        column("client_id", Type::UUID, |it| cell(it.client_id.uuid())),
        column("alias_id", Type::UUID, |it| cell(it.alias_id.uuid())),
        changing("scopes", Type::TEXT_ARRAY, |it| {
            cell(it.access.as_ref().map(scopes))
        }),
        changing("channels", Type::INT8_ARRAY, |it| {
            cell(it.access.as_ref().map(channels).unwrap_or_default())
        }),
        changing("granted_at", Type::TIMESTAMPTZ, |it| cell(it.granted_at)),
        changing("since", Type::TIMESTAMPTZ, |it| cell(it.since)),
        changing("changed_at", Type::TIMESTAMPTZ, |it| cell(it.changed_at)),
    ],
};

pub(crate) fn from_row(row: Row<'_>) -> Result<StoredConnection, StoreError> {
    let access = |row: &Row<'_>, scopes| row.access(scopes, "channels");
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
        access: row.optional("scopes", access)?,
        granted_at,
        since: or_granted("since")?,
        changed_at: or_granted("changed_at")?,
    })
}

/// What is granted of what the client still declares (R30); `None` when disconnected.
fn granted(stored: StoredConnection, client: &Client) -> Option<Connection> {
    Some(Connection {
        alias_id: stored.alias_id,
        access: client.live(stored.access?),
        granted_at: stored.granted_at,
        since: stored.since,
        changed_at: stored.changed_at,
    })
}

/// A client, and what a user grants to it.
fn client_and_grant(joined: &mut Joined<'_>) -> Result<(Client, Option<Connection>), StoreError> {
    let stored = from_row(joined.next(&CONNECTIONS))?;
    let client = clients::from_row(joined.next(&CLIENTS))?;
    let granted = granted(stored, &client);
    Ok((client, granted))
}

/// A session with its user, and the connection with its client where there is one.
fn live_grant(row: &PgRow, now: DateTime<Utc>) -> Result<Option<LiveGrant>, StoreError> {
    let mut joined = Joined::new(row);
    let (stored, client) = (joined.next(&CONNECTIONS), joined.next(&CLIENTS));
    let (session, user) = (joined.next(&SESSIONS), joined.next(&USERS));
    let token = session.digest("token_digest")?;
    let Some(session) = sessions::live(session, user, now)? else {
        return Ok(None);
    };
    let connection = match stored.is_null("user_id")? {
        true => None,
        false => granted(from_row(stored)?, &clients::from_row(client)?),
    };
    Ok(Some(LiveGrant {
        token,
        session,
        connection,
    }))
}

static BY_USER: LazyLock<String> = LazyLock::new(|| {
    let (connection, client) = (CONNECTIONS.list(), CLIENTS.list());
    format!(
        "SELECT {connection}, {client} FROM connections c
        JOIN clients k ON k.id = c.client_id
        JOIN users u ON u.id = c.user_id
        WHERE c.user_id = $1"
    )
});

static BY_KEY: LazyLock<String> = LazyLock::new(|| format!("{} AND c.client_id = $2", *BY_USER));

/// Makes the row of the two, if they have not met before, and locks it. `false` if one of them is
/// gone.
async fn meet(
    transaction: &Transaction<'_>,
    decision: &Decision,
    now: DateTime<Utc>,
) -> Tried<bool> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| {
        let insertion = CONNECTIONS.insertion();
        format!("{insertion} ON CONFLICT (user_id, client_id) DO NOTHING")
    });
    let (user_id, client_id) = (decision.new.user_id, decision.new.client_id);
    let disconnected = StoredConnection {
        user_id,
        client_id,
        alias_id: decision.alias_id,
        access: None,
        granted_at: now,
        since: now,
        changed_at: now,
    };
    let values = CONNECTIONS.values(&disconnected)?;
    execute(transaction, &STATEMENT, &values.refs()).await?;
    let (user, client) = (user_id.uuid(), client_id.uuid());
    let statement = "
        SELECT 1 FROM connections WHERE user_id = $1 AND client_id = $2 FOR NO KEY UPDATE";
    Ok(row(transaction, statement, &[&user, &client])
        .await?
        .is_some())
}

/// What a new authorization is judged by. The connection is locked already.
async fn moment(
    transaction: &Transaction<'_>,
    new: &NewAuthorization,
    session: SessionId,
    interaction: Option<InteractionId>,
    now: DateTime<Utc>,
) -> Tried<Moment> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| {
        let (connection, client) = (CONNECTIONS.list(), CLIENTS.list());
        let (session, user) = (SESSIONS.list(), USERS.list());
        format!(
            "SELECT {connection}, {client}, {session}, {user}
            FROM connections c
            JOIN clients k ON k.id = c.client_id
            LEFT JOIN (sessions s JOIN users u ON u.id = s.user_id) ON s.id = $3
            WHERE c.user_id = $1 AND c.client_id = $2"
        )
    });
    // Its row is locked for the step that may answer it.
    static WAITS: &str = "
        SELECT 1 FROM interactions WHERE id = $1 AND NOT answered AND expires_at > $2 FOR UPDATE";
    let waits = match interaction {
        Some(id) => row(transaction, WAITS, &[&id.uuid(), &now])
            .await?
            .is_some(),
        None => true,
    };
    let key = (new.user_id.uuid(), new.client_id.uuid());
    let found = row(transaction, &STATEMENT, &[&key.0, &key.1, &session.uuid()]).await?;
    let Some(found) = found else {
        return Ok(Moment {
            waits,
            client: None,
            session: None,
            connection: None,
        });
    };
    Ok(moment_from_row(Joined::new(&found), waits, now)?)
}

fn moment_from_row(
    mut joined: Joined<'_>,
    waits: bool,
    now: DateTime<Utc>,
) -> Result<Moment, StoreError> {
    let (client, granted) = client_and_grant(&mut joined)?;
    let (session, user) = (joined.next(&SESSIONS), joined.next(&USERS));
    Ok(Moment {
        waits,
        client: Some(client),
        session: match session.is_null("id")? {
            true => None,
            false => sessions::live(session, user, now)?,
        },
        connection: granted,
    })
}

async fn issue(
    transaction: &Transaction<'_>,
    new: &NewAuthorization,
    access: &Access,
    session: SessionId,
    interaction: Option<InteractionId>,
    now: DateTime<Utc>,
) -> Tried<Recorded> {
    let statement = "
        SELECT 1 FROM connections WHERE user_id = $1 AND client_id = $2 FOR SHARE";
    let key = (new.user_id.uuid(), new.client_id.uuid());
    row(transaction, statement, &[&key.0, &key.1]).await?;
    let moment = moment(transaction, new, session, interaction, now).await?;
    let authorization = match new.issued(access, &moment) {
        Ok(authorization) => authorization,
        Err(refused) => return Ok(refused),
    };
    if let Some(id) = interaction {
        interactions::answer(transaction, id, now).await?;
    }
    authorizations::insert(transaction, &authorization).await?;
    Ok(Recorded::Issued)
}

async fn record(
    transaction: &Transaction<'_>,
    decision: &Decision,
    now: DateTime<Utc>,
) -> Tried<Recorded> {
    if !meet(transaction, decision, now).await? {
        return Ok(Recorded::Changed);
    }
    let new = &decision.new;
    let answered = Some(decision.interaction);
    let moment = moment(transaction, new, decision.session, answered, now).await?;
    let approval = match decision.judged(&moment, now) {
        Ok(approval) => approval,
        Err(refused) => return Ok(refused),
    };
    static STATEMENT: LazyLock<String> = LazyLock::new(|| CONNECTIONS.update(Column::changes));
    let connection = approval.connection;
    let stored = StoredConnection {
        user_id: new.user_id,
        client_id: new.client_id,
        alias_id: connection.alias_id,
        access: Some(connection.access),
        granted_at: connection.granted_at,
        since: connection.since,
        changed_at: connection.changed_at,
    };
    let values = CONNECTIONS.update_values(&stored, Column::changes)?;
    execute(transaction, &STATEMENT, &values.refs()).await?;
    interactions::answer(transaction, decision.interaction, now).await?;
    authorizations::insert(transaction, &approval.authorization).await?;
    Ok(Recorded::Issued)
}

async fn revoke(
    transaction: &Transaction<'_>,
    user: UserId,
    client: ClientId,
    revocation: &Revocation,
    now: DateTime<Utc>,
) -> Tried<Result<(), RevocationError>> {
    static LOCKED: LazyLock<String> =
        LazyLock::new(|| format!("{} FOR NO KEY UPDATE OF c", *BY_KEY));
    let key = (user.uuid(), client.uuid());
    let Some(found) = row(transaction, &LOCKED, &[&key.0, &key.1]).await? else {
        return Ok(Err(RevocationError::NotGranted));
    };
    let (client, Some(before)) = client_and_grant(&mut Joined::new(&found))? else {
        return Ok(Err(RevocationError::NotGranted));
    };
    let left = match revoked(&before.access, &client, revocation) {
        Ok(left) => left,
        Err(error) => return Ok(Err(error)),
    };
    let scopes = left.as_ref().map(scopes);
    let channels = left.as_ref().map(channels).unwrap_or_default();
    let statement = "
        UPDATE connections SET scopes = $3, channels = $4, changed_at = $5
        WHERE user_id = $1 AND client_id = $2";
    execute(
        transaction,
        statement,
        &[&key.0, &key.1, &scopes, &channels, &now],
    )
    .await?;
    if left.is_none() {
        // A statement of its own: it sees what was issued until the row was locked.
        let statement = "DELETE FROM authorizations WHERE user_id = $1 AND client_id = $2";
        execute(transaction, statement, &[&key.0, &key.1]).await?;
    }
    Ok(Ok(()))
}

/// What issues in one round trip, as nearly every request that needs no answer is, for a session that
/// is known already.
fn issuing(
    expected: &Expected<ForSession>,
    session: SessionId,
) -> Result<(&'static str, Values), StoreError> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| {
        let new = any().of_user(UserId::from_uuid(Uuid::nil()));
        let expected = new.expected(&any().access, DateTime::UNIX_EPOCH);
        anticipated::insert(&expected, "s.id = ?::uuid")
    });
    let values = anticipated::insert_values(expected, Box::new(session.uuid()))?;
    Ok((&STATEMENT, values))
}

/// The same, for the session of a token.
pub(crate) fn issuing_by_token(
    token: Digest,
    anticipated: &Anticipated,
    now: DateTime<Utc>,
) -> Result<(&'static str, Values), StoreError> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| {
        let expected = any().expected(DateTime::UNIX_EPOCH);
        anticipated::insert(&expected, "s.token_digest = ?::bytea")
    });
    let key: Value = Box::new(token.bytes().to_vec());
    let values = anticipated::insert_values(&anticipated.expected(now), key)?;
    Ok((&STATEMENT, values))
}

/// Of any that is anticipated, the statement is the same.
fn any() -> Anticipated {
    Anticipated {
        id: AuthorizationId::from_uuid(Uuid::nil()),
        client_id: ClientId::from_uuid(Uuid::nil()),
        binding: CodeBinding {
            redirect_uri: String::new(),
            challenge: None,
            nonce: None,
            asked_claims: AskedClaims::default(),
        },
        code_expires_at: DateTime::UNIX_EPOCH,
        access: Access::openid(),
    }
}

/// What a statement of [`issuing`] made, and behind it what it read.
fn made(row: &PgRow) -> (Made, Joined<'_>) {
    let mut joined = Joined::new(row);
    let made = authorizations::written(joined.next(&AUTHORIZATIONS));
    (made.transpose(), joined)
}

/// The authorization, if one was made, and if it makes sense.
type Made = Option<Result<Authorization, StoreError>>;

impl PostgresStore {
    /// Compares what a statement made with what the rules say of what it read. Where they differ, or
    /// either makes no sense, what was made ends: nobody has its code.
    async fn compared<T>(
        &self,
        id: AuthorizationId,
        said: Result<(T, Option<Authorization>), StoreError>,
        made: Made,
    ) -> Result<T, StoreError> {
        let Some(made) = made else {
            return said.map(|(answer, _)| answer);
        };
        let differs = match (said, made) {
            (Ok((answer, Some(said))), Ok(made)) if said == made => return Ok(answer),
            (Err(corrupt), _) | (_, Err(corrupt)) => Some(corrupt),
            (Ok(_), Ok(_)) => None,
        };
        // It is told whether or not the authorization can be ended.
        let undone = self.end(id).await.is_ok();
        Err(differs.unwrap_or_else(|| authorizations::disagreement(id, undone)))
    }

    /// Issues by [`issuing`]; `None` if that did not do what the domain says.
    async fn issue_at_once(
        &self,
        new: &NewAuthorization,
        access: &Access,
        session: SessionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Recorded>, StoreError> {
        let (statement, values) = issuing(&new.expected(access, now), session)?;
        let rows = self.steps.write(statement, &values.refs()).await?;
        let Some(row) = rows.first() else {
            // One of the three is gone, or the two have never met.
            return Ok(Some(Recorded::Changed));
        };
        let (made, read) = made(row);
        let moment = moment_from_row(read, true, now);
        let said = moment.map(|it| match new.issued(access, &it) {
            // Where nothing was made, it is to be made under a lock.
            Ok(said) => (made.is_some().then_some(Recorded::Issued), Some(said)),
            Err(refused) => (Some(refused), None),
        });
        self.compared(new.id, said, made).await
    }
}

#[async_trait]
impl Grants for PostgresStore {
    async fn connection(
        &self,
        user: UserId,
        client: ClientId,
    ) -> Result<Option<Connection>, StoreError> {
        let key = (user.uuid(), client.uuid());
        let rows = self.steps.read(&BY_KEY, &[&key.0, &key.1]).await?;
        let found = rows
            .first()
            .map(|it| client_and_grant(&mut Joined::new(it)));
        let found = found.transpose()?;
        Ok(found.and_then(|(_, granted)| granted))
    }

    async fn live_grants(
        &self,
        tokens: &[Digest],
        client: ClientId,
        now: DateTime<Utc>,
    ) -> Result<Vec<LiveGrant>, StoreError> {
        static STATEMENT: LazyLock<String> = LazyLock::new(|| {
            let (connection, client) = (CONNECTIONS.list(), CLIENTS.list());
            let (session, user) = (SESSIONS.list(), USERS.list());
            format!(
                "SELECT {connection}, {client}, {session}, {user}
                FROM sessions s
                JOIN users u ON u.id = s.user_id
                LEFT JOIN (connections c JOIN clients k ON k.id = c.client_id)
                    ON c.user_id = s.user_id AND c.client_id = $2
                WHERE s.token_digest = ANY ($1)
                ORDER BY array_position($1, s.token_digest)"
            )
        });
        let presented = sessions::bytes(tokens);
        let params: Params<'_> = &[&presented, &client.uuid()];
        let rows = self.steps.read(&STATEMENT, params).await?;
        let found = rows.iter().map(|row| live_grant(row, now));
        found.filter_map(Result::transpose).collect()
    }

    async fn issue_anticipated(
        &self,
        token: Digest,
        anticipated: &Anticipated,
        now: DateTime<Utc>,
    ) -> Result<Anticipation, StoreError> {
        let (statement, values) = issuing_by_token(token, anticipated, now)?;
        let rows = self.steps.write(statement, &values.refs()).await?;
        let Some(row) = rows.first() else {
            // Nobody is signed in, or the two have never met.
            let live = self
                .live_grants(&[token], anticipated.client_id, now)
                .await?;
            let live = live.into_iter().next();
            return Ok(live.map_or(Anticipation::NoSession, Anticipation::NotIssued));
        };
        let (made, read) = made(row);
        let said = moment_from_row(read, true, now).map(|moment| {
            let Some(session) = moment.session.clone() else {
                return (Anticipation::NoSession, None);
            };
            let new = anticipated.of_user(session.user.id);
            let said = new.issued(&anticipated.access, &moment).ok();
            let live = LiveGrant {
                token,
                session,
                connection: moment.connection,
            };
            match &made {
                Some(_) => (Anticipation::Issued(live), said),
                None => (Anticipation::NotIssued(live), said),
            }
        });
        self.compared(anticipated.id, said, made).await
    }

    async fn known_as(
        &self,
        alias_id: AliasId,
        client: ClientId,
    ) -> Result<Option<UserId>, StoreError> {
        static STATEMENT: LazyLock<String> = LazyLock::new(|| {
            let connection = CONNECTIONS.list();
            format!(
                "SELECT {connection} FROM connections c
                JOIN clients k ON k.id = c.client_id
                JOIN users u ON u.id = c.user_id
                WHERE c.alias_id = $1 AND c.client_id = $2"
            )
        });
        let key = (alias_id.uuid(), client.uuid());
        let rows = self.steps.read(&STATEMENT, &[&key.0, &key.1]).await?;
        let known = rows.first().map(|it| CONNECTIONS.row(it).uuid("user_id"));
        Ok(known.transpose()?.map(UserId::from_uuid))
    }

    async fn connections(&self, user: UserId) -> Result<Vec<(Client, Connection)>, StoreError> {
        static NEWEST_FIRST: LazyLock<String> =
            LazyLock::new(|| format!("{} ORDER BY c.granted_at DESC, c.client_id", *BY_USER));
        let rows = self.steps.read(&NEWEST_FIRST, &[&user.uuid()]).await?;
        let mut connections = Vec::new();
        for row in &rows {
            if let (client, Some(granted)) = client_and_grant(&mut Joined::new(row))? {
                connections.push((client, granted));
            }
        }
        Ok(connections)
    }

    async fn issue(
        &self,
        new: &NewAuthorization,
        access: &Access,
        session: SessionId,
        interaction: Option<InteractionId>,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        if interaction.is_none()
            && let Some(recorded) = self.issue_at_once(new, access, session, now).await?
        {
            return Ok(recorded);
        }
        let issued = self.steps.transact(|transaction| {
            let (new, access) = (new.clone(), access.clone());
            Box::pin(
                async move { issue(transaction, &new, &access, session, interaction, now).await },
            )
        });
        match issued.await {
            Err(trouble) if trouble.is_dangling() => Ok(Recorded::Changed),
            issued => Ok(issued?),
        }
    }

    async fn record_decision(
        &self,
        decision: &Decision,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        let issued = |recorded: &Recorded| *recorded == Recorded::Issued;
        let recorded = self.steps.transact_if(issued, |transaction| {
            let decision = decision.clone();
            Box::pin(async move { record(transaction, &decision, now).await })
        });
        match recorded.await {
            Err(trouble) if trouble.is_dangling() => Ok(Recorded::Changed),
            recorded => Ok(recorded?),
        }
    }

    async fn revoke(
        &self,
        user: UserId,
        client: ClientId,
        revocation: &Revocation,
        now: DateTime<Utc>,
    ) -> Result<Result<(), RevocationError>, StoreError> {
        let revoked = self.steps.transact(|transaction| {
            let revocation = revocation.clone();
            Box::pin(async move { revoke(transaction, user, client, &revocation, now).await })
        });
        Ok(revoked.await?)
    }
}

//! Connections, and the steps that change what they grant.
//!
//! Whoever changes what a user grants to a client locks that row of `connections` first, and reads
//! the rest in a statement that begins after. Whoever issues shares it. So all such steps of the two
//! run one after another, and an authorization is made before a disconnect, which ends it, or after.

use std::sync::LazyLock;

use alias_domain::{
    Access, AliasId, Client, ClientId, Connection, Digest, InteractionId, NewAuthorization,
    Revocation, RevocationError, SessionId, UserId,
    ports::{Anticipated, Anticipation, Decision, Grants, LiveGrant, Moment, Recorded, StoreError},
    revoked,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use tokio_postgres::{Row as PgRow, types::ToSql};

use crate::{
    PostgresStore, authorizations,
    clients::{self, CLIENTS},
    interactions,
    row::{Joined, Row, Stored, Table},
    sessions::{self, SESSIONS},
    steps::{Params, Tried, execute, row},
    users::USERS,
};

pub(crate) static CONNECTIONS: Table = Table {
    name: "connections",
    alias: "c",
    key: &["user_id", "client_id"],
    columns: &[
        "user_id",
        "client_id",
        "alias_id",
        "scopes",
        "channels",
        "granted_at",
        "since",
        "changed_at",
    ],
};

/// A row: what ties a user to a client, connected or not.
pub(crate) struct Bond {
    pub(crate) alias_id: AliasId,
    pub(crate) access: Option<Access>,
    granted_at: DateTime<Utc>,
    since: DateTime<Utc>,
    changed_at: DateTime<Utc>,
}

impl Bond {
    pub(crate) fn from_row(row: Row<'_>) -> Result<Self, StoreError> {
        let access = |row: &Row<'_>, scopes| row.access(scopes, "channels");
        let granted_at = row.time("granted_at")?;
        // A version that does not know these wrote neither.
        let or_granted = |column| {
            let known = row.optional(column, Row::time)?;
            Ok::<_, StoreError>(known.unwrap_or(granted_at))
        };
        Ok(Self {
            alias_id: AliasId::from_uuid(row.uuid("alias_id")?),
            access: row.optional("scopes", access)?,
            granted_at,
            since: or_granted("since")?,
            changed_at: or_granted("changed_at")?,
        })
    }

    /// What is granted of what the client still declares (R30); `None` when disconnected.
    fn granted(self, client: &Client) -> Option<Connection> {
        Some(Connection {
            alias_id: self.alias_id,
            access: client.live(self.access?),
            granted_at: self.granted_at,
            since: self.since,
            changed_at: self.changed_at,
        })
    }
}

/// A client, and what a user grants to it.
fn client_and_grant(row: &PgRow) -> Result<(Client, Option<Connection>), StoreError> {
    let mut joined = Joined::new(row);
    let bond = Bond::from_row(joined.next(&CONNECTIONS))?;
    let client = clients::from_row(joined.next(&CLIENTS))?;
    let granted = bond.granted(&client);
    Ok((client, granted))
}

/// A session with its user, and the connection with its client where there is one.
fn live_grant(row: &PgRow, now: DateTime<Utc>) -> Result<Option<LiveGrant>, StoreError> {
    let mut joined = Joined::new(row);
    let (bond, client) = (joined.next(&CONNECTIONS), joined.next(&CLIENTS));
    let (session, user) = (joined.next(&SESSIONS), joined.next(&USERS));
    let token = session.digest("token_digest")?;
    let Some(session) = sessions::live(session, user, now)? else {
        return Ok(None);
    };
    let connection = match bond.is_null("user_id")? {
        true => None,
        false => Bond::from_row(bond)?.granted(&clients::from_row(client)?),
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
    let statement = "
        INSERT INTO connections (user_id, client_id, alias_id, channels, granted_at)
        VALUES ($1, $2, $3, '{}', $4)
        ON CONFLICT (user_id, client_id) DO NOTHING";
    let (user, client) = (decision.new.user_id.uuid(), decision.new.client_id.uuid());
    let alias = decision.alias_id.uuid();
    execute(transaction, statement, &[&user, &client, &alias, &now]).await?;
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
    Ok(moment_from_row(&found, waits, now)?)
}

fn moment_from_row(row: &PgRow, waits: bool, now: DateTime<Utc>) -> Result<Moment, StoreError> {
    let (client, granted) = client_and_grant(row)?;
    let mut joined = Joined::new(row);
    joined.next(&CONNECTIONS);
    joined.next(&CLIENTS);
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
    let statement = "
        UPDATE connections
        SET scopes = $3, channels = $4, granted_at = $5, since = $6, changed_at = $7
        WHERE user_id = $1 AND client_id = $2";
    let connection = &approval.connection;
    let granted = Stored::from(&connection.access);
    let key = (new.user_id.uuid(), new.client_id.uuid());
    let params: Params<'_> = &[
        &key.0,
        &key.1,
        &granted.scopes,
        &granted.channels,
        &connection.granted_at,
        &connection.since,
        &connection.changed_at,
    ];
    execute(transaction, statement, params).await?;
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
    let (client, Some(before)) = client_and_grant(&found)? else {
        return Ok(Err(RevocationError::NotGranted));
    };
    let left = match revoked(&before.access, &client, revocation) {
        Ok(left) => left,
        Err(error) => return Ok(Err(error)),
    };
    let (scopes, channels) = match left.as_ref().map(Stored::from) {
        Some(left) => (Some(left.scopes), left.channels),
        None => (None, Vec::new()),
    };
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

/// Issues in one round trip, as nearly every request that needs no answer is: if this session lives
/// and the connection covers the access, the authorization is there. Whoever ends the session waits
/// for this, or this finds it gone.
///
/// The connection and the session are read as they are once they are locked. The user and the client
/// are of the moment before: whoever locks a user ends the session, and what a client still declares
/// counts when the code is exchanged.
fn issue_by(condition: &str) -> String {
    let (connection, client) = (CONNECTIONS.list(), CLIENTS.list());
    let (session, user) = (SESSIONS.list(), USERS.list());
    format!(
        "WITH moment AS MATERIALIZED (
            SELECT {connection}, {client}, {session}, {user},
                u.id AS owner, c.scopes AS granted_scopes, c.channels AS granted_channels,
                s.id AS began, s.auth_time AS authenticated,
                s.expires_at > $9 AND NOT u.locked AS live
            FROM sessions s
            JOIN users u ON u.id = s.user_id
            JOIN connections c ON c.user_id = s.user_id AND c.client_id = $2
            JOIN clients k ON k.id = c.client_id
            WHERE {condition}
            FOR SHARE OF c FOR KEY SHARE OF s
        ), made AS (
            INSERT INTO authorizations (
                id, client_id, user_id, approved_scopes, approved_channels, session_id, auth_time,
                redirect_uri, challenge, nonce, asked_claims, code_expires_at, ends_at, sweep_at
            )
            SELECT $1, $2, owner, $3, $4, began, authenticated, $5, $6, $7, $10, $8, $8, $8
            FROM moment WHERE live AND granted_scopes @> $3 AND granted_channels @> $4
            RETURNING session_id
        ), took_part AS (
            INSERT INTO session_clients (session_id, client_id) SELECT session_id, $2 FROM made
            ON CONFLICT (session_id, client_id) DO NOTHING
        )
        SELECT moment.*, EXISTS (SELECT FROM made) FROM moment"
    )
}

/// For a session that is known already, and its user.
static ISSUE: LazyLock<String> = LazyLock::new(|| issue_by("s.id = $11 AND s.user_id = $12"));

/// For the session of a token.
pub(crate) static ISSUE_BY_TOKEN: LazyLock<String> =
    LazyLock::new(|| issue_by("s.token_digest = $11"));

/// Whether [`issue_by`] issued.
fn is_made(row: &PgRow) -> bool {
    row.try_get(row.len() - 1).unwrap_or_default()
}

impl PostgresStore {
    /// Runs a statement of [`issue_by`], for the session that `session` names.
    async fn run_issue(
        &self,
        statement: &str,
        new: &Anticipated,
        session: Params<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<PgRow>, StoreError> {
        let approved = Stored::from(&new.access);
        let challenge = new.binding.challenge.as_ref().map(ToString::to_string);
        let (id, client) = (new.id.uuid(), new.client_id.uuid());
        let asked_claims = new.binding.asked_claims.to_string();
        let params: [&(dyn ToSql + Sync); 10] = [
            &id,
            &client,
            &approved.scopes,
            &approved.channels,
            &new.binding.redirect_uri,
            &challenge,
            &new.binding.nonce,
            &new.code_expires_at,
            &now,
            &asked_claims,
        ];
        let params = [params.as_slice(), session].concat();
        let rows = self.steps.write(statement, &params).await?;
        Ok(rows.into_iter().next())
    }

    /// Issues by [`ISSUE`]; `None` if that did not do what the domain says.
    async fn issue_at_once(
        &self,
        new: &NewAuthorization,
        access: &Access,
        session: SessionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Recorded>, StoreError> {
        let anticipated = Anticipated {
            id: new.id,
            client_id: new.client_id,
            binding: new.binding.clone(),
            code_expires_at: new.code_expires_at,
            access: access.clone(),
        };
        let (id, user) = (session.uuid(), new.user_id.uuid());
        let named: Params<'_> = &[&id, &user];
        let row = self.run_issue(&ISSUE, &anticipated, named, now);
        let Some(row) = row.await? else {
            // One of the three is gone, or the two have never met.
            return Ok(Some(Recorded::Changed));
        };
        let judged = moment_from_row(&row, true, now).map(|moment| new.issued(access, &moment));
        match (judged, is_made(&row)) {
            (Ok(Ok(_)), true) => Ok(Some(Recorded::Issued)),
            (Ok(Ok(_)), false) => Ok(None),
            (Ok(Err(refused)), false) => Ok(Some(refused)),
            (Err(corrupt), false) => Err(corrupt),
            // The domain knows better, as when a channel was withdrawn: no code was handed out.
            (refused, true) => {
                self.end(new.id).await?;
                refused.map(|it| it.err())
            }
        }
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
        let found = rows.first().map(client_and_grant).transpose()?;
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
        let digest = token.bytes();
        let key = digest.as_slice();
        let named: Params<'_> = &[&key];
        let row = self.run_issue(&ISSUE_BY_TOKEN, anticipated, named, now);
        let Some(row) = row.await? else {
            // Nobody is signed in, or the two have never met.
            let live = self
                .live_grants(&[token], anticipated.client_id, now)
                .await?;
            let live = live.into_iter().next();
            return Ok(live.map_or(Anticipation::NoSession, Anticipation::NotIssued));
        };
        Ok(match (live_grant(&row, now), is_made(&row)) {
            (Ok(Some(live)), true) => Anticipation::Issued(live),
            (Ok(Some(live)), false) => Anticipation::NotIssued(live),
            (Ok(None), false) => Anticipation::NoSession,
            (Err(corrupt), false) => return Err(corrupt),
            // It is to be told whether or not the authorization can be ended: nobody has its code.
            (nothing, true) => {
                drop(self.end(anticipated.id).await);
                nothing.map(|_| Anticipation::NoSession)?
            }
        })
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
            if let (client, Some(granted)) = client_and_grant(row)? {
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

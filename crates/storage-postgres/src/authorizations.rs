//! Authorizations: one row each, for its whole life.
//!
//! An exchange and a refresh are one statement and one round trip each. The statement reads
//! everything that the domain judges by, and in the same breath writes what the domain will say in
//! the usual case, guarded by that case's conditions. Then the domain judges what was read:
//!
//! - it says what was written, or refuses and nothing was written: that is the answer;
//! - it says something that was not written, because a rival was quicker or the case is not the
//!   usual one: the step runs again, and at last under a lock;
//! - something was written that it does not say: that cannot be, so the authorization ends and
//!   nothing is handed out.
//!
//! The guard compares what is in the row at the moment of writing, so of any number of rivals one
//! writes.

use std::sync::LazyLock;

use alias_domain::{
    Authorization, AuthorizationId, Challenge, ClientId, ClientKind, CodeBinding, Lifetimes, Phase,
    Redeem, Redemption, RefreshChain, RequestedScope, Rotate, Rotation, Scope, SessionId, Standing,
    UserId,
    ports::{Authorizations, StoreError},
    redeem, rotate,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use tokio_postgres::Row as PgRow;

use crate::{
    PostgresStore,
    clients::{self, CLIENTS},
    grants::{Bond, CONNECTIONS},
    notices,
    row::{Joined, Row, Stored, Table, word},
    steps::{Params, Step, Tried, execute, row},
    users::{self, USERS},
};

static AUTHORIZATIONS: Table = Table {
    name: "authorizations",
    alias: "a",
    key: &["id"],
    columns: &[
        "id",
        "client_id",
        "user_id",
        "approved_scopes",
        "approved_channels",
        "session_id",
        "auth_time",
        "redirect_uri",
        "challenge",
        "nonce",
        "asked_claims",
        "code_expires_at",
        "refresh_generation",
        "refresh_issued_at",
        "refresh_expires_at",
        "user_tokens_void_through",
        "ends_at",
    ],
};

/// The columns that an exchange or a refresh writes, as it returns them; all NULL if it wrote
/// nothing.
static WRITTEN: Table = Table {
    name: "authorizations",
    alias: "a",
    key: &[],
    columns: &[
        "code_expires_at",
        "refresh_generation",
        "refresh_issued_at",
        "refresh_expires_at",
        "ends_at",
    ],
};

/// How often a step is tried without a lock. Each time a rival was quicker.
const TRIES: u32 = 3;

fn from_row(row: Row<'_>) -> Result<Authorization, StoreError> {
    Ok(Authorization {
        id: AuthorizationId::from_uuid(row.uuid("id")?),
        client_id: ClientId::from_uuid(row.uuid("client_id")?),
        user_id: UserId::from_uuid(row.uuid("user_id")?),
        approved: row.access("approved_scopes", "approved_channels")?,
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

fn phase_from_row(row: Row<'_>) -> Result<Phase, StoreError> {
    let code = row.optional("code_expires_at", Row::time)?;
    let generation = row.optional("refresh_generation", Row::number)?;
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
pub(crate) struct PhaseColumns {
    pub(crate) code_expires_at: Option<DateTime<Utc>>,
    pub(crate) refresh_generation: Option<i64>,
    pub(crate) refresh_issued_at: Option<DateTime<Utc>>,
    pub(crate) refresh_expires_at: Option<DateTime<Utc>>,
}

impl From<Phase> for PhaseColumns {
    fn from(phase: Phase) -> Self {
        let (code_expires_at, refresh) = match phase {
            Phase::Code { expires_at } => (Some(expires_at), None),
            Phase::Redeemed { refresh } => (None, refresh),
        };
        Self {
            code_expires_at,
            refresh_generation: refresh.map(|it| it.generation.into()),
            refresh_issued_at: refresh.map(|it| it.issued_at),
            refresh_expires_at: refresh.map(|it| it.expires_at),
        }
    }
}

/// Makes an authorization; its client takes part in the session.
pub(crate) async fn insert(transaction: &Transaction<'_>, new: &Authorization) -> Tried<()> {
    let statement = "
        INSERT INTO authorizations (
            id, client_id, user_id, approved_scopes, approved_channels, auth_time, redirect_uri,
            challenge, nonce, asked_claims, code_expires_at, refresh_generation, refresh_issued_at,
            refresh_expires_at, user_tokens_void_through, ends_at, sweep_at, session_id
        ) VALUES (
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17
        )";
    let phase = PhaseColumns::from(new.phase);
    let approved = Stored::from(&new.approved);
    execute(
        transaction,
        statement,
        &[
            &new.id.uuid(),
            &new.client_id.uuid(),
            &new.user_id.uuid(),
            &approved.scopes,
            &approved.channels,
            &new.auth_time,
            &new.binding.redirect_uri,
            &new.binding.challenge.as_ref().map(ToString::to_string),
            &new.binding.nonce,
            &new.binding.asked_claims.to_string(),
            &phase.code_expires_at,
            &phase.refresh_generation,
            &phase.refresh_issued_at,
            &phase.refresh_expires_at,
            &new.user_tokens_void_through,
            &new.ends_at,
            &new.session_id.map(SessionId::uuid),
        ],
    )
    .await?;
    match new.session_id {
        Some(session) => notices::took_part(transaction, session, new.client_id).await,
        None => Ok(()),
    }
}

/// Writes what an exchange or a refresh changes: no column here is in an index.
async fn update(transaction: &Transaction<'_>, next: &Authorization) -> Tried<()> {
    let statement = "
        UPDATE authorizations SET
            code_expires_at = $2, refresh_generation = $3, refresh_issued_at = $4,
            refresh_expires_at = $5, ends_at = $6
        WHERE id = $1";
    let phase = PhaseColumns::from(next.phase);
    execute(
        transaction,
        statement,
        &[
            &next.id.uuid(),
            &phase.code_expires_at,
            &phase.refresh_generation,
            &phase.refresh_issued_at,
            &phase.refresh_expires_at,
            &next.ends_at,
        ],
    )
    .await
    .map(drop)
}

/// Reads an authorization with everything that its worth depends on, and `facts` about it.
fn select_standing(facts: &str) -> String {
    let (authorization, client) = (AUTHORIZATIONS.list(), CLIENTS.list());
    let (user, connection) = (USERS.list(), CONNECTIONS.list());
    format!(
        "SELECT {authorization}, {client}, {user}, {connection}{facts}
        FROM authorizations a
        JOIN clients k ON k.id = a.client_id
        JOIN users u ON u.id = a.user_id
        JOIN connections c ON c.user_id = a.user_id AND c.client_id = a.client_id
        WHERE a.id = $1"
    )
}

pub(crate) static STANDING: LazyLock<String> = LazyLock::new(|| select_standing(""));

/// A standing, and what follows its columns.
fn standing_from_row(row: &PgRow) -> Result<(Standing, Joined<'_>), StoreError> {
    let mut joined = Joined::new(row);
    let authorization = from_row(joined.next(&AUTHORIZATIONS))?;
    let client = clients::from_row(joined.next(&CLIENTS))?;
    let user = users::from_row(joined.next(&USERS))?;
    let bond = Bond::from_row(joined.next(&CONNECTIONS))?;
    let standing = Standing {
        authorization,
        client,
        user,
        alias_id: bond.alias_id,
        connection: bond.access,
    };
    Ok((standing, joined))
}

/// What a statement wrote of an authorization, if it wrote something.
fn written(row: Row<'_>) -> Result<Option<(Phase, DateTime<Utc>)>, StoreError> {
    let Some(ends_at) = row.optional("ends_at", Row::time)? else {
        return Ok(None);
    };
    Ok(Some((phase_from_row(row)?, ends_at)))
}

/// A verdict of the domain, as far as the store goes by it.
trait Verdict {
    /// The authorization from now on; `None` if nothing changes.
    fn next(&self) -> Option<&Authorization>;
    /// Whether the authorization dies.
    fn is_fatal(&self) -> bool;
}

impl Verdict for Redeem {
    fn next(&self) -> Option<&Authorization> {
        match self {
            Self::Granted { next, .. } => Some(next),
            Self::Refused | Self::Replayed => None,
        }
    }

    fn is_fatal(&self) -> bool {
        *self == Self::Replayed
    }
}

impl Verdict for Rotate {
    fn next(&self) -> Option<&Authorization> {
        match self {
            Self::Granted { next, .. } => Some(next),
            Self::Refused | Self::ScopeRefused | Self::Replayed => None,
        }
    }

    fn is_fatal(&self) -> bool {
        *self == Self::Replayed
    }
}

/// What an exchange or a refresh needs to know of the rows beside the authorization's own.
static FACTS: Table = Table {
    name: "authorizations",
    alias: "before",
    key: &[],
    columns: &["holds", "refreshes"],
};

/// The statement of an exchange. Usually the code waits, is presented as it was made for, and the
/// two are still connected: then the code is spent, and there is a first refresh token if
/// everything speaks for it.
pub(crate) static REDEEM: LazyLock<String> = LazyLock::new(|| {
    let written = WRITTEN.list();
    let before = select_standing(
        ", c.scopes IS NOT NULL AND NOT u.locked AS holds,
        k.kind = $6 AND a.approved_scopes @> $7 AND c.scopes @> $7 AS refreshes",
    );
    format!(
        "WITH before AS MATERIALIZED ({before}), done AS (
            UPDATE authorizations a SET
                code_expires_at = NULL,
                refresh_generation = CASE WHEN refreshes THEN 1 END,
                refresh_issued_at = CASE WHEN refreshes THEN $5::timestamptz END,
                refresh_expires_at = CASE WHEN refreshes THEN $8::timestamptz END,
                ends_at = CASE WHEN refreshes THEN $9::timestamptz ELSE $10::timestamptz END
            FROM before
            WHERE a.id = $1 AND a.client_id = $2 AND a.redirect_uri = $3
                AND a.challenge IS NOT DISTINCT FROM $4
                AND a.code_expires_at > $5 AND a.code_expires_at <= $11 AND holds
            RETURNING {written}
        )
        SELECT before.*, done.* FROM before LEFT JOIN done ON TRUE"
    )
});

/// The statement of a refresh. Usually the newest refresh token is presented while it lives, and
/// what is asked for was approved and is still granted: then the next generation replaces it.
pub(crate) static ROTATE: LazyLock<String> = LazyLock::new(|| {
    let written = WRITTEN.list();
    let before = select_standing(
        ", NOT u.locked AND a.approved_scopes @> $4 AND c.scopes @> $4 AS holds,
        TRUE AS refreshes",
    );
    format!(
        "WITH before AS MATERIALIZED ({before}), done AS (
            UPDATE authorizations a SET
                refresh_generation = a.refresh_generation + 1,
                refresh_issued_at = $5,
                refresh_expires_at = $6,
                ends_at = greatest(a.ends_at, $7)
            FROM before
            WHERE a.id = $1 AND a.client_id = $2 AND a.refresh_generation = $3
                AND a.refresh_expires_at > $5 AND holds
            RETURNING {written}
        )
        SELECT before.*, done.* FROM before LEFT JOIN done ON TRUE"
    )
});

/// What a statement read and wrote.
type Attempt = (Standing, Option<(Phase, DateTime<Utc>)>);

fn attempt(row: &PgRow) -> Result<Attempt, StoreError> {
    let (standing, mut joined) = standing_from_row(row)?;
    joined.next(&FACTS);
    let written = written(joined.next(&WRITTEN))?;
    Ok((standing, written))
}

fn names(scopes: impl IntoIterator<Item = Scope>) -> Vec<&'static str> {
    scopes.into_iter().map(Scope::name).collect()
}

impl PostgresStore {
    /// Runs a step of an authorization by the statement that anticipates the domain, as the module
    /// says.
    async fn judged<V: Verdict + Send + 'static>(
        &self,
        id: AuthorizationId,
        statement: &str,
        params: Params<'_>,
        judge: impl Fn(&Standing) -> V + Clone + Send + Sync + 'static,
    ) -> Result<Option<(Standing, V)>, StoreError> {
        for _ in 0..TRIES {
            let rows = self.steps.write(statement, params).await?;
            let Some(row) = rows.first() else {
                return Ok(None);
            };
            let (standing, written) = attempt(row)?;
            let verdict = judge(&standing);
            match (verdict.next(), written) {
                (Some(next), Some(written)) if written == (next.phase, next.ends_at) => {}
                (_, Some(_)) => {
                    self.end(id).await?;
                    return Err(StoreError::Corrupt {
                        table: AUTHORIZATIONS.name,
                        key: id.to_string(),
                        reason: "what was written is not what the rules say".to_owned(),
                    });
                }
                (None, None) if verdict.is_fatal() => self.end(id).await?,
                (None, None) => {}
                // A retry: it is there already.
                (Some(next), None) if *next == standing.authorization => {}
                (Some(_), None) => continue,
            }
            return Ok(Some((standing, verdict)));
        }
        let settled = self.steps.transact(|transaction| -> Step<'_, _> {
            let judge = judge.clone();
            Box::pin(async move { under_lock(transaction, id, judge).await })
        });
        Ok(settled.await?)
    }

    /// Ends an authorization with every token that stems from it.
    pub(crate) async fn end(&self, id: AuthorizationId) -> Result<(), StoreError> {
        let statement = "DELETE FROM authorizations WHERE id = $1";
        self.steps.write(statement, &[&id.uuid()]).await.map(drop)
    }
}

/// Judges a step while nobody else can change the authorization, and writes what comes of it.
async fn under_lock<V: Verdict>(
    transaction: &Transaction<'_>,
    id: AuthorizationId,
    judge: impl Fn(&Standing) -> V,
) -> Tried<Option<(Standing, V)>> {
    let statement = "SELECT 1 FROM authorizations WHERE id = $1 FOR UPDATE";
    row(transaction, statement, &[&id.uuid()]).await?;
    let Some(found) = row(transaction, &STANDING, &[&id.uuid()]).await? else {
        return Ok(None);
    };
    let (standing, _) = standing_from_row(&found)?;
    let verdict = judge(&standing);
    match verdict.next() {
        Some(next) => update(transaction, next).await?,
        None if verdict.is_fatal() => {
            let statement = "DELETE FROM authorizations WHERE id = $1";
            execute(transaction, statement, &[&id.uuid()]).await?;
        }
        None => {}
    }
    Ok(Some((standing, verdict)))
}

#[async_trait]
impl Authorizations for PostgresStore {
    async fn standing(&self, id: AuthorizationId) -> Result<Option<Standing>, StoreError> {
        let rows = self.steps.read(&STANDING, &[&id.uuid()]).await?;
        let standing = rows.first().map(standing_from_row).transpose()?;
        Ok(standing.map(|(standing, _)| standing))
    }

    async fn redeem(
        &self,
        redemption: &Redemption,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Redeem)>, StoreError> {
        let id = redemption.authorization;
        // What is no verifier is no challenge's.
        let challenge = redemption
            .verifier
            .as_deref()
            .map(|verifier| Challenge::of(verifier).map_or_else(String::new, |it| it.to_string()));
        let chain = RefreshChain {
            generation: 1,
            issued_at: now,
            expires_at: now + lifetimes.refresh_token,
        };
        let params: Params<'_> = &[
            &id.uuid(),
            &redemption.client_id.uuid(),
            &redemption.redirect_uri,
            &challenge,
            &now,
            &word(&ClientKind::Confidential)?,
            &names([Scope::OfflineAccess]),
            &chain.expires_at,
            &lifetimes.end_of_tokens(now, Some(&chain)),
            &lifetimes.end_of_tokens(now, None),
            &lifetimes.latest_end_of_code(now),
        ];
        let (presented, lifetimes) = (redemption.clone(), *lifetimes);
        let judge = move |standing: &Standing| redeem(standing, &presented, &lifetimes, now);
        self.judged(id, &REDEEM, params, judge).await
    }

    async fn rotate(
        &self,
        rotation: &Rotation,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Rotate)>, StoreError> {
        let id = rotation.authorization;
        let needed = match &rotation.scope {
            RequestedScope::Everything => Some(names([Scope::OfflineAccess])),
            RequestedScope::Only(scopes) => {
                let scopes = scopes.iter().copied();
                Some(names(scopes.chain([Scope::OfflineAccess])))
            }
            // Nothing has it.
            RequestedScope::Impossible(_) => None,
        };
        let chain = RefreshChain {
            generation: rotation.generation,
            issued_at: now,
            expires_at: now + lifetimes.refresh_token,
        };
        let params: Params<'_> = &[
            &id.uuid(),
            &rotation.client_id.uuid(),
            &i64::from(rotation.generation),
            &needed,
            &now,
            &chain.expires_at,
            &lifetimes.end_of_tokens(now, Some(&chain)),
        ];
        let (presented, lifetimes) = (rotation.clone(), *lifetimes);
        let judge = move |standing: &Standing| rotate(standing, &presented, &lifetimes, now);
        self.judged(id, &ROTATE, params, judge).await
    }

    async fn end_authorization(&self, id: AuthorizationId) -> Result<(), StoreError> {
        self.end(id).await
    }

    async fn void_user_tokens(
        &self,
        id: AuthorizationId,
        through: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // Nothing is greater than NULL here.
        let statement = "
            UPDATE authorizations
            SET user_tokens_void_through = greatest(user_tokens_void_through, $2)
            WHERE id = $1";
        let voided = self.steps.write(statement, &[&id.uuid(), &through]).await;
        voided.map(drop)
    }
}

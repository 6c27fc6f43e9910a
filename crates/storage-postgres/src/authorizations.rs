//! Authorizations: one row each, for its whole life.
//!
//! An exchange and a refresh are one statement and one round trip each. The statement reads
//! everything that the domain judges by, and in the same breath writes what the domain expects to
//! say (`anticipated.rs`). Then the domain judges what was read:
//!
//! - it says what was written, or refuses and nothing was written: that is the answer;
//! - it says something that was not written, because a rival was quicker or the case is not the
//!   usual one: the step runs again, and at last under a lock;
//! - something was written that it does not say: that is a fault in this store. It is undone and
//!   told, nothing is handed out, and the grant lives.

use std::sync::LazyLock;

use alias_domain::{
    Authorization, AuthorizationId, ClientId, CodeBinding, Lifetimes, Phase, Redeem, Redemption,
    RefreshChain, RequestedScope, Rotate, Rotation, SessionId, Standing, UserId,
    ports::{Authorizations, Participation, StoreError},
    redeem, rotate,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::{
    PostgresStore, anticipated,
    clients::{self, CLIENTS},
    grants::{self, CONNECTIONS},
    notices,
    row::{Joined, Row, channels, scopes},
    steps::{Step, Tried, execute, row},
    table::{Column, Table, Values, cell, changing, column, unread},
    users::{self, USERS},
};

pub(crate) static AUTHORIZATIONS: Table<Authorization> = Table {
    name: "authorizations",
    alias: "a",
    key: &["id"],
    // An exchange or a refresh writes those that change: none of them is in an index.
    columns: &[
        column("id", Type::UUID, |it| cell(it.id.uuid())),
        column("client_id", Type::UUID, |it| cell(it.client_id.uuid())),
        column("user_id", Type::UUID, |it| cell(it.user_id.uuid())),
        column("approved_scopes", Type::TEXT_ARRAY, |it| {
            cell(scopes(&it.approved))
        }),
        column("approved_channels", Type::INT8_ARRAY, |it| {
            cell(channels(&it.approved))
        }),
        column("session_id", Type::UUID, |it| {
            cell(it.session_id.map(SessionId::uuid))
        }),
        column("auth_time", Type::TIMESTAMPTZ, |it| cell(it.auth_time)),
        column("redirect_uri", Type::TEXT, |it| {
            cell(it.binding.redirect_uri.clone())
        }),
        column("challenge", Type::TEXT, |it| {
            cell(it.binding.challenge.as_ref().map(ToString::to_string))
        }),
        column("nonce", Type::TEXT, |it| cell(it.binding.nonce.clone())),
        column("asked_claims", Type::TEXT, |it| {
            cell(it.binding.asked_claims.to_string())
        }),
        changing("code_expires_at", Type::TIMESTAMPTZ, |it| {
            cell(code_expires_at(it.phase))
        }),
        changing("refresh_generation", Type::INT8, |it| {
            cell(chain(it.phase).map(|it| i64::from(it.generation)))
        }),
        changing("refresh_issued_at", Type::TIMESTAMPTZ, |it| {
            cell(chain(it.phase).map(|it| it.issued_at))
        }),
        changing("refresh_expires_at", Type::TIMESTAMPTZ, |it| {
            cell(chain(it.phase).map(|it| it.expires_at))
        }),
        column("user_tokens_void_through", Type::TIMESTAMPTZ, |it| {
            cell(it.user_tokens_void_through)
        }),
        changing("ends_at", Type::TIMESTAMPTZ, |it| cell(it.ends_at)),
        // A sweep looks at it when it ends.
        unread("sweep_at", Type::TIMESTAMPTZ, |it| cell(it.ends_at)),
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

const fn code_expires_at(phase: Phase) -> Option<DateTime<Utc>> {
    match phase {
        Phase::Code { expires_at } => Some(expires_at),
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
pub(crate) async fn insert(transaction: &Transaction<'_>, new: &Authorization) -> Tried<()> {
    AUTHORIZATIONS.insert(transaction, new).await?;
    let Some(session_id) = new.session_id else {
        return Ok(());
    };
    let client_id = new.client_id;
    let it = Participation {
        session_id,
        client_id,
    };
    notices::took_part(transaction, &it).await
}

/// Writes what an exchange or a refresh changes.
async fn update(transaction: &Transaction<'_>, next: &Authorization) -> Tried<()> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| AUTHORIZATIONS.update(Column::changes));
    let values = AUTHORIZATIONS.update_values(next, Column::changes)?;
    execute(transaction, &STATEMENT, &values.refs())
        .await
        .map(drop)
}

/// Reads the authorization of an ID with everything that its worth depends on, and `facts` about it.
pub(crate) fn select_standing(facts: &str, id: &str) -> String {
    let (authorization, client) = (AUTHORIZATIONS.list(), CLIENTS.list());
    let (user, connection) = (USERS.list(), CONNECTIONS.list());
    format!(
        "SELECT {authorization}, {client}, {user}, {connection}{facts}
        FROM authorizations a
        JOIN clients k ON k.id = a.client_id
        JOIN users u ON u.id = a.user_id
        JOIN connections c ON c.user_id = a.user_id AND c.client_id = a.client_id
        WHERE a.id = {id}"
    )
}

pub(crate) static STANDING: LazyLock<String> = LazyLock::new(|| select_standing("", "$1"));

fn standing_from_row(joined: &mut Joined<'_>) -> Result<Standing, StoreError> {
    let authorization = from_row(joined.next(&AUTHORIZATIONS))?;
    let client = clients::from_row(joined.next(&CLIENTS))?;
    let user = users::from_row(joined.next(&USERS))?;
    let connection = grants::from_row(joined.next(&CONNECTIONS))?;
    Ok(Standing {
        authorization,
        client,
        user,
        alias_id: connection.alias_id,
        connection: connection.access,
    })
}

/// The row that a statement wrote, if it wrote one.
pub(crate) fn written(row: Row<'_>) -> Result<Option<Authorization>, StoreError> {
    match row.is_null("id")? {
        true => Ok(None),
        false => from_row(row).map(Some),
    }
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

/// The statement of an exchange, with its parameters.
pub(crate) fn redeeming(
    redemption: &Redemption,
    lifetimes: &Lifetimes,
    now: DateTime<Utc>,
) -> Result<(&'static str, Values), StoreError> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| {
        let any = Redemption {
            authorization: AuthorizationId::from_uuid(Uuid::nil()),
            client_id: ClientId::from_uuid(Uuid::nil()),
            redirect_uri: String::new(),
            verifier: None,
        };
        let expected = any.expected(&Lifetimes::default(), DateTime::UNIX_EPOCH);
        anticipated::update(&expected)
    });
    let expected = redemption.expected(lifetimes, now);
    let values = anticipated::update_values(redemption.authorization, &expected)?;
    Ok((&STATEMENT, values))
}

/// The statement of a refresh, with its parameters.
pub(crate) fn rotating(
    rotation: &Rotation,
    lifetimes: &Lifetimes,
    now: DateTime<Utc>,
) -> Result<(&'static str, Values), StoreError> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| {
        let any = Rotation {
            authorization: AuthorizationId::from_uuid(Uuid::nil()),
            client_id: ClientId::from_uuid(Uuid::nil()),
            generation: 1,
            scope: RequestedScope::Everything,
        };
        let expected = any.expected(&Lifetimes::default(), DateTime::UNIX_EPOCH);
        anticipated::update(&expected)
    });
    let expected = rotation.expected(lifetimes, now);
    let values = anticipated::update_values(rotation.authorization, &expected)?;
    Ok((&STATEMENT, values))
}

impl PostgresStore {
    /// Runs a step of an authorization by the statement that anticipates the domain, as the module
    /// says.
    async fn judged<V: Verdict + Send + 'static>(
        &self,
        id: AuthorizationId,
        (statement, values): (&str, Values),
        judge: impl Fn(&Standing) -> V + Clone + Send + Sync + 'static,
    ) -> Result<Option<(Standing, V)>, StoreError> {
        for _ in 0..TRIES {
            let rows = self.steps.write(statement, &values.refs()).await?;
            let Some(row) = rows.first() else {
                return Ok(None);
            };
            let mut joined = Joined::new(row);
            let written = written(joined.next(&AUTHORIZATIONS))?;
            let standing = standing_from_row(&mut joined)?;
            let verdict = judge(&standing);
            match (verdict.next(), written) {
                (Some(next), Some(written)) if written == *next => {}
                (_, Some(written)) => {
                    let undone = self.undo(&standing.authorization, &written).await;
                    return Err(disagreement(id, undone.unwrap_or_default()));
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

    /// Writes an authorization back as it was before, unless it was written again since.
    async fn undo(
        &self,
        before: &Authorization,
        written: &Authorization,
    ) -> Result<bool, StoreError> {
        let set = AUTHORIZATIONS.update(Column::is_read);
        let first = AUTHORIZATIONS.read().count() + 1;
        let same = AUTHORIZATIONS.read().zip(first..).map(|(it, number)| {
            let parameter = it.parameter(number);
            format!("{} IS NOT DISTINCT FROM {parameter}", it.name)
        });
        let same = same.collect::<Vec<_>>().join(" AND ");
        let values = AUTHORIZATIONS.update_values(before, Column::is_read)?;
        let there = AUTHORIZATIONS.read().map(|it| it.value(written));
        let values = values.and(there.collect::<Result<Vec<_>, _>>()?);
        let statement = format!("{set} AND {same} RETURNING id");
        let undone = self.steps.write(&statement, &values.refs()).await?;
        Ok(!undone.is_empty())
    }

    /// Ends an authorization with every token that stems from it.
    pub(crate) async fn end(&self, id: AuthorizationId) -> Result<(), StoreError> {
        let statement = "DELETE FROM authorizations WHERE id = $1";
        self.steps.write(statement, &[&id.uuid()]).await.map(drop)
    }
}

/// A statement wrote of an authorization what the domain does not say.
pub(crate) fn disagreement(id: AuthorizationId, undone: bool) -> StoreError {
    StoreError::Disagreement {
        table: AUTHORIZATIONS.name,
        key: id.to_string(),
        undone,
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
    let standing = standing_from_row(&mut Joined::new(&found))?;
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
        let standing = rows
            .first()
            .map(|it| standing_from_row(&mut Joined::new(it)));
        standing.transpose()
    }

    async fn redeem(
        &self,
        redemption: &Redemption,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Redeem)>, StoreError> {
        let id = redemption.authorization;
        let statement = redeeming(redemption, lifetimes, now)?;
        let (presented, lifetimes) = (redemption.clone(), *lifetimes);
        let judge = move |standing: &Standing| redeem(standing, &presented, &lifetimes, now);
        self.judged(id, statement, judge).await
    }

    async fn rotate(
        &self,
        rotation: &Rotation,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Rotate)>, StoreError> {
        let id = rotation.authorization;
        let statement = rotating(rotation, lifetimes, now)?;
        let (presented, lifetimes) = (rotation.clone(), *lifetimes);
        let judge = move |standing: &Standing| rotate(standing, &presented, &lifetimes, now);
        self.judged(id, statement, judge).await
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

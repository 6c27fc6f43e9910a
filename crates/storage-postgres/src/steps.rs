//! How a step of a port runs: one statement, or one transaction; and when it runs again.
//!
//! A step runs again only where that is safe: if the database says that it undid it (a deadlock, a
//! serialization failure), or if it only reads. A connection that is lost in the middle of a write
//! leaves open whether it was done: that is told, for the writer to decide.
//!
//! A step ends in time whatever the server does. A connection of which nothing good is to be
//! expected does not serve again.

use std::{pin::Pin, time::Duration};

use alias_domain::ports::StoreError;
use deadpool_postgres::Transaction;
use tokio::time::{Instant, error::Elapsed, timeout_at};
use tokio_postgres::{Row, error::SqlState, types::ToSql};

use crate::{
    database::{Database, innermost},
    pool::Lease,
    pools::Pools,
    schema::OpenError,
};

/// How long a request waits for a connection that others use, or for one to be opened.
pub(crate) const QUEUE: Duration = Duration::from_secs(5);

/// How long a step may take. A server that lives gives up before.
pub(crate) const LONGEST: Duration = Duration::from_secs(12);

/// How often a step runs that the database undoes.
const TRIES: u32 = 5;

/// How often a question is asked whose connection is lost.
const READS: u32 = 2;

pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// What a step comes to, as long as it is not known whether it runs again.
pub(crate) type Tried<T> = Result<T, Trouble>;

/// The future of a step within a transaction.
pub(crate) type Step<'a, T> = Pin<Box<dyn Future<Output = Tried<T>> + Send + 'a>>;

/// Why a step was not done.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Every connection is in use, and stays so.
    Busy,
    /// No connection could be opened in time.
    Silent,
    /// The server grants no connection, for which it may have given a reason.
    Refused(Option<tokio_postgres::Error>),
    /// The database or the way to it.
    Database(tokio_postgres::Error),
    /// The step was not done in time. It may be yet.
    Late,
    /// The server says that it was done, and not whether it will last.
    Unconfirmed,
    /// A row makes no sense.
    Store(StoreError),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Elapsed> for Trouble {
    fn from(_: Elapsed) -> Self {
        Self::Late
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Trouble {
    /// Whether the database says that it undid everything, and that a next try may succeed.
    fn is_undone(&self) -> bool {
        let retriable = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ];
        matches!(self, Self::Database(error) if error.code().is_some_and(|it| retriable.contains(it)))
    }

    /// Whether the connection went away: what it was asked to do may have been done.
    fn is_lost(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        let ended = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
        ];
        match error.code() {
            Some(code) => ended.contains(code),
            None => error.is_closed() || is_io(error),
        }
    }

    /// Whether others held for too long what the step was to lock.
    pub(crate) fn is_locked_out(&self) -> bool {
        matches!(self, Self::Database(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE))
    }

    /// Whether the connection is of no further use: an answer is outstanding, or it leads to a
    /// server that takes no writes (any more), where a new one may lead to another.
    fn spoils_connection(&self) -> bool {
        matches!(self, Self::Late) || self.is_read_only()
    }

    fn is_read_only(&self) -> bool {
        matches!(self, Self::Database(error) if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION))
    }

    /// Whether somebody else has what can be had once.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::Database(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION))
    }

    /// Whether something that the step refers to is not there (any more).
    pub(crate) fn is_dangling(&self) -> bool {
        matches!(self, Self::Database(error) if error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION))
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|it| it.is::<std::io::Error>())
}

/// The kind of an error alone: a message of the database might quote a value.
impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        let reason = match trouble {
            Trouble::Store(error) => return error,
            read_only if read_only.is_read_only() => {
                "the database cannot be written: it is a standby, or set to read-only".to_owned()
            }
            Trouble::Late => "the database does not answer in time".to_owned(),
            Trouble::Busy => "every connection to the database is in use".to_owned(),
            Trouble::Silent => "the database does not answer".to_owned(),
            Trouble::Refused(Some(error)) => {
                format!("the database grants no connection: {}", innermost(&error))
            }
            Trouble::Refused(None) => "the database grants no connection".to_owned(),
            Trouble::Unconfirmed => {
                "the database committed, and does not confirm that a standby has it".to_owned()
            }
            Trouble::Database(error) => match error.code() {
                Some(
                    &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                ) => "the database refuses the user or the password".to_owned(),
                Some(code) => format!(
                    "the database refused a statement (SQLSTATE {})",
                    code.code()
                ),
                None if error.is_closed() => "the connection to the database was lost".to_owned(),
                None if is_io(&error) => format!("the database is away: {}", innermost(&error)),
                None => "a statement was refused".to_owned(),
            },
        };
        Self::Unavailable(reason)
    }
}

/// Runs steps on the connections of a node.
pub(crate) struct Steps(Pools);

impl Steps {
    /// On at most `most` connections.
    pub(crate) fn new(database: &Database, most: usize) -> Result<Self, OpenError> {
        Pools::new(database, most).map(Self)
    }

    /// See [`Pools::divide`].
    pub(crate) fn divide(&mut self, others: usize) {
        self.0.divide(others);
    }

    /// A connection, for what is no step of a request.
    pub(crate) async fn client(&self) -> Tried<Lease> {
        self.0.get().await
    }

    async fn client_by(&self, end: Instant) -> Tried<Lease> {
        let mut client = timeout_at(end, self.client()).await??;
        client.begin();
        Ok(client)
    }

    /// Runs a statement that only reads.
    pub(crate) async fn read(
        &self,
        statement: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let (end, mut tries) = (Instant::now() + LONGEST, 0);
        loop {
            tries += 1;
            match self.once(statement, params, end).await {
                Err(trouble) if trouble.is_lost() && tries < READS => {}
                done => return Ok(done?),
            }
        }
    }

    /// Runs a statement that writes, as a transaction of its own.
    pub(crate) async fn write(
        &self,
        statement: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let (end, mut tries) = (Instant::now() + LONGEST, 0);
        loop {
            tries += 1;
            match self.once(statement, params, end).await {
                Err(trouble) if trouble.is_undone() && tries < TRIES => {}
                done => return Ok(done?),
            }
        }
    }

    async fn once(&self, statement: &str, params: Params<'_>, end: Instant) -> Tried<Vec<Row>> {
        let client = self.client_by(end).await?;
        let query = async {
            let statement = client.prepare_cached(statement).await?;
            Ok(client.query(&statement, params).await?)
        };
        let done = timeout_at(end, query).await;
        returned(client, done)
    }

    /// Runs several statements as one transaction, all of them or none. A step that fails leaves
    /// nothing.
    pub(crate) async fn transact<T>(
        &self,
        step: impl for<'a> Fn(&'a Transaction<'a>) -> Step<'a, T>,
    ) -> Tried<T> {
        self.transact_if(|_| true, step).await
    }

    /// The same, and what the step comes to says whether what it wrote is to stay.
    pub(crate) async fn transact_if<T>(
        &self,
        stays: impl Fn(&T) -> bool,
        step: impl for<'a> Fn(&'a Transaction<'a>) -> Step<'a, T>,
    ) -> Tried<T> {
        let (end, mut tries) = (Instant::now() + LONGEST, 0);
        loop {
            tries += 1;
            match self.attempt(end, &stays, &step).await {
                Err(trouble) if trouble.is_undone() && tries < TRIES => {}
                done => return done,
            }
        }
    }

    async fn attempt<T>(
        &self,
        end: Instant,
        stays: &impl Fn(&T) -> bool,
        step: &impl for<'a> Fn(&'a Transaction<'a>) -> Step<'a, T>,
    ) -> Tried<T> {
        let mut client = self.client_by(end).await?;
        let whole = async {
            let transaction = client.transaction().await?;
            let done = step(&transaction).await?;
            match stays(&done) {
                true => transaction.commit().await?,
                false => transaction.rollback().await?,
            }
            Ok(done)
        };
        let done = timeout_at(end, whole).await;
        returned(client, done)
    }
}

/// Gives a connection back, unless it must not serve again.
fn returned<T>(mut client: Lease, done: Result<Tried<T>, Elapsed>) -> Tried<T> {
    let done = done.unwrap_or_else(|late| Err(late.into()));
    let unconfirmed = client.is_unconfirmed();
    if done.as_ref().is_err_and(Trouble::spoils_connection) {
        client.end();
    } else {
        client.finish();
    }
    match done {
        Ok(_) if unconfirmed => Err(Trouble::Unconfirmed),
        done => done,
    }
}

/// Runs a statement within a transaction, and returns its rows.
pub(crate) async fn rows(
    transaction: &Transaction<'_>,
    statement: &str,
    params: Params<'_>,
) -> Tried<Vec<Row>> {
    let statement = transaction.prepare_cached(statement).await?;
    Ok(transaction.query(&statement, params).await?)
}

/// Runs a statement within a transaction, and returns its only row, if it has one.
pub(crate) async fn row(
    transaction: &Transaction<'_>,
    statement: &str,
    params: Params<'_>,
) -> Tried<Option<Row>> {
    Ok(rows(transaction, statement, params)
        .await?
        .into_iter()
        .next())
}

/// Runs a statement within a transaction; the number of rows that it changed is often the answer.
pub(crate) async fn execute(
    transaction: &Transaction<'_>,
    statement: &str,
    params: Params<'_>,
) -> Tried<u64> {
    let statement = transaction.prepare_cached(statement).await?;
    Ok(transaction.execute(&statement, params).await?)
}

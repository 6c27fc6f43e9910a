//! Bringing a database to the current schema, and refusing one of another.

use chrono::DateTime;
use refinery::{Migration, Runner};
use tokio::time::timeout;
use tokio_postgres::{Client, Row};

use crate::{
    database::{Database, innermost},
    own_session,
    steps::LONGEST,
};

/// One migration at a time, whatever node or command begins it.
const LOCK: &str = "SELECT pg_advisory_lock(hashtext('alias migration'))";

/// The oldest PostgreSQL that its makers still mend.
const OLDEST: i32 = 13;

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// Why a database is not opened or migrated.
///
/// ```
/// use alias_storage_postgres::OpenError;
/// let behind = OpenError::Behind { missing: vec!["V2__mail".to_owned()] };
/// assert!(behind.to_string().ends_with("run `aliasd migrate`"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Nobody answers there, or not yet. It may pass.
    #[error("the server at {server} cannot be reached: {reason}")]
    Away {
        /// Host and port.
        server: String,
        /// What the network or the server says.
        reason: String,
    },
    /// A wrong user or password.
    #[error("the server at {server} refuses user {user} or the password")]
    Login {
        /// Host and port.
        server: String,
        /// The user of the URL.
        user: String,
    },
    /// The server has no such database.
    #[error("the server at {server} has no database {name}: make it with `createdb {name}`")]
    NoDatabase {
        /// Host and port.
        server: String,
        /// The database of the URL.
        name: String,
    },
    /// The user may not do what is needed.
    #[error("user {user} lacks a right in database {name}: {reason}; it must own the database")]
    NoRight {
        /// The database of the URL.
        name: String,
        /// The user of the URL.
        user: String,
        /// What the server says.
        reason: String,
    },
    /// The server cannot prove its name, or does not encrypt.
    #[error(
        "no encrypted connection to {server}: {reason} (its certificate must name this host and be \
         one that this system trusts; sslmode=disable is for private networks)"
    )]
    Tls {
        /// Host and port.
        server: String,
        /// What OpenSSL says.
        reason: String,
    },
    /// What stands before the server is set up so that a connection to it is none to the server.
    #[error(
        "{server} is a pooler, and {reason}: in pgbouncer.ini set pool_mode = session and \
         ignore_startup_parameters = options, or name the server itself"
    )]
    Pooler {
        /// Host and port.
        server: String,
        /// What is wrong with how it is set up.
        reason: String,
    },
    /// The server is too old.
    #[error("the server is PostgreSQL {0}; {OLDEST} or newer is needed")]
    TooOld(i32),
    /// The database cannot hold every character.
    #[error(
        "the database has the encoding {0}; UTF8 is needed: make it with \
         `createdb --encoding UTF8 --template template0`"
    )]
    Encoding(String),
    /// The schema is older than this version.
    #[error("the database is behind this version (it lacks {}): run `aliasd migrate`", missing.join(", "))]
    Behind {
        /// The migrations that it lacks.
        missing: Vec<String>,
    },
    /// The schema is newer than this version, or another one.
    #[error("the database is ahead of this version (it has {}): run the version that migrated it", unknown.join(", "))]
    Ahead {
        /// The migrations that this version does not have.
        unknown: Vec<String>,
    },
    /// A migration failed, and left the schema as it was.
    #[error("the database could not be migrated: {0}")]
    Migration(String),
}

/// What a migration did.
///
/// ```
/// let current = alias_storage_postgres::Report { applied: vec![] };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The migrations that were applied, in order; none if the schema was current.
    pub applied: Vec<String>,
}

/// Brings a database to the current schema, in one transaction. The database itself must be there.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let database = "postgres://alias@localhost/alias".parse()?;
/// let report = alias_storage_postgres::migrate(&database).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the database cannot be reached, is ahead of this version, or cannot be written. The schema
/// is as before then.
pub async fn migrate(database: &Database) -> Result<Report, OpenError> {
    migrate_if(database, |missing| missing > 0).await
}

/// The same, if the database has no schema yet. One that has a schema, be it behind, is left alone.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let database = "postgres://alias@localhost/alias".parse()?;
/// let report = alias_storage_postgres::migrate_if_bare(&database).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_if_bare(database: &Database) -> Result<Report, OpenError> {
    let all = runner().get_migrations().len();
    migrate_if(database, |missing| missing == all).await
}

async fn migrate_if(
    database: &Database,
    wanted: impl Fn(usize) -> bool,
) -> Result<Report, OpenError> {
    let mut client = database.connect().await?;
    own_session::expect(database, &client).await?;
    // Its end is that of the connection.
    let locked = client.batch_execute(LOCK).await;
    locked.map_err(|error| database.refused(&error))?;
    let missing = missing_migrations(database, &mut client).await?;
    if !wanted(missing.len()) {
        return Ok(Report { applied: vec![] });
    }
    let done = runner().run_async(&mut **client).await.map_err(|error| {
        match said(&error).map(|it| database.refused(it)) {
            Some(right @ OpenError::NoRight { .. }) => right,
            _ => failed(&error),
        }
    })?;
    if client.is_unconfirmed() {
        return Err(OpenError::Migration(
            "the server committed, and does not confirm that a standby has it".to_owned(),
        ));
    }
    let applied = done.applied_migrations().iter();
    Ok(Report {
        applied: applied.map(ToString::to_string).collect(),
    })
}

/// Whether the database has the schema of this version.
pub(crate) async fn expect_current(database: &Database) -> Result<(), OpenError> {
    let missing = async {
        let mut client = database.connect_serving().await?;
        own_session::expect(database, &client).await?;
        missing_migrations(database, &mut client).await
    };
    let late = |_| OpenError::Away {
        server: database.server(),
        reason: "it does not answer in time".to_owned(),
    };
    let missing = timeout(LONGEST, missing).await.map_err(late)??;
    match missing.is_empty() {
        true => Ok(()),
        false => Err(OpenError::Behind { missing }),
    }
}

fn runner() -> Runner {
    embedded::migrations::runner().set_grouped(true)
}

/// The migrations that the database lacks.
async fn missing_migrations(
    database: &Database,
    client: &mut Client,
) -> Result<Vec<String>, OpenError> {
    let query = "SELECT current_setting('server_version_num')::integer / 10000,
            to_regclass('refinery_schema_history') IS NOT NULL, current_setting('server_encoding')";
    let row = client.query_one(query, &[]).await;
    let row = row.map_err(|error| database.refused(&error))?;
    let (version, migrated, encoding): (i32, bool, String) = (row.get(0), row.get(1), row.get(2));
    if version < OLDEST {
        return Err(OpenError::TooOld(version));
    }
    if encoding != "UTF8" {
        return Err(OpenError::Encoding(encoding));
    }
    if migrated {
        history_makes_sense(database, client).await?;
    }
    let runner = runner();
    let applied = match migrated {
        true => {
            let applied = runner.get_applied_migrations_async(client).await;
            applied.map_err(|error| match said(&error) {
                Some(error) => database.refused(error),
                None => failed(&error),
            })?
        }
        false => Vec::new(),
    };
    let without = |all: &[Migration], some: &[Migration]| -> Vec<String> {
        let rest = all.iter().filter(|it| !some.contains(it));
        let mut rest: Vec<_> = rest.collect();
        rest.sort_by_key(|it| it.version());
        rest.into_iter().map(ToString::to_string).collect()
    };
    let unknown = without(&applied, runner.get_migrations());
    if unknown.is_empty() {
        Ok(without(runner.get_migrations(), &applied))
    } else {
        Err(OpenError::Ahead { unknown })
    }
}

/// What reads the history presupposes that it made every row.
async fn history_makes_sense(database: &Database, client: &Client) -> Result<(), OpenError> {
    let query = "SELECT applied_on, checksum FROM refinery_schema_history";
    let rows = client.query(query, &[]).await;
    let rows = rows.map_err(|error| database.refused(&error))?;
    let text = |row: &Row, at: usize| row.try_get::<_, String>(at).unwrap_or_default();
    let sound = |row: &Row| {
        DateTime::parse_from_rfc3339(&text(row, 0)).is_ok() && text(row, 1).parse::<u64>().is_ok()
    };
    match rows.iter().all(sound) {
        true => Ok(()),
        false => Err(OpenError::Migration(
            "a row of refinery_schema_history makes no sense".to_owned(),
        )),
    }
}

fn failed(error: &refinery::Error) -> OpenError {
    OpenError::Migration(said(error).map_or_else(|| error.to_string(), innermost))
}

/// What the database or the way to it has against a migration.
fn said(error: &refinery::Error) -> Option<&tokio_postgres::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

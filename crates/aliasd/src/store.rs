//! The database that the configuration names. `migrate` and `dev` alone change its schema; to
//! every other command a database that is behind is an error.

use std::{fmt, num::NonZero, sync::Arc, thread};

use alias_domain::ports::Store;
use alias_storage_postgres::PostgresStore;
use alias_storage_sqlite::SqliteStore;
use serde::Serialize;

use crate::{
    config::{Config, DatabaseUrl},
    error::Error,
    global::Global,
};

/// What `aliasd migrate` did.
#[derive(Serialize)]
pub(crate) struct Migrated {
    database: String,
    /// In order; none if the schema was current.
    applied: Vec<String>,
}

/// `aliasd migrate`.
///
/// # Errors
/// If the database is ahead of this version, or cannot be written.
pub(crate) async fn migrate(global: &Global) -> Result<(), Error> {
    let config = Config::load(global.config_file())?;
    let migrated = bring_up(&config).await?;
    let done = format!("{} is current", migrated.database);
    global.format().report(&migrated, done)
}

/// Brings the database to the current schema; makes it if there is none.
///
/// # Errors
/// As [`migrate`].
pub(crate) async fn bring_up(config: &Config) -> Result<Migrated, Error> {
    let database = config.database.read()?;
    Ok(Migrated {
        database: database.to_string(),
        applied: match database {
            DatabaseUrl::Sqlite(path) => alias_storage_sqlite::migrate(&path)?.applied,
            DatabaseUrl::Postgres(database) => {
                alias_storage_postgres::migrate(&database).await?.applied
            }
        },
    })
}

/// The store that the configuration names.
///
/// # Errors
/// If there is no such database, or its schema is another than this version's.
pub(crate) async fn open(global: &Global) -> Result<Arc<dyn Store>, Error> {
    open_current(&Config::load(global.config_file())?).await
}

/// A store that is there, with the current schema.
///
/// # Errors
/// As [`open`].
pub(crate) async fn open_current(config: &Config) -> Result<Arc<dyn Store>, Error> {
    Ok(match config.database.read()? {
        DatabaseUrl::Sqlite(path) => Arc::new(SqliteStore::open(&path)?),
        DatabaseUrl::Postgres(database) => {
            let store = PostgresStore::open(&database, config.connections).await?;
            // As many as there are workers of the web server.
            let workers = thread::available_parallelism().map_or(1, NonZero::get);
            Arc::new(store.divided(workers))
        }
    })
}

impl fmt::Display for Migrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.applied.as_slice() {
            [] => write!(f, "{} is current", self.database),
            applied => write!(f, "{}: applied {}", self.database, applied.join(", ")),
        }
    }
}

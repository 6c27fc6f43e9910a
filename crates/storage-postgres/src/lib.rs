//! Alias on PostgreSQL: any number of nodes on one database.
//!
//! Every file here is named as the port that it keeps. A step of a port is one statement or one
//! transaction (`steps`), which reads rows (`row`), asks the domain what is to be, and writes that.
//! Where one round trip matters, a statement anticipates what the domain will say, and the domain
//! judges what it did: see `authorizations`. `database` says which database and how it is reached,
//! `schema` brings it up to date, and `import` takes in what another store keeps.
//!
//! Between nodes nothing is shared but the database. All that a node remembers of it is the
//! clients, for half a second: see `clients`.
//!
//! ```no_run
//! # use alias_domain::ports::Store;
//! # use alias_storage_postgres::{PostgresStore, migrate};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let database = "postgres://alias:secret@localhost/alias".parse()?;
//! migrate(&database).await?;
//! let store = PostgresStore::open(&database, 16).await?;
//! store.ping().await?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod anticipated;
mod authorizations;
mod clients;
mod connection;
mod database;
mod deleted;
mod grants;
mod import;
mod interactions;
mod keys;
mod notices;
mod own_session;
mod pool;
mod pools;
mod row;
mod schema;
mod sessions;
mod steps;
mod sweep;
mod table;
#[cfg(feature = "testing")]
pub mod testing;
mod users;

pub use connection::PasswordFileError;
pub use database::{Database, MalformedUrl};
pub use schema::{OpenError, Report, migrate, migrate_if_bare};

use clients::Recent;
use steps::Steps;

/// Everything that Alias keeps, in one PostgreSQL database.
///
/// Whatever was answered is committed, as durably as the server is set up for. Any number of nodes
/// may use the database at the same time. See the crate for an example.
pub struct PostgresStore {
    steps: Steps,
    clients: Recent,
}

impl PostgresStore {
    /// Opens a database that [`migrate`] has brought to the current schema, with at most
    /// `connections` connections at a time. They are driven by the runtime on which this is called.
    ///
    /// # Errors
    /// If the database cannot be reached, or its schema is behind this version or ahead of it.
    /// Nothing is changed then.
    ///
    /// ```no_run
    /// # use alias_storage_postgres::{OpenError, PostgresStore};
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let database = "postgres://alias@localhost/alias".parse()?;
    /// let store = PostgresStore::open(&database, 16).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open(database: &Database, connections: usize) -> Result<Self, OpenError> {
        schema::expect_current(database).await?;
        Ok(Self {
            steps: Steps::new(database, connections)?,
            clients: Recent::new(),
        })
    }

    /// The same store and number of connections, divided among this runtime and so many others that
    /// are to use it, those that first do: each drives its own, which is quicker than to be handed
    /// what another one received.
    ///
    /// ```no_run
    /// # use alias_storage_postgres::{OpenError, PostgresStore};
    /// # async fn example(store: PostgresStore) {
    /// let for_two_workers = store.divided(2);
    /// # }
    /// ```
    #[must_use]
    pub fn divided(mut self, others: usize) -> Self {
        self.steps.divide(others);
        self
    }
}

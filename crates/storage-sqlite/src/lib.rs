//! Alias on one SQLite file: the embedded store.
//!
//! Every file here is named as the port that it keeps. A step of a port is a closure over a
//! connection: `SqliteStore::write` hands it to the one thread that writes (`writer`),
//! `SqliteStore::read` to one of a few that read (`readers`), so that no async thread ever waits
//! for the disk. A step loads rows (`row`), asks the domain what is to be, and writes that: no rule
//! is in SQL. `schema` opens the file and brings it up to date, and `export` reads all of it, for
//! another store to take in.
//!
//! ```
//! # use alias_domain::ports::Store;
//! # use alias_storage_sqlite::{SqliteStore, migrate};
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("alias.db");
//! migrate(&path)?;
//! let store = SqliteStore::open(&path)?;
//! pollster::block_on(store.ping())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod authorizations;
mod clients;
mod deleted;
mod export;
mod grants;
mod interactions;
mod keys;
mod notices;
mod readers;
mod row;
mod schema;
mod sessions;
mod sweep;
mod table;
mod users;
mod workers;
mod writer;

use std::path::Path;

use alias_domain::ports::StoreError;
use rusqlite::Connection;

pub use export::Snapshot;
pub use schema::{OpenError, Report, migrate};

use readers::Readers;
use writer::Writer;

/// Everything that Alias keeps, in one SQLite file.
///
/// It needs no runtime. Whatever was answered is on the disk: it survives the end of the process
/// and of the power. Another process may write to the file at the same time. Dropping the store
/// first finishes what it was asked, and then ends its threads.
///
/// See the crate for an example.
pub struct SqliteStore {
    // Dropped first: the writer closes the file, and is the last to have it open.
    readers: Readers,
    writer: Writer,
}

impl SqliteStore {
    /// Opens a database that [`migrate`] has brought to the current schema.
    ///
    /// # Errors
    /// If there is no database, if its schema is behind this version or ahead of it, or if it
    /// cannot be read and written. Nothing is changed then.
    ///
    /// ```
    /// # use alias_storage_sqlite::{OpenError, SqliteStore};
    /// # let folder = tempfile::tempdir()?;
    /// let refused = SqliteStore::open(&folder.path().join("alias.db")).err();
    /// assert!(matches!(refused, Some(OpenError::Missing(_))));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let writer = Writer::start(schema::open_current(path)?)?;
        Ok(Self {
            readers: Readers::start(path)?,
            writer,
        })
    }

    /// Answers from one snapshot of the database.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.ask(question).await
    }

    /// Does one atomic step, and answers once it is durable. A step that fails leaves nothing.
    async fn write<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(step).await
    }
}

//! Opening the file, and bringing it to the current schema.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use alias_domain::ports::StoreError;
use refinery::{Migration, Runner};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use crate::row::unavailable;

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(4);

/// How long to wait for a command that is about to end.
const BRIEFLY_BUSY: Duration = Duration::from_secs(1);

/// How large the write-ahead log may stay once it is no longer needed, in bytes.
const IDLE_LOG: i64 = 16 << 20;

/// After how many pages, of 4 KiB and a header each, a commit moves the log into the file, for which
/// everybody waits who writes: once the log is as large as it may stay.
const CHECKPOINT: i64 = IDLE_LOG / (4096 + 24);

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite");
}

/// Why a database is not opened or migrated.
///
/// ```
/// use alias_storage_sqlite::OpenError;
/// let behind = OpenError::Behind { missing: vec!["V2__mail".to_owned()] };
/// assert!(behind.to_string().ends_with("run `aliasd migrate`"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file.
    #[error("there is no database at {}: run `aliasd migrate`", .0.display())]
    Missing(PathBuf),
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
    /// Another process has it open, and the file was to be had alone.
    #[error("{} is in use: stop the service that runs on it first", .0.display())]
    InUse(PathBuf),
    /// The file is where no write-ahead log can be: on a network drive, perhaps.
    #[error("the database cannot keep a write-ahead log where it is")]
    NoLog,
    /// A migration failed, and left the schema as it was.
    #[error("the database could not be migrated: {0}")]
    Migration(String),
    /// The file cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] rusqlite::Error),
    /// The file or its folder cannot be made, or a thread not be started.
    #[error("the database cannot be opened: {0}")]
    Io(#[from] std::io::Error),
}

/// What a migration did.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("alias.db");
/// assert!(!alias_storage_sqlite::migrate(&path)?.applied.is_empty());
/// assert!(alias_storage_sqlite::migrate(&path)?.applied.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The migrations that were applied, in order; none if the schema was current.
    pub applied: Vec<String>,
}

/// Brings a database to the current schema, in one transaction. Makes the file, for its owner
/// alone, and its folder where they are missing. See [`Report`] for an example.
///
/// # Errors
/// If the database is ahead of this version, or cannot be written. The schema is as before then.
pub fn migrate(path: &Path) -> Result<Report, OpenError> {
    create(path)?;
    let mut connection = connect(path)?;
    let missing = missing_migrations(&mut connection)?;
    if missing.is_empty() {
        return Ok(Report { applied: missing });
    }
    keep_log(&connection)?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    match runner().run(&mut connection) {
        Ok(done) => {
            let applied = done.applied_migrations().iter();
            Ok(Report {
                applied: applied.map(ToString::to_string).collect(),
            })
        }
        // Another process did it just now.
        Err(_) if missing_migrations(&mut connection)?.is_empty() => Ok(Report { applied: vec![] }),
        Err(error) => Err(OpenError::Migration(error.to_string())),
    }
}

/// Opens an existing database of the current schema.
pub(crate) fn open_current(path: &Path) -> Result<Connection, OpenError> {
    if !path.try_exists()? {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let mut connection = connect(path)?;
    let missing = missing_migrations(&mut connection)?;
    if !missing.is_empty() {
        return Err(OpenError::Behind { missing });
    }
    keep_log(&connection)?;
    Ok(connection)
}

/// Opens an existing database of the current schema for this connection alone, in a transaction that
/// sees one state of it and changes nothing.
///
/// Whoever uses a database holds a lock of SQLite's on its file, as long as it is open: so this
/// notices every other process, whatever it does and whichever version it is, and keeps new ones
/// out.
pub(crate) fn open_alone(path: &Path) -> Result<Connection, OpenError> {
    if !path.try_exists()? {
        return Err(OpenError::Missing(path.to_owned()));
    }
    alone(path).map_err(|error| match error {
        OpenError::Database(error) if is_busy(&error) => OpenError::InUse(path.to_owned()),
        other => other,
    })
}

fn alone(path: &Path) -> Result<Connection, OpenError> {
    let mut connection = open(path)?;
    connection.busy_timeout(BRIEFLY_BUSY)?;
    // Before anything is read: then there is no index that others would share.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    // A log that somebody left is read, and left as it was found.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    let missing = missing_migrations(&mut connection)?;
    if !missing.is_empty() {
        return Err(OpenError::Behind { missing });
    }
    connection.execute_batch("BEGIN EXCLUSIVE; PRAGMA query_only = TRUE")?;
    Ok(connection)
}

fn open(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}

/// Opens an existing file, as every connection to it must be.
pub(crate) fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_size_limit", IDLE_LOG)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Gives up a transaction that is still open because whoever began it panicked, or could not end it.
/// Nothing could begin on the connection otherwise.
pub(crate) fn leave_transaction(connection: &Connection) -> Result<(), StoreError> {
    if connection.is_autocommit() {
        return Ok(());
    }
    connection.execute_batch("ROLLBACK").map_err(unavailable)
}

/// Switches to the write-ahead log, with which nobody who reads waits for who writes. Of two who
/// switch at once SQLite sends one away without waiting: that one tries again.
fn keep_log(connection: &Connection) -> Result<(), OpenError> {
    let switch = || -> Result<String, rusqlite::Error> {
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
    };
    let last_try = Instant::now() + BUSY;
    let mode = loop {
        match switch() {
            Err(error) if is_busy(&error) && Instant::now() < last_try => {
                thread::sleep(Duration::from_millis(10));
            }
            done => break done?,
        }
    };
    if mode == "wal" {
        Ok(())
    } else {
        Err(OpenError::NoLog)
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

/// An empty file that nobody but its owner can read; SQLite gives its log the same rights.
fn create(path: &Path) -> Result<(), std::io::Error> {
    let (mut file, mut folder) = (fs::OpenOptions::new(), fs::DirBuilder::new());
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        file.mode(0o600);
        folder.mode(0o700);
    }
    if let Some(parent) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        folder.recursive(true).create(parent)?;
    }
    match file.write(true).create_new(true).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn runner() -> Runner {
    embedded::migrations::runner().set_grouped(true)
}

/// The migrations that the database lacks.
fn missing_migrations(connection: &mut Connection) -> Result<Vec<String>, OpenError> {
    let runner = runner();
    let applied = if connection.table_exists(None, "refinery_schema_history")? {
        let applied = runner.get_applied_migrations(connection);
        applied.map_err(|error| OpenError::Migration(error.to_string()))?
    } else {
        Vec::new()
    };
    let without = |all: &[Migration], some: &[Migration]| -> Vec<String> {
        let rest = all.iter().filter(|it| !some.contains(it));
        rest.map(ToString::to_string).collect()
    };
    let unknown = without(&applied, runner.get_migrations());
    if unknown.is_empty() {
        Ok(without(runner.get_migrations(), &applied))
    } else {
        Err(OpenError::Ahead { unknown })
    }
}

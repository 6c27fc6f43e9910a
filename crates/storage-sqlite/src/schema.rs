//! Opening the file, and bringing it to the current schema.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use alias_domain::ports::StoreError;
use refinery::{Migration, Runner};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, config::DbConfig};

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
    /// The file was copied without its write-ahead log, or that was removed: what was written last
    /// stands in the log alone.
    #[error(
        "{} is missing, which belongs to the database: it was copied while it was in use. Copy both \
         while the service is stopped, or make a copy with VACUUM INTO. If it is no copy, the log was \
         removed by another program that read the database after the service was killed: start and \
         stop the service once, which closes it", .0.display()
    )]
    LogMissing(PathBuf),
    /// The file is there, and cannot be read and written.
    #[error("the database {} cannot be read and written: {reason}", path.display())]
    Unreachable {
        /// The file, or the folder that it is to be in.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file is there, and is something else.
    #[error("{} is no SQLite database", .0.display())]
    NotADatabase(PathBuf),
    /// A part of the file is missing, or not as SQLite wrote it.
    #[error(
        "{} is damaged: restore it from a backup, together with its write-ahead log if the backup has \
         one ({reason})", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// A migration failed, and left the schema as it was.
    #[error("the database could not be migrated: {0}")]
    Migration(String),
    /// The file cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] rusqlite::Error),
    /// A thread cannot be started.
    #[error("the database cannot be opened: {0}")]
    Io(#[from] std::io::Error),
}

impl OpenError {
    /// Says of a file what SQLite does not: which it is, and what the system has against it.
    fn of(path: &Path, error: Self) -> Self {
        let Self::Database(error) = error else {
            return error;
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => return Self::NotADatabase(path.to_owned()),
            Some(ErrorCode::DatabaseCorrupt) => {
                return Self::Damaged {
                    path: path.to_owned(),
                    reason: error.to_string(),
                };
            }
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {}
            _ => return error.into(),
        }
        let refused = |path: &Path, reason: String| Self::Unreachable {
            path: path.to_owned(),
            reason,
        };
        match fs::OpenOptions::new().read(true).write(true).open(path) {
            Err(error) => refused(path, error.to_string()),
            // The file itself is no obstacle, so it is what SQLite keeps beside it.
            Ok(_) => {
                let folder = folder(path);
                let reason = format!(
                    "the files beside it, whose names end in -wal and -shm, cannot be written: look \
                     at the rights of the folder {} and of these files",
                    folder.display()
                );
                refused(path, reason)
            }
        }
    }
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
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
    expect_there(path)?;
    let migrated = || {
        let mut connection = connect(path)?;
        let report = brought_up(&mut connection)?;
        release(&connection);
        Ok(report)
    };
    migrated().map_err(|error| OpenError::of(path, error))
}

fn brought_up(connection: &mut Connection) -> Result<Report, OpenError> {
    let missing = missing_migrations(connection)?;
    if missing.is_empty() {
        return Ok(Report { applied: missing });
    }
    // A database that holds nothing yet takes this on: then it can give space back. Its pages are
    // moved only when a sweep asks for it.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    keep_log(connection)?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    match runner().run(connection) {
        Ok(done) => {
            let applied = done.applied_migrations().iter();
            Ok(Report {
                applied: applied.map(ToString::to_string).collect(),
            })
        }
        // Another process did it just now.
        Err(_) if missing_migrations(connection)?.is_empty() => Ok(Report { applied: vec![] }),
        Err(error) => Err(unmigrated(&error)),
    }
}

/// What SQLite has against a migration is told as such where the file is at fault.
fn unmigrated(error: &refinery::Error) -> OpenError {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(rusqlite::Error::SqliteFailure(failure, text)) = cause.downcast_ref()
            && failure.code == ErrorCode::DatabaseCorrupt
        {
            return rusqlite::Error::SqliteFailure(*failure, text.clone()).into();
        }
        source = cause.source();
    }
    OpenError::Migration(error.to_string())
}

/// Opens an existing database of the current schema.
pub(crate) fn open_current(path: &Path) -> Result<Connection, OpenError> {
    expect_there(path)?;
    if is_log_missing(path) {
        let log = log_of(path);
        let log = log.display();
        tracing::warn!(%log, "the database was not closed and its log is gone: if no other program has read it since and so taken its log in, what was written last is lost");
    }
    let opened = || {
        let mut connection = connect(path)?;
        let missing = missing_migrations(&mut connection)?;
        if !missing.is_empty() {
            return Err(OpenError::Behind { missing });
        }
        keep_log(&connection)?;
        Ok(connection)
    };
    opened().map_err(|error| OpenError::of(path, error))
}

fn expect_there(path: &Path) -> Result<(), OpenError> {
    let unreachable = |reason: String| OpenError::Unreachable {
        path: path.to_owned(),
        reason,
    };
    match fs::metadata(path) {
        // To open a pipe is to wait for whoever writes to it.
        Ok(it) if !it.is_file() => Err(unreachable("it is no regular file".to_owned())),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(OpenError::Missing(path.to_owned()))
        }
        Err(error) => Err(unreachable(error.to_string())),
    }
}

/// Opens an existing database of the current schema for this connection alone, in a transaction that
/// sees one state of it and changes nothing.
///
/// A service keeps a write-ahead log, and with it a lock on the file, for as long as it runs: so this
/// notices it, whatever it does and whichever version it is, and keeps others out.
pub(crate) fn open_alone(path: &Path) -> Result<Connection, OpenError> {
    expect_there(path)?;
    if is_log_missing(path) {
        return Err(OpenError::LogMissing(log_of(path)));
    }
    alone(path).map_err(|error| match error {
        OpenError::Database(error) if is_busy(&error) => OpenError::InUse(path.to_owned()),
        other => OpenError::of(path, other),
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
    // What is sorted for a sweep is small, and a temporary folder is not always there to be written.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
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

/// Leaves the write-ahead log, if nobody else has the database open: SQLite refuses otherwise. So a
/// file that says that it has a log and has none was not closed, but copied or cut off.
pub(crate) fn release(connection: &Connection) {
    let left = || -> Result<(), rusqlite::Error> {
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
    };
    // It is refused while others use the database, and they will do it.
    drop(left());
}

/// Whether the file says that it has a write-ahead log (SQLite's file format 1.3.3), and has none.
fn is_log_missing(path: &Path) -> bool {
    const WRITE_VERSION: u64 = 18;
    let mut version = [0];
    let read =
        fs::File::open(path).and_then(|file| file.read_exact_at(&mut version, WRITE_VERSION));
    read.is_ok() && version == [2] && !log_of(path).exists()
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// An empty file that nobody but its owner can read; SQLite gives its log the same rights.
fn create(path: &Path) -> Result<(), OpenError> {
    let refused = |path: &Path, error: std::io::Error| OpenError::Unreachable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let (mut file, mut folder) = (fs::OpenOptions::new(), fs::DirBuilder::new());
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        file.mode(0o600);
        folder.mode(0o700);
    }
    if let Some(parent) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        let made = folder.recursive(true).create(parent);
        made.map_err(|error| refused(parent, error))?;
    }
    match file.write(true).create_new(true).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(refused(path, error)),
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
        applied.map_err(|error| unmigrated(&error))?
    } else {
        Vec::new()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_connection_needs_a_temporary_folder() -> Result<(), Box<dyn std::error::Error>> {
        const MEMORY: i64 = 2;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("alias.db");
        migrate(&path)?;
        let place: i64 =
            connect(&path)?.pragma_query_value(None, "temp_store", |row| row.get(0))?;
        assert_eq!(place, MEMORY);
        Ok(())
    }
}

//! Everything that the file keeps, for another store to take in. A thread of its own reads it from
//! one snapshot, and is never more than a few pages ahead.

use std::{
    path::Path,
    thread::{self, JoinHandle},
};

use alias_domain::ports::{Export, Page, StoreError};
use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::{
    OpenError,
    authorizations::{self, AUTHORIZATIONS},
    clients::{self, CLIENTS, SECRETS},
    grants::{self, CONNECTIONS},
    interactions::{self, INTERACTIONS},
    keys::{self, KEYS},
    notices::{self, NOTICES, SESSION_CLIENTS},
    row::Row,
    schema,
    sessions::{self, SESSIONS},
    table::Table,
    users::{self, USERS},
};

/// Rows of a page.
const LARGEST_PAGE: usize = 1000;

/// Pages that wait to be taken.
const AHEAD: usize = 2;

/// No row refers to one that is not there: SQLite itself forbids them, unless it is told not to look.
fn no_strays(connection: &Connection) -> Result<(), StoreError> {
    const NO_CLIENT: &str = "client_id NOT IN (SELECT id FROM clients)";
    const NO_USER: &str = "user_id NOT IN (SELECT id FROM users)";
    const NO_SESSION: &str = "session_id NOT IN (SELECT id FROM sessions)";
    const NOT_MET: &str = "NOT EXISTS (
        SELECT 1 FROM connections c
        WHERE c.user_id = authorizations.user_id AND c.client_id = authorizations.client_id
    )";
    let neither = format!("{NO_USER} OR {NO_CLIENT}");
    let no_part = format!("{NO_SESSION} OR {NO_CLIENT}");
    no_stray(connection, &SECRETS, "client_id", NO_CLIENT)?;
    no_stray(connection, &SESSIONS, "user_id", NO_USER)?;
    no_stray(connection, &INTERACTIONS, "client_id", NO_CLIENT)?;
    no_stray(connection, &CONNECTIONS, "user_id, client_id", &neither)?;
    no_stray(connection, &AUTHORIZATIONS, "user_id, client_id", NOT_MET)?;
    let both = "session_id, client_id";
    no_stray(connection, &SESSION_CLIENTS, both, &no_part)?;
    no_stray(connection, &NOTICES, "client_id", NO_CLIENT)
}

/// No row of a table refers to nothing by these columns, which the condition would tell.
fn no_stray<T>(
    connection: &Connection,
    table: &'static Table<T>,
    columns: &'static str,
    condition: &str,
) -> Result<(), StoreError> {
    let strays = format!("WHERE {condition}");
    table.each(connection, &strays, |row| Err(row.corrupt(columns)))
}

/// A database that nobody else has open, as it is: until this is dropped, nobody else can open it.
/// The file is not changed.
///
/// ```
/// # use alias_domain::ports::Export;
/// # use alias_storage_sqlite::{Snapshot, migrate};
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("alias.db");
/// migrate(&path)?;
/// let mut snapshot = Snapshot::open(&path)?;
/// assert_eq!(pollster::block_on(snapshot.next_page())?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Snapshot {
    pages: mpsc::Receiver<Result<Page, StoreError>>,
    reader: Option<JoinHandle<()>>,
}

impl Snapshot {
    /// Opens a database of the current schema.
    ///
    /// # Errors
    /// If there is none, if its schema is another version's, or if another process has it open.
    ///
    /// ```
    /// # use alias_storage_sqlite::{OpenError, Snapshot, SqliteStore, migrate};
    /// # let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("alias.db");
    /// migrate(&path)?;
    /// let store = SqliteStore::open(&path)?;
    /// assert!(matches!(Snapshot::open(&path).err(), Some(OpenError::InUse(_))));
    /// drop(store);
    /// assert!(Snapshot::open(&path).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = schema::open_alone(path)?;
        let (sender, pages) = mpsc::channel(AHEAD);
        let read = move || {
            if let Err(error) = everything(&connection, &sender) {
                // Who asked may have gone away meanwhile.
                drop(sender.blocking_send(Err(error)));
            }
        };
        let reader = thread::Builder::new().name("sqlite-export".to_owned());
        Ok(Self {
            pages,
            reader: Some(reader.spawn(read)?),
        })
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.pages.close();
        if let Some(reader) = self.reader.take() {
            // It lets go of the file as it ends; if it panicked, it has.
            drop(reader.join());
        }
    }
}

#[async_trait]
impl Export for Snapshot {
    async fn next_page(&mut self) -> Result<Option<Page>, StoreError> {
        self.pages.recv().await.transpose()
    }
}

type Pages = mpsc::Sender<Result<Page, StoreError>>;

/// Reads all tables, in the order of [`Kind::ALL`](alias_domain::ports::Kind::ALL).
fn everything(connection: &Connection, pages: &Pages) -> Result<(), StoreError> {
    no_strays(connection)?;
    let with_secrets = |row: &Row<'_>| {
        let client = clients::from_row(row)?;
        let secrets = clients::secrets(connection, client.id)?;
        Ok((client, secrets))
    };
    let from = Reading { connection, pages };
    from.all(&KEYS, "TRUE", Page::Keys, keys::from_row)?;
    from.all(&CLIENTS, "NOT deleted", Page::Clients, with_secrets)?;
    from.all(&USERS, "NOT deleted", Page::Users, users::with_hash)?;
    from.all(&SESSIONS, OF_USER, Page::Sessions, sessions::from_row)?;
    let understood = format!("{OF_CLIENT} AND {}", interactions::UNDERSTOOD);
    let read = interactions::from_row;
    from.all(&INTERACTIONS, &understood, Page::Interactions, read)?;
    let of_both = format!("{OF_USER} AND {OF_CLIENT}");
    from.all(&CONNECTIONS, &of_both, Page::Connections, grants::from_row)?;
    let read = authorizations::from_row;
    from.all(&AUTHORIZATIONS, &of_both, Page::Authorizations, read)?;
    let of_session =
        format!("{OF_CLIENT} AND session_id IN (SELECT id FROM sessions WHERE {OF_USER})");
    let read = notices::participation;
    from.all(&SESSION_CLIENTS, &of_session, Page::Participations, read)?;
    // Those who were to be told of the end of a user whose sessions are still to go.
    let owed = format!(
        "{OF_CLIENT} UNION ALL {} AND s.user_id IN (SELECT id FROM users WHERE deleted)",
        notices::OF_SESSIONS
    );
    from.all(&NOTICES, &owed, Page::Notices, notices::from_row)
}

/// What refers to a client or user that was deleted counts for nothing, and is left behind.
const OF_CLIENT: &str = "client_id NOT IN (SELECT id FROM clients WHERE deleted)";
const OF_USER: &str = "user_id NOT IN (SELECT id FROM users WHERE deleted)";

struct Reading<'a> {
    connection: &'a Connection,
    pages: &'a Pages,
}

impl Reading<'_> {
    /// Reads the rows of a table that meet a condition, page after page.
    fn all<R, T>(
        &self,
        table: &'static Table<R>,
        condition: &str,
        page: fn(Vec<T>) -> Page,
        from_row: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<(), StoreError> {
        let those = format!("WHERE {condition}");
        let mut rows = Vec::new();
        let hand_over = |rows: &mut Vec<T>| {
            let page = page(std::mem::take(rows));
            let unwanted = |_| StoreError::Unavailable("nobody wants more".to_owned());
            self.pages.blocking_send(Ok(page)).map_err(unwanted)
        };
        table.each(self.connection, &those, |row| {
            rows.push(from_row(row)?);
            match rows.len() {
                LARGEST_PAGE => hand_over(&mut rows),
                _ => Ok(()),
            }
        })?;
        match rows.is_empty() {
            true => Ok(()),
            false => hand_over(&mut rows),
        }
    }
}

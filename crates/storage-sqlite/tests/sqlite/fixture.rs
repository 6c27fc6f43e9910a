//! A store on a file of its own, and Fred's story up to a point.

use std::{ops::Deref, path::Path, path::PathBuf};

use alias_domain::{
    Digest,
    ports::{Clients, Grants, Interactions, PasswordHash, Recorded, SessionStart, Sessions, Users},
    testing::sample::{self, NOON},
};
use alias_storage_sqlite::{SqliteStore, migrate};
use pollster::FutureExt as _;
use rusqlite::Connection;
use tempfile::TempDir;

/// An open store. Its file goes when this does.
pub(crate) struct Fixture {
    store: SqliteStore,
    folder: TempDir,
}

/// A fresh store on a fresh file.
pub(crate) fn fresh() -> Fixture {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = database(folder.path());
    migrate(&path).expect("a database can be made here");
    Fixture {
        store: SqliteStore::open(&path).expect("the schema is current"),
        folder,
    }
}

/// The file of a database in a folder.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("alias.db")
}

/// Fred allowed everything, and a code waits for its exchange.
pub(crate) fn approved() -> Fixture {
    let fixture = fresh();
    let start = SessionStart {
        id: sample::session().id,
        user: sample::user().id,
        token: Digest::of(b"a session token"),
        password: None,
        presented: Vec::new(),
        auth_time: NOON,
        expires_at: sample::session().expires_at,
    };
    let story = async {
        let password = PasswordHash::new("$argon2id$of-no-password");
        fixture.insert_client(&sample::client(), &[]).await?;
        fixture
            .insert_user(&sample::user(), &password)
            .await?
            .expect("a free address");
        fixture.start_session(&start).await?;
        fixture.open_interaction(&sample::interaction()).await?;
        fixture.record_decision(&sample::decision(), NOON).await
    };
    assert_eq!(story.block_on(), Ok(Recorded::Issued));
    fixture
}

impl Fixture {
    /// The folder of the file.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Closes the store, and leaves its file.
    pub(crate) fn close(self) -> TempDir {
        let Self { store, folder } = self;
        drop(store);
        folder
    }

    /// The database without the store, as another process would use it.
    pub(crate) fn raw(&self) -> Connection {
        Connection::open(database(self.folder())).expect("a database")
    }
}

impl Deref for Fixture {
    type Target = SqliteStore;

    fn deref(&self) -> &SqliteStore {
        &self.store
    }
}

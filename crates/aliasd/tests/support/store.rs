//! The store that the tests run on: `ALIAS_TEST_STORE` names it, and the test command runs them on
//! each.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use alias_domain::ports::Store;
use alias_storage_postgres::{PostgresStore, testing::TestDatabase};
use alias_storage_sqlite::SqliteStore;

/// Where a program under test keeps what it knows.
pub(crate) enum TestStore {
    /// The embedded default, below its folder.
    Sqlite,
    /// A database of its own.
    Postgres(TestDatabase),
}

impl TestStore {
    /// An empty one, as the environment chooses.
    pub(crate) fn chosen() -> Self {
        match std::env::var("ALIAS_TEST_STORE").as_deref() {
            Ok("postgres") => Self::Postgres(TestDatabase::empty()),
            Ok("sqlite") | Err(_) => Self::Sqlite,
            Ok(other) => panic!("ALIAS_TEST_STORE is sqlite or postgres, not {other}"),
        }
    }

    /// The `database.url` of a program that runs in its own folder.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite => "sqlite:.alias/alias.db".to_owned(),
            Self::Postgres(database) => database.url(),
        }
    }

    /// What a program keeps that runs in this folder, beside it.
    pub(crate) async fn open(&self, folder: &Path) -> Arc<dyn Store> {
        match self {
            Self::Sqlite => {
                let store = SqliteStore::open(&folder.join(".alias/alias.db"));
                Arc::new(store.expect("the database"))
            }
            Self::Postgres(database) => {
                let url = database.url().parse().expect("a database URL");
                Arc::new(PostgresStore::open(&url, 2).await.expect("the database"))
            }
        }
    }

    /// Everything that it holds of a program that runs in this folder.
    pub(crate) fn bytes(&self, folder: &Path) -> Vec<u8> {
        match self {
            Self::Sqlite => {
                let files = std::fs::read_dir(folder.join(".alias")).expect("its folder");
                let files = files.map(|file| file.expect("a file").path());
                let is_database = |path: &PathBuf| {
                    path.extension()
                        .is_some_and(|it| it.to_string_lossy().starts_with("db"))
                };
                let read = |path| std::fs::read(path).expect("a file");
                files.filter(is_database).flat_map(read).collect()
            }
            Self::Postgres(database) => database.dump().into_bytes(),
        }
    }
}

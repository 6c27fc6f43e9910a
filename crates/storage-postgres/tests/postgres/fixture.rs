//! A store on a database of its own, and Fred's story up to a point.

use std::{ops::Deref, pin::Pin, sync::LazyLock};

use alias_domain::{
    Digest,
    ports::{Clients, Grants, Interactions, PasswordHash, Recorded, SessionStart, Sessions, Users},
    testing::sample::{self, NOON},
};
use alias_storage_postgres::{
    Database, OpenError, PostgresStore,
    testing::{Proxy, TestDatabase},
};
use tokio::runtime::Runtime;

/// The runtime of every test here: many threads wait on it at once.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Runs a future to its end.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// Runs a case of the contract to its end.
pub(crate) fn run(case: Pin<Box<dyn Future<Output = ()> + '_>>) {
    wait(case);
}

/// An open store. Its database goes when this does.
pub(crate) struct Fixture {
    store: PostgresStore,
    pub(crate) database: TestDatabase,
}

/// A store that reaches its database by a way of its own.
pub(crate) async fn by(proxy: &Proxy, connections: usize) -> Result<PostgresStore, OpenError> {
    let database: Database = proxy.url().parse().expect("a database URL");
    PostgresStore::open(&database, connections).await
}

/// A fresh store on a fresh database.
pub(crate) fn fresh() -> Fixture {
    on(TestDatabase::migrated())
}

/// The same, on a database with a setting of its own.
pub(crate) fn fresh_with(setting: &str) -> Fixture {
    let database = TestDatabase::migrated();
    let url = database.url();
    let (_, name) = url.rsplit_once('/').expect("a database URL");
    database.execute(&format!("ALTER DATABASE {name} SET {setting}"));
    on(database)
}

fn on(database: TestDatabase) -> Fixture {
    let store = wait(PostgresStore::open(&parsed(&database), 8));
    Fixture {
        store: store.expect("the schema is current"),
        database,
    }
}

pub(crate) fn parsed(database: &TestDatabase) -> Database {
    database.url().parse().expect("a database URL")
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
    assert_eq!(wait(story), Ok(Recorded::Issued));
    fixture
}

impl Deref for Fixture {
    type Target = PostgresStore;

    fn deref(&self) -> &PostgresStore {
        &self.store
    }
}

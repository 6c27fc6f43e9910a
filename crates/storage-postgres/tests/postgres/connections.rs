//! A server that grants fewer connections than are wanted, or wants another password than before.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use alias_domain::{
    ports::{Authorizations, Clients, Store, StoreError},
    testing::sample,
};
use alias_storage_postgres::{
    Database, OpenError, PostgresStore,
    testing::{TestDatabase, TestRole},
};
use tokio::{runtime, task::JoinSet};

use crate::fixture::wait;

/// However slow the machine is, nothing takes as long.
const HANGS: Duration = Duration::from_secs(60);

fn database(role: &TestRole<'_>) -> Database {
    role.url().parse().expect("a database URL")
}

fn opened(role: &TestRole<'_>, connections: usize) -> PostgresStore {
    let opened = wait(PostgresStore::open(&database(role), connections));
    opened.expect("the schema is current")
}

/// So many questions at once, and whether each is answered.
async fn asks(store: Arc<PostgresStore>, at_once: usize) -> Result<(), StoreError> {
    let mut asked = JoinSet::new();
    for _ in 0..at_once {
        let store = Arc::clone(&store);
        let id = sample::new_authorization().id;
        asked.spawn(async move { store.standing(id).await });
    }
    let answers = asked.join_all().await;
    answers.into_iter().try_for_each(|it| it.map(drop))
}

#[test]
fn where_fewer_connections_are_granted_requests_wait_for_those_that_there_are() {
    let database = TestDatabase::migrated();
    let role = TestRole::of(&database, "CONNECTION LIMIT 7");
    let store = Arc::new(opened(&role, 16));
    for _ in 0..5 {
        assert_eq!(wait(asks(Arc::clone(&store), 64)), Ok(()));
        assert!((1..=7).contains(&role.connections()));
    }
}

#[test]
fn a_runtime_that_is_granted_no_connection_borrows_one() {
    let database = TestDatabase::migrated();
    let role = TestRole::of(&database, "CONNECTION LIMIT 2");
    let store = Arc::new(opened(&role, 16).divided(3));
    // Whoever comes last finds none left.
    let answers: Vec<_> = (0..3)
        .map(|_| {
            let store = Arc::clone(&store);
            let work = move || {
                // As a worker's, it goes on to drive what it opened.
                let mut alone = runtime::Builder::new_multi_thread();
                let alone = alone.worker_threads(1).enable_all().build();
                let alone = alone.expect("a runtime");
                (alone.block_on(asks(store, 32)), alone)
            };
            thread::spawn(work)
        })
        .collect();
    let answers: Vec<_> = answers
        .into_iter()
        .map(|it| it.join().expect("it does not panic"))
        .collect();
    for (answered, _) in &answers {
        assert_eq!(*answered, Ok(()));
    }
}

#[test]
fn once_more_connections_are_granted_they_are_used() {
    let database = TestDatabase::migrated();
    let role = TestRole::of(&database, "CONNECTION LIMIT 3");
    let store = Arc::new(opened(&role, 16));
    assert_eq!(wait(asks(Arc::clone(&store), 64)), Ok(()));
    assert!(role.connections() <= 3);
    role.alter(&format!("ALTER ROLE {} CONNECTION LIMIT 50", role.name()));
    let began = Instant::now();
    while role.connections() < 16 {
        assert_eq!(wait(asks(Arc::clone(&store), 64)), Ok(()));
        assert!(began.elapsed() < HANGS, "it has {}", role.connections());
    }
}

#[test]
fn where_none_is_granted_at_all_the_database_is_away() {
    let database = TestDatabase::migrated();
    let role = TestRole::of(&database, "CONNECTION LIMIT 0");
    let opened = wait(PostgresStore::open(
        &role.url().parse().expect("a database URL"),
        16,
    ));
    let Err(OpenError::Away { reason, .. }) = opened else {
        unreachable!("it grants none");
    };
    assert!(reason.contains("too many connections for role"), "{reason}");
}

/// The server asks this role alone for its password.
struct AsksForPassword<'a>(&'a TestRole<'a>);

impl<'a> AsksForPassword<'a> {
    fn begin(role: &'a TestRole<'a>) -> Self {
        let line = format!("host all {} 127.0.0.1/32 scram-sha-256", role.name());
        role.alter(&format!(
            "COPY (SELECT '{line}') TO PROGRAM
                'cat - pg_hba.conf >pg_hba.next && mv pg_hba.next pg_hba.conf'"
        ));
        role.alter("SELECT pg_reload_conf()");
        Self(role)
    }
}

impl Drop for AsksForPassword<'_> {
    fn drop(&mut self) {
        let name = self.0.name();
        self.0.alter(&format!(
            "COPY (SELECT '') TO PROGRAM 'sed --in-place /{name}/d pg_hba.conf'"
        ));
        self.0.alter("SELECT pg_reload_conf()");
    }
}

#[test]
fn a_password_that_is_refused_is_read_again_from_its_file() {
    let database = TestDatabase::migrated();
    let role = TestRole::of(&database, "PASSWORD 'the first'");
    let _asks = AsksForPassword::begin(&role);
    let file = std::env::temp_dir().join(role.name());
    std::fs::write(&file, "the first\n").expect("a file to write");
    let with_file = self::database(&role).with_password_file(&file);
    let with_file = with_file.expect("a password");
    let opens = |database: &Database| wait(PostgresStore::open(database, 2));
    // The server takes up its new rules in a moment.
    let began = Instant::now();
    let wrong = self::database(&role).with_password("another");
    while opens(&wrong).is_ok() {
        assert!(began.elapsed() < HANGS, "it asks for no password");
    }
    let store = opens(&with_file).expect("the password is right");
    assert_eq!(wait(store.ping()), Ok(()));

    let name = role.name();
    role.alter(&format!(
        "ALTER ROLE {name} PASSWORD 'the second';
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'"
    ));
    // The first finds its connection lost, and no further one is let in.
    let asked = || wait(store.client(sample::client().id));
    assert!(asked().is_err());
    assert!(matches!(asked(), Err(StoreError::Unavailable(_))));
    std::fs::write(&file, "the second\n").expect("a file to write");
    assert_eq!(asked(), Ok(None));
    assert_eq!(wait(store.ping()), Ok(()));
    std::fs::remove_file(&file).expect("it is there");
}

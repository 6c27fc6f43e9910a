//! Whatever was answered is on the disk, and other processes are lived with.

use std::{
    fs,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use alias_domain::{
    Interaction, InteractionId, Lifetimes, Phase, Redeem,
    ports::{Authorizations, Clients, Interactions, PasswordHash, Store, StoreError, Users},
    testing::sample::{self, NOON},
};
use alias_storage_sqlite::SqliteStore;
use futures_util::future::join_all;
use pollster::FutureExt as _;
use rusqlite::{Connection, TransactionBehavior};
use uuid::Uuid;

use crate::fixture::{approved, database, fresh};

/// A write that somebody waits for.
fn insert_fred(store: &SqliteStore) -> Result<(), StoreError> {
    let inserted = store
        .insert_user(&sample::user(), &PasswordHash::new("$"))
        .block_on();
    inserted.map(|it| it.expect("a free address"))
}

#[test]
fn what_was_answered_survives_the_loss_of_the_process() {
    let fixture = approved();
    let lifetimes = Lifetimes::default();
    let redeemed = fixture
        .redeem(&sample::redemption(), &lifetimes, NOON)
        .block_on();
    assert!(matches!(redeemed, Ok(Some((_, Redeem::Granted { .. })))));

    // The files as they lie there at this moment are what a kill would leave.
    let left = tempfile::tempdir().expect("a temporary folder");
    for name in ["alias.db", "alias.db-wal"] {
        fs::copy(fixture.folder().join(name), left.path().join(name)).expect("a file");
    }

    let store = SqliteStore::open(&database(left.path())).expect("a current database");
    let standing = store.standing(sample::new_authorization().id).block_on();
    let phase = standing.map(|it| it.map(|it| it.authorization.phase));
    assert!(matches!(
        phase,
        Ok(Some(Phase::Redeemed { refresh: Some(_) }))
    ));
}

#[test]
fn what_was_answered_is_there_after_reopening() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = database(folder.path());
    alias_storage_sqlite::migrate(&path).expect("a database can be made here");
    let store = SqliteStore::open(&path).expect("a current database");
    assert_eq!(insert_fred(&store), Ok(()));
    drop(store);
    let store = SqliteStore::open(&path).expect("a current database");
    assert_eq!(store.users().block_on(), Ok(vec![sample::user()]));
}

#[test]
fn another_process_that_writes_is_waited_for() {
    let fixture = fresh();
    let mut other = fixture.raw();
    let lock = other
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .expect("a lock");
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| tell.send(insert_fred(&fixture)).expect("somebody listens"));
        let early = told.recv_timeout(Duration::from_millis(200));
        assert_eq!(early, Err(RecvTimeoutError::Timeout));
        lock.commit().expect("a commit");
        assert_eq!(told.recv(), Ok(Ok(())));
    });
}

#[test]
fn nobody_waits_five_seconds_for_a_lock_that_stays() {
    let fixture = fresh();
    let mut other = fixture.raw();
    let lock = other
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .expect("a lock");
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                assert!(matches!(
                    insert_fred(&fixture),
                    Err(StoreError::Unavailable(_))
                ))
            });
        }
    });
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(lock);
    assert_eq!(fixture.users().block_on(), Ok(vec![]));
}

#[test]
fn who_reads_waits_for_nobody_who_writes() {
    let fixture = approved();
    let mut other = fixture.raw();
    let writing = other
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .expect("a lock");
    writing.execute_batch("DELETE FROM users").expect("a write");
    assert_eq!(fixture.users().block_on(), Ok(vec![sample::user()]));
}

#[test]
fn what_another_process_changed_is_seen_at_once() {
    let fixture = approved();
    fixture
        .raw()
        .execute_batch("UPDATE users SET locked = TRUE")
        .expect("a write");
    let fred = fixture.user(sample::user().id).block_on();
    assert!(matches!(fred, Ok(Some(user)) if user.locked));
}

#[test]
fn a_store_whose_tables_are_gone_says_so() {
    let fixture = fresh();
    let tables = "DROP TABLE keys; DROP TABLE sessions; DROP TABLE authorizations;
         DROP TABLE connections; DROP TABLE users";
    Connection::execute_batch(&fixture.raw(), tables).expect("a write");
    assert!(matches!(
        fixture.users().block_on(),
        Err(StoreError::Unavailable(_))
    ));
    assert_eq!(fixture.ping().block_on(), Ok(()));
}

#[test]
fn a_file_that_was_closed_needs_no_log() {
    let folder = approved().close();
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    let copied = tempfile::tempdir().expect("a temporary folder");
    let copy = database(copied.path());
    fs::copy(database(folder.path()), &copy).expect("a file");
    let store = SqliteStore::open(&copy).expect("a current database");
    assert_eq!(store.users().block_on(), Ok(vec![sample::user()]));
}

#[test]
fn who_closes_a_file_that_others_use_leaves_them_their_log() {
    let fixture = fresh();
    drop(SqliteStore::open(&database(fixture.folder())).expect("a current database"));
    assert_eq!(insert_fred(&fixture), Ok(()));
    assert!(fixture.folder().join("alias.db-wal").exists());
}

#[test]
fn what_a_flood_took_is_given_back() {
    let fixture = fresh();
    fixture
        .insert_client(&sample::client(), &[])
        .block_on()
        .expect("stored");
    let state = "s".repeat(2048);
    let kept = sample::request(&format!("scope=openid&state={state}"));
    let flood = 0..8_000_u128;
    let opened = flood.map(|number| {
        let interaction = Interaction {
            id: InteractionId::from_uuid(Uuid::from_u128(number)),
            request: kept.clone(),
            ..sample::interaction()
        };
        let store = &fixture;
        async move { store.open_interaction(&interaction).await }
    });
    let opened = join_all(opened).block_on();
    assert!(opened.into_iter().all(|it| it.is_ok()));
    let size = |path| fs::metadata(path).expect("a file").len();
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let moved = |_: &rusqlite::Row<'_>| Ok(());
    fixture
        .raw()
        .query_row(checkpoint, [], moved)
        .expect("moved");
    let flooded = size(database(fixture.folder()));
    assert!(flooded > 16 << 20, "{flooded}");
    let later = NOON + Lifetimes::INTERACTION;
    while fixture.sweep(later, 500).block_on().expect("swept") >= 500 {}
    let folder = fixture.close();
    let left = size(database(folder.path()));
    assert!(left <= 5 << 20, "{left} of {flooded} bytes");
}

//! The removal of what has ended, by a clock that is believed.

use std::time::{Duration, Instant};

use alias_domain::{
    Digest, SessionId,
    ports::{PasswordHash, SessionStart, Started, Store},
    testing::sample,
};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rusqlite::Connection;

use crate::{logging, sandbox::ready_to_serve};

/// A session that somebody began then, and that ended a fortnight later.
async fn signed_in(store: &dyn Store, id: SessionId, auth_time: DateTime<Utc>) -> Digest {
    let start = SessionStart {
        id,
        user: sample::user().id,
        token: Digest::of(id.to_string().as_bytes()),
        password: None,
        presented: Vec::new(),
        auth_time,
        expires_at: auth_time + TimeDelta::days(14),
    };
    let started = store.start_session(&start).await.expect("an answer");
    assert!(matches!(started, Started::Session { .. }));
    start.token
}

async fn is_there(store: &dyn Store, token: Digest, at: DateTime<Utc>) -> bool {
    let live = store.live_sessions(&[token], at).await;
    !live.expect("an answer").is_empty()
}

#[tokio::test]
async fn a_service_whose_clock_is_far_ahead_of_its_store_sweeps_nothing_and_says_so() {
    let sandbox = ready_to_serve();
    let store = sandbox.open_store().await;
    let hash = PasswordHash::new("$argon2id$none");
    let added = store.insert_user(&sample::user(), &hash).await;
    assert!(added.expect("an answer").is_ok());
    let now = Utc::now().trunc_subsecs(3);
    let long_ago = now - TimeDelta::days(400);
    let old = signed_in(store.as_ref(), sample::session().id, long_ago).await;

    let (mut running, _) = sandbox.start(&["serve"]);
    let line = running.logged("nothing is swept");
    assert!(line.contains("not used for 9600 hours"), "{line}");
    assert!(is_there(store.as_ref(), old, long_ago).await);
    running.stop().succeeded();

    // With a sign of life of yesterday the same clock is believed.
    let other = SessionId::from_uuid(sample::user().id.uuid());
    signed_in(store.as_ref(), other, now - TimeDelta::hours(23)).await;
    let (running, _) = sandbox.start(&["serve"]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while is_there(store.as_ref(), old, long_ago).await {
        assert!(Instant::now() < deadline, "it is never swept");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    running.stop().succeeded();
}

#[tokio::test]
async fn what_was_deleted_goes_while_the_clock_is_doubted() {
    let sandbox = logging::embedded();
    let store = sandbox.open_store().await;
    let hash = PasswordHash::new("$argon2id$none");
    let added = store.insert_user(&sample::user(), &hash).await;
    assert!(added.expect("an answer").is_ok());
    let long_ago = Utc::now().trunc_subsecs(3) - TimeDelta::days(400);
    signed_in(store.as_ref(), sample::session().id, long_ago).await;
    drop(store);
    // As whoever deleted them leaves it when interrupted.
    let raw = Connection::open(sandbox.path().join(".alias/alias.db")).expect("a database");
    let marked = raw.execute("UPDATE users SET deleted = TRUE", []);
    assert_eq!(marked, Ok(1));

    let (mut running, _) = sandbox.start(&["serve"]);
    running.logged("nothing is swept");
    let left = || raw.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, u32>(0));
    let deadline = Instant::now() + Duration::from_secs(60);
    while left().expect("a number") > 0 {
        assert!(Instant::now() < deadline, "it never goes");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    running.stop().succeeded();
}

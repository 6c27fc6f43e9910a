//! Deleting what has very many rows holds up nobody.

use std::thread;

use alias_domain::{
    ports::{Clients, Export, Kind, Sessions, Store, Users},
    testing::{contract::deleting, sample},
};
use alias_storage_sqlite::Snapshot;
use pollster::FutureExt as _;

use crate::fixture::{Fixture, database, fresh};

/// Far more than go at once.
const MANY: u32 = 20_000;

/// Of whom very much is kept.
#[derive(Clone, Copy)]
enum Of {
    Client,
    User,
}

/// Fred's story, and as many connections of the client's, or of his, each with an authorization.
fn busy(of: Of) -> Fixture {
    let fixture = fresh();
    deleting::begun(&*fixture)
        .block_on()
        .expect("the store answers");
    let others = match of {
        Of::Client => {
            "INSERT INTO users (id, email, password_hash, locked, created_at)
            SELECT randomblob(16), 'many' || number || '@example.com', '', FALSE, 0 FROM numbers;
            INSERT INTO connections (user_id, client_id, alias_id, access, granted_at)
            SELECT u.id, k.id, randomblob(16), k.access, 0
            FROM users u, (SELECT client_id AS id, access FROM connections WHERE alias_id = (
                SELECT min(alias_id) FROM connections
            )) k WHERE u.email LIKE 'many%'"
        }
        Of::User => {
            "INSERT INTO clients (
                id, name, kind, auth_method, redirect_uris, post_logout_redirect_uris, channels,
                next_channel, created_at, id_token_alg
            )
            SELECT randomblob(16), 'many', kind, auth_method, redirect_uris,
                post_logout_redirect_uris, channels, next_channel, 0, id_token_alg
            FROM numbers, (SELECT * FROM clients LIMIT 1);
            INSERT INTO connections (user_id, client_id, alias_id, access, granted_at)
            SELECT u.id, k.id, randomblob(16), u.access, 0
            FROM clients k, (SELECT user_id AS id, access FROM connections WHERE alias_id = (
                SELECT min(alias_id) FROM connections
            )) u WHERE k.name = 'many'"
        }
    };
    let numbers = format!(
        "PRAGMA foreign_keys = TRUE;
        CREATE TEMPORARY TABLE numbers AS WITH RECURSIVE n (number) AS (
            SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < {MANY}
        ) SELECT number FROM n;"
    );
    let issued = "
        INSERT INTO authorizations (
            id, client_id, user_id, approved, auth_time, redirect_uri, ends_at, sweep_at
        )
        SELECT randomblob(16), client_id, user_id, access, 0, 'https://example.com/', 1 << 50, 1 << 50
        FROM connections";
    let raw = fixture.raw();
    raw.execute_batch(&format!("BEGIN; {numbers} {others}; {issued}; COMMIT"))
        .expect("rows");
    fixture
}

fn left(fixture: &Fixture) -> u32 {
    let count = "SELECT (SELECT count(*) FROM connections) + (SELECT count(*) FROM authorizations)";
    let counted = fixture.raw().query_row(count, [], |row| row.get(0));
    counted.expect("a number")
}

/// Deletes; how often somebody else wrote until all rows were gone.
fn deletes(fixture: &Fixture, delete: impl FnOnce() + Send) -> u32 {
    thread::scope(|scope| {
        let removal = scope.spawn(|| {
            delete();
            deleting::purged(&**fixture, 500)
                .block_on()
                .expect("the store answers");
        });
        let mut answered = 0;
        while !removal.is_finished() {
            let written = fixture.end_session(sample::session().id).block_on();
            assert_eq!(written, Ok(()));
            answered += 1;
        }
        removal.join().expect("nothing of it counts");
        answered
    })
}

#[test]
fn while_a_client_of_very_many_is_removed_others_write() {
    let fixture = busy(Of::Client);
    let delete = || {
        let deleted = fixture.delete_client(sample::client().id).block_on();
        assert_eq!(deleted, Ok(true));
        assert!(left(&fixture) > MANY, "its rows are still to go");
        let counts = deleting::the_client_counts_for_nothing(&*fixture);
        counts.block_on().expect("the store answers");
    };
    assert!(deletes(&fixture, delete) > MANY / 500);
    assert!(left(&fixture) < 10, "Ginger's at the other client");
}

#[test]
fn while_a_user_of_very_many_is_removed_others_write() {
    let fixture = busy(Of::User);
    let delete = || {
        let deleted = fixture.delete_user(sample::user().id).block_on();
        assert_eq!(deleted, Ok(true));
        assert!(left(&fixture) > MANY, "their rows are still to go");
        let counts = deleting::the_user_counts_for_nothing(&*fixture);
        counts.block_on().expect("the store answers");
    };
    assert!(deletes(&fixture, delete) > MANY / 500);
    assert!(left(&fixture) < 10, "Ginger's alone");
    let told = deleting::everybody_was_told(&*fixture);
    told.block_on().expect("the store answers");
}

/// Whoever deleted was interrupted.
#[test]
fn a_sweep_removes_what_is_left_of_what_was_deleted() {
    let fixture = busy(Of::Client);
    let deleted = fixture.delete_client(sample::client().id).block_on();
    assert_eq!(deleted, Ok(true));
    while fixture.sweep(sample::NOON, 5000).block_on() != Ok(0) {}
    assert!(left(&fixture) < 10);
}

#[test]
fn what_is_left_of_what_was_deleted_is_not_exported() {
    for of in [Of::Client, Of::User] {
        let fixture = busy(of);
        match of {
            Of::Client => fixture.delete_client(sample::client().id).block_on(),
            Of::User => fixture.delete_user(sample::user().id).block_on(),
        }
        .expect("the store answers");
        assert!(left(&fixture) > MANY);
        let folder = fixture.close();
        let mut snapshot = Snapshot::open(&database(folder.path())).expect("a database");
        let mut counts = alias_domain::ports::Counts::default();
        while let Some(page) = snapshot.next_page().block_on().expect("sound rows") {
            counts.add(&page);
        }
        assert!(counts.of(Kind::Connections) < 10);
        assert!(counts.of(Kind::Authorizations) < 10);
        assert!(counts.of(Kind::Participations) < 10);
    }
}

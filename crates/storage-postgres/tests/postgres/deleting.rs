//! Deleting what has very many rows holds up nobody.

use std::thread;

use alias_domain::{
    ports::{Clients, Sessions, Store, Users},
    testing::{contract::deleting, sample},
};

use crate::fixture::{Fixture, fresh, wait};

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
    wait(deleting::begun(&*fixture)).expect("the store answers");
    let (user, client) = (sample::user().id.uuid(), sample::client().id.uuid());
    let others = match of {
        Of::Client => format!(
            "INSERT INTO users
            SELECT gen_random_uuid(), 'many' || number, NULL, '', FALSE, now()
            FROM generate_series(1, {MANY}) number;
            INSERT INTO connections
            SELECT u.id, '{client}', gen_random_uuid(), '{{openid}}', '{{}}', now()
            FROM users u WHERE u.email LIKE 'many%'"
        ),
        Of::User => format!(
            "INSERT INTO clients (
                id, name, kind, auth_method, id_token_alg, redirect_uris, post_logout_redirect_uris,
                backchannel_logout_session_required, channels, next_channel, created_at
            )
            SELECT gen_random_uuid(), 'many', kind, auth_method, id_token_alg, redirect_uris,
                post_logout_redirect_uris, FALSE, channels, next_channel, now()
            FROM clients, generate_series(1, {MANY}) WHERE id = '{client}';
            INSERT INTO connections
            SELECT '{user}', k.id, gen_random_uuid(), '{{openid}}', '{{}}', now()
            FROM clients k WHERE k.name = 'many'"
        ),
    };
    let issued = "INSERT INTO authorizations (
            id, client_id, user_id, approved_scopes, approved_channels, auth_time, redirect_uri,
            asked_claims, ends_at, sweep_at
        )
        SELECT gen_random_uuid(), client_id, user_id, scopes, channels, now(),
            'https://example.com/', '', 'infinity', 'infinity' FROM connections";
    fixture.database.execute(&others);
    fixture.database.execute(issued);
    fixture
}

fn left(fixture: &Fixture) -> u32 {
    let count = "SELECT (SELECT count(*) FROM connections) + (SELECT count(*) FROM authorizations)";
    let counted = fixture.database.ask(count).and_then(|it| it.parse().ok());
    counted.expect("a number")
}

/// Deletes; how often somebody else wrote until all rows were gone.
fn deletes(fixture: &Fixture, delete: impl FnOnce() + Send) -> u32 {
    thread::scope(|scope| {
        let removal = scope.spawn(|| {
            delete();
            wait(deleting::purged(&**fixture, 500)).expect("the store answers");
        });
        let mut answered = 0;
        while !removal.is_finished() {
            assert_eq!(wait(fixture.end_session(sample::session().id)), Ok(()));
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
        assert_eq!(wait(fixture.delete_client(sample::client().id)), Ok(true));
        assert!(left(&fixture) > MANY, "its rows are still to go");
        wait(deleting::the_client_counts_for_nothing(&*fixture)).expect("the store answers");
    };
    assert!(deletes(&fixture, delete) > MANY / 500);
    assert!(left(&fixture) < 10, "Ginger's at the other client");
}

#[test]
fn while_a_user_of_very_many_is_removed_others_write() {
    let fixture = busy(Of::User);
    let delete = || {
        assert_eq!(wait(fixture.delete_user(sample::user().id)), Ok(true));
        assert!(left(&fixture) > MANY, "their rows are still to go");
        wait(deleting::the_user_counts_for_nothing(&*fixture)).expect("the store answers");
    };
    assert!(deletes(&fixture, delete) > MANY / 500);
    assert!(left(&fixture) < 10, "Ginger's alone");
    wait(deleting::everybody_was_told(&*fixture)).expect("the store answers");
}

/// Whoever deleted was interrupted.
#[test]
fn a_sweep_removes_what_is_left_of_what_was_deleted() {
    let fixture = busy(Of::Client);
    assert_eq!(wait(fixture.delete_client(sample::client().id)), Ok(true));
    while wait(fixture.sweep(sample::NOON, 5000)) != Ok(0) {}
    assert!(left(&fixture) < 10);
    let rows = "SELECT count(*) FROM client_rows WHERE deleted";
    assert_eq!(fixture.database.ask(rows).as_deref(), Some("0"));
}

/// A node of the version before reads and writes by the names that it knows.
#[test]
fn a_node_of_the_version_before_sees_nothing_of_what_was_deleted() {
    let fixture = busy(Of::Client);
    assert_eq!(wait(fixture.delete_client(sample::client().id)), Ok(true));
    let client = sample::client().id.uuid();
    let count = format!(
        "SELECT count(*) FROM authorizations a JOIN clients k ON k.id = a.client_id
        WHERE k.id = '{client}'"
    );
    assert_eq!(fixture.database.ask(&count).as_deref(), Some("0"));
    for write in [
        "UPDATE clients SET name = name",
        "DELETE FROM clients",
        "UPDATE users SET locked = locked",
    ] {
        fixture.database.execute(write);
    }
    assert!(left(&fixture) > MANY, "they are for a sweep to remove");
}

//! What a database may be set to, and no promise changes.

use alias_domain::{
    ports::{Clients, Store, StoreError, Users},
    testing::{
        contract::{Kept, Runner, races},
        sample,
    },
};
use alias_storage_postgres::PostgresStore;

use crate::fixture::{approved, fresh_with, run, wait};

/// Runs a race of the contract on a database with a setting of its own.
fn keeps(setting: &str, race: fn(&dyn Store, Runner) -> Kept) {
    race(&*fresh_with(setting), run).expect("the store answers");
}

const STRICTER: &str = "default_transaction_isolation = 'repeatable read'";

#[test]
fn r17_another_isolation_level_lets_no_code_serve_twice() {
    keeps(STRICTER, races::r17_of_rivals_with_one_code_one_is_granted);
}

#[test]
fn r23_another_isolation_level_refuses_no_retry() {
    keeps(
        STRICTER,
        races::r23_rivals_with_one_refresh_token_get_the_same_generation,
    );
}

#[test]
fn r25_another_isolation_level_lets_nothing_outlive_a_disconnect() {
    keeps(STRICTER, races::r25_no_authorization_outlives_a_disconnect);
}

/// What takes long is the removal of what refers to it, and nobody waits for that.
#[test]
fn a_user_and_a_client_are_deleted_however_long_their_rows_take() {
    let fixture = approved();
    fixture.database.execute(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(1); RETURN OLD; END';
        CREATE TRIGGER linger BEFORE DELETE ON connections
            FOR EACH ROW EXECUTE FUNCTION linger()",
    );
    let hasty = "options=-c%20statement_timeout%3D500ms";
    let database = format!("{}?{hasty}", fixture.database.url()).parse();
    let store = wait(PostgresStore::open(&database.expect("a database URL"), 1));
    let store = store.expect("the schema is current");
    let (user, client) = (sample::user().id, sample::client().id);
    assert_eq!(wait(store.delete_user(user)), Ok(true));
    assert_eq!(wait(store.user(user)), Ok(None));
    assert_eq!(wait(store.delete_client(client)), Ok(true));
    assert_eq!(wait(store.client(client)), Ok(None));
    // Its rows are still to go, and take longer than a statement of this store may.
    assert!(matches!(
        wait(store.purge(500)),
        Err(StoreError::Unavailable(_))
    ));
    assert!(wait(fixture.purge(500)).is_ok_and(|removed| removed > 0));
    while wait(fixture.purge(500)) != Ok(0) {}
    let left = "SELECT (SELECT count(*) FROM connections) + (SELECT count(*) FROM user_rows)
        + (SELECT count(*) FROM client_rows)";
    assert_eq!(fixture.database.ask(left).as_deref(), Some("0"));
}

/// Where a circle is not told before a lock is waited for too long, it is an error.
#[test]
fn what_deletes_never_waits_in_a_circle() {
    keeps(
        "deadlock_timeout = '1min'",
        races::r30_nothing_outlives_its_client_or_user,
    );
}

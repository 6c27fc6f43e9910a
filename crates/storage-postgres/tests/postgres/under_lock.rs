//! The step that runs under a lock, because a statement could not anticipate what comes of it.

use std::thread;

use alias_domain::{
    Lifetimes, Phase, RequestedScope, Rotate, Rotation,
    ports::Authorizations,
    testing::sample::{self, NOON},
};
use chrono::{DateTime, TimeDelta, Utc};

use crate::fixture::{Fixture, approved, wait};

/// Where user tokens outlive refresh tokens, a retry prolongs the authorization.
fn lifetimes() -> Lifetimes {
    Lifetimes {
        refresh_token: TimeDelta::minutes(10),
        ..Lifetimes::default()
    }
}

fn rotate(fixture: &Fixture, generation: u32, at: DateTime<Utc>) -> Rotate {
    let rotation = Rotation {
        authorization: sample::new_authorization().id,
        client_id: sample::client().id,
        generation,
        scope: RequestedScope::Everything,
    };
    let rotated = wait(fixture.rotate(&rotation, &lifetimes(), at));
    rotated.expect("the store answers").expect("it stands").1
}

/// Lets the step linger between what it has read and what it writes.
const LINGER: &str = "
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF current_query() LIKE '%code_expires_at = $2%' THEN PERFORM pg_sleep(1); END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER linger BEFORE UPDATE ON authorizations EXECUTE FUNCTION linger()";

#[test]
fn no_refresh_comes_between_what_a_retry_reads_and_writes() {
    let fixture = approved();
    let redeemed = wait(fixture.redeem(&sample::redemption(), &lifetimes(), NOON));
    redeemed.expect("the store answers").expect("it stands");
    rotate(&fixture, 1, NOON);
    fixture.database.execute(LINGER);

    let later = NOON + TimeDelta::minutes(5);
    thread::scope(|scope| {
        let retry = scope.spawn(|| rotate(&fixture, 1, later));
        let lingers = "SELECT count(*) FROM pg_stat_activity
            WHERE wait_event = 'PgSleep' AND datname = current_database()";
        while fixture.database.ask(lingers).as_deref() == Some("0") {}
        let refreshed = rotate(&fixture, 2, later);
        assert!(matches!(refreshed, Rotate::Granted { refresh, .. } if refresh.generation == 3));
        let retried = retry.join().expect("no panic");
        assert!(matches!(retried, Rotate::Granted { refresh, .. } if refresh.generation == 2));
    });
    let standing = wait(fixture.standing(sample::new_authorization().id));
    let standing = standing.expect("the store answers").expect("it stands");
    let Phase::Redeemed { refresh } = standing.authorization.phase else {
        unreachable!("the code was exchanged");
    };
    assert_eq!(refresh.map(|it| it.generation), Some(3));
}

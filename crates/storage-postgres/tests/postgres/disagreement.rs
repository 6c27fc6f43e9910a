//! A statement that wrote what the rules do not say: it is undone and told, nothing is handed out, and
//! the grant lives. Here a trigger plays the fault, by writing something else than it is told to.

use alias_domain::{
    AuthorizationId, Digest, Lifetimes, NewAuthorization, Phase, Redeem, RequestedScope, Rotate,
    Rotation, Standing,
    ports::{Anticipated, Authorizations, Grants, StoreError},
    testing::sample::{self, NOON},
};
use uuid::Uuid;

use crate::fixture::{Fixture, approved, wait};

/// From now on, whoever writes an authorization in this way writes another value into a column.
fn falsified(fixture: &Fixture, written: &str, assignment: &str) {
    fixture.database.execute(&format!(
        "CREATE FUNCTION falsify() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_query() LIKE 'WITH %' THEN NEW.{assignment}; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER falsify BEFORE {written} ON authorizations
            FOR EACH ROW EXECUTE FUNCTION falsify()"
    ));
}

/// And from now on as they are told.
fn mended(fixture: &Fixture) {
    fixture
        .database
        .execute("DROP TRIGGER falsify ON authorizations; DROP FUNCTION falsify");
}

fn standing(fixture: &Fixture) -> Option<Standing> {
    let id = sample::new_authorization().id;
    wait(fixture.standing(id)).expect("the store answers")
}

fn disagreement(id: AuthorizationId) -> StoreError {
    StoreError::Disagreement {
        table: "authorizations",
        key: id.to_string(),
        undone: true,
    }
}

fn redeem(fixture: &Fixture) -> Result<Option<(Standing, Redeem)>, StoreError> {
    let lifetimes = Lifetimes::default();
    wait(fixture.redeem(&sample::redemption(), &lifetimes, NOON))
}

fn rotate(fixture: &Fixture) -> Result<Option<(Standing, Rotate)>, StoreError> {
    let rotation = Rotation {
        authorization: sample::new_authorization().id,
        client_id: sample::client().id,
        generation: 1,
        scope: RequestedScope::Everything,
    };
    wait(fixture.rotate(&rotation, &Lifetimes::default(), NOON))
}

/// Faults in columns that the statement writes, and in one that it does not.
const FAULTS: [&str; 3] = [
    "ends_at = NEW.ends_at + interval '1 second'",
    "refresh_expires_at = NEW.refresh_expires_at + interval '1 year'",
    "nonce = 'another'",
];

#[test]
fn an_exchange_that_was_written_otherwise_is_undone_and_can_be_made_again() {
    for fault in FAULTS {
        let fixture = approved();
        let before = standing(&fixture);
        falsified(&fixture, "UPDATE", fault);
        let id = sample::new_authorization().id;
        assert_eq!(redeem(&fixture), Err(disagreement(id)), "{fault}");
        assert_eq!(standing(&fixture), before, "{fault}");
        mended(&fixture);
        let redeemed = redeem(&fixture).expect("the store answers");
        assert!(matches!(redeemed, Some((_, Redeem::Granted { .. }))));
    }
}

#[test]
fn a_refresh_that_was_written_otherwise_is_undone_and_can_be_made_again() {
    for fault in FAULTS {
        let fixture = approved();
        redeem(&fixture).expect("the store answers");
        let before = standing(&fixture);
        falsified(&fixture, "UPDATE", fault);
        let id = sample::new_authorization().id;
        assert_eq!(rotate(&fixture), Err(disagreement(id)), "{fault}");
        assert_eq!(standing(&fixture), before, "{fault}");
        mended(&fixture);
        let rotated = rotate(&fixture).expect("the store answers");
        assert!(matches!(rotated, Some((_, Rotate::Granted { .. }))));
    }
}

#[test]
fn what_was_issued_otherwise_is_gone_and_the_grant_lives() {
    let fixture = approved();
    falsified(&fixture, "INSERT", "redirect_uri = 'https://evil.example'");
    let new = NewAuthorization {
        id: AuthorizationId::from_uuid(Uuid::from_u128(1)),
        ..sample::new_authorization()
    };
    let (access, session) = (sample::everything(), sample::session().id);
    let issued = wait(fixture.issue(&new, &access, session, None, NOON));
    assert_eq!(issued, Err(disagreement(new.id)));

    let anticipated = Anticipated {
        id: AuthorizationId::from_uuid(Uuid::from_u128(2)),
        client_id: new.client_id,
        binding: new.binding.clone(),
        code_expires_at: new.code_expires_at,
        access,
    };
    let token = Digest::of(b"a session token");
    let issued = wait(fixture.issue_anticipated(token, &anticipated, NOON));
    assert_eq!(issued, Err(disagreement(anticipated.id)));

    let left = fixture.database.ask("SELECT count(*) FROM authorizations");
    assert_eq!(left.as_deref(), Some("1"), "that of the story");
    let connection = wait(fixture.connection(sample::user().id, sample::client().id));
    let granted = connection.map(|it| it.map(|it| it.access));
    assert_eq!(granted, Ok(Some(sample::everything())));
}

/// Whoever writes the row meanwhile is right: what they wrote is not undone.
#[test]
fn what_was_written_since_is_not_undone() {
    let fixture = approved();
    let since = "
        CREATE FUNCTION falsify() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_query() LIKE 'WITH %' THEN
                NEW.ends_at = NEW.ends_at + interval '1 second';
            ELSE
                NEW = OLD;
            END IF;
            RETURN NEW;
        END $$;
        CREATE FUNCTION since() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_query() LIKE 'WITH %' THEN
                UPDATE authorizations SET user_tokens_void_through = auth_time WHERE id = NEW.id;
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER falsify BEFORE UPDATE ON authorizations
            FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION falsify();
        CREATE TRIGGER since AFTER UPDATE ON authorizations
            FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION since()";
    fixture.database.execute(since);
    let told = redeem(&fixture);
    let left_as_written = StoreError::Disagreement {
        table: "authorizations",
        key: sample::new_authorization().id.to_string(),
        undone: false,
    };
    assert_eq!(told, Err(left_as_written));
    let left = standing(&fixture).expect("the grant lives").authorization;
    assert!(matches!(left.phase, Phase::Redeemed { .. }));
    assert_eq!(left.user_tokens_void_through, Some(NOON));
}

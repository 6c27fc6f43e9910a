//! A row that makes no sense grants nothing, and says where it is.

use crate::fixture::{Fixture, approved, wait};
use alias_domain::{
    Access, AuthorizationId, Digest, Lifetimes, Standing,
    ports::{Anticipated, Authorizations, Grants, StoreError},
    testing::sample::{self, NOON},
};

fn after(statement: &str) -> Fixture {
    let fixture = approved();
    fixture.database.execute(statement);
    fixture
}

fn standing(fixture: &Fixture) -> Result<Option<Standing>, StoreError> {
    let id = sample::new_authorization().id;
    wait(fixture.standing(id))
}

fn corrupt(table: &'static str, key: String, reason: &str) -> StoreError {
    StoreError::Corrupt {
        table,
        key,
        reason: reason.to_owned(),
    }
}

fn corrupt_authorization(reason: &str) -> StoreError {
    let key = sample::new_authorization().id.to_string();
    corrupt("authorizations", key, reason)
}

#[test]
fn an_approval_without_openid_is_corrupt() {
    let fixture = after("UPDATE authorizations SET approved_scopes = '{nickname}'");
    assert_eq!(
        standing(&fixture),
        Err(corrupt_authorization("approved_scopes"))
    );
}

#[test]
fn a_corrupt_authorization_is_not_exchanged() {
    let fixture = after("UPDATE authorizations SET approved_scopes = '{everything}'");
    let lifetimes = Lifetimes::default();
    let redeemed = wait(fixture.redeem(&sample::redemption(), &lifetimes, NOON));
    assert_eq!(redeemed, Err(corrupt_authorization("approved_scopes")));
}

#[test]
fn nothing_is_issued_to_a_corrupt_session() {
    let fixture = after("UPDATE sessions SET auth_time = 'infinity'");
    let new = sample::new_authorization();
    let anticipated = Anticipated {
        id: AuthorizationId::from_uuid(sample::client().id.uuid()),
        client_id: new.client_id,
        binding: new.binding,
        code_expires_at: new.code_expires_at,
        access: sample::everything(),
    };
    let token = Digest::of(b"a session token");
    let found = wait(fixture.issue_anticipated(token, &anticipated, NOON));
    let key = sample::session().id.to_string();
    assert_eq!(found, Err(corrupt("sessions", key, "auth_time")));
    let left = fixture.database.ask("SELECT count(*) FROM authorizations");
    assert_eq!(left.as_deref(), Some("1"), "that of the story");
}

#[test]
fn a_code_with_a_refresh_token_is_corrupt() {
    let fixture = after("UPDATE authorizations SET refresh_generation = 1");
    let reason = "code_expires_at, refresh_*";
    assert_eq!(standing(&fixture), Err(corrupt_authorization(reason)));
}

#[test]
fn a_time_out_of_range_is_corrupt() {
    let fixture = after("UPDATE authorizations SET ends_at = 'infinity'");
    assert_eq!(standing(&fixture), Err(corrupt_authorization("ends_at")));
}

#[test]
fn a_corrupt_connection_is_named_by_its_user_and_client() {
    let fixture = after("UPDATE connections SET scopes = '{opénid}'");
    let (user, client) = (sample::user().id, sample::client().id);
    let found = wait(fixture.connection(user, client));
    assert_eq!(
        found,
        Err(corrupt("connections", format!("{user} {client}"), "scopes"))
    );
}

#[test]
fn an_unknown_scope_of_a_connection_counts_for_nothing() {
    let fixture = after("UPDATE connections SET scopes = '{openid,teleport}'");
    let authority = standing(&fixture).map(|it| it.and_then(|it| it.authority()));
    assert_eq!(authority, Ok(Some(Access::openid())));
}

#[test]
fn an_unknown_scope_of_an_authorization_counts_for_nothing() {
    let fixture = after("UPDATE authorizations SET approved_scopes = '{openid,teleport}'");
    let authority = standing(&fixture).map(|it| it.and_then(|it| it.authority()));
    assert_eq!(authority, Ok(Some(Access::openid())));
}

//! What a step costs: the messages between a store and its server, counted on their way.

use alias_domain::{
    AuthorizationId, Digest, Lifetimes, NewAuthorization, Redeem, Redemption, RequestedScope,
    Revocation, Rotate, Rotation, Scope, ScopeFault,
    ports::{Anticipated, Anticipation, Authorizations, Grants, Recorded},
    testing::sample::{self, NOON},
};
use alias_storage_postgres::{PostgresStore, testing::Proxy};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::fixture::{Fixture, approved, by, wait};

/// Fred's story, and a store with one connection that is counted.
struct Counted {
    _fixture: Fixture,
    store: PostgresStore,
    proxy: Proxy,
}

impl Counted {
    fn approved() -> Self {
        let fixture = approved();
        let proxy = Proxy::to(&fixture.database);
        let store = wait(by(&proxy, 1));
        Self {
            _fixture: fixture,
            store: store.expect("the schema is current"),
            proxy,
        }
    }

    /// What a step comes to, and its round trips. Its statements were prepared before.
    fn trips<T>(&self, step: impl Future<Output = T>) -> (T, usize) {
        let before = (self.proxy.round_trips(), self.proxy.statements());
        let done = wait(step);
        assert_eq!(self.proxy.statements(), before.1, "it was prepared");
        (done, self.proxy.round_trips() - before.0)
    }

    async fn issue(&self, id: AuthorizationId) -> Recorded {
        self.issue_at(id, NOON).await
    }

    async fn issue_at(&self, id: AuthorizationId, now: DateTime<Utc>) -> Recorded {
        let new = NewAuthorization {
            id,
            ..sample::new_authorization()
        };
        let (access, session) = (sample::everything(), sample::session().id);
        let issued = self.store.issue(&new, &access, session, None, now).await;
        issued.expect("the store answers")
    }

    async fn redeem(&self, authorization: AuthorizationId) -> Redeem {
        let redemption = Redemption {
            authorization,
            ..sample::redemption()
        };
        let lifetimes = Lifetimes::default();
        let redeemed = self.store.redeem(&redemption, &lifetimes, NOON).await;
        redeemed.expect("the store answers").expect("it stands").1
    }

    async fn rotate(
        &self,
        authorization: AuthorizationId,
        generation: u32,
        scope: RequestedScope,
    ) -> Rotate {
        let rotation = Rotation {
            authorization,
            client_id: sample::client().id,
            generation,
            scope,
        };
        let lifetimes = Lifetimes::default();
        let rotated = self.store.rotate(&rotation, &lifetimes, NOON).await;
        rotated.expect("the store answers").expect("it stands").1
    }

    /// Runs each step once, so that the connection has prepared its statements.
    fn prepared() -> Self {
        let counted = Self::approved();
        let id = AuthorizationId::from_uuid(Uuid::from_u128(1));
        wait(async {
            assert_eq!(counted.issue(id).await, Recorded::Issued);
            counted.redeem(id).await;
            let rotated = counted.rotate(id, 1, RequestedScope::Everything).await;
            assert!(matches!(rotated, Rotate::Granted { .. }));
            let standing = counted.store.standing(id).await;
            assert!(standing.is_ok_and(|it| it.is_some()));
            assert_eq!(counted.redeem(id).await, Redeem::Replayed);
        });
        counted
    }

    /// An authorization whose code waits.
    fn waiting() -> (Self, AuthorizationId) {
        let counted = Self::prepared();
        let id = AuthorizationId::from_uuid(Uuid::from_u128(2));
        assert_eq!(wait(counted.issue(id)), Recorded::Issued);
        (counted, id)
    }

    /// One whose refresh token has been used once.
    fn refreshed() -> (Self, AuthorizationId) {
        let (counted, id) = Self::waiting();
        wait(counted.redeem(id));
        wait(counted.rotate(id, 1, RequestedScope::Everything));
        (counted, id)
    }
}

fn anticipated(number: u128) -> Anticipated {
    let new = sample::new_authorization();
    Anticipated {
        id: AuthorizationId::from_uuid(Uuid::from_u128(number)),
        client_id: new.client_id,
        binding: new.binding,
        code_expires_at: new.code_expires_at,
        access: sample::everything(),
    }
}

#[test]
fn issuing_without_asking_is_one_round_trip() {
    let counted = Counted::prepared();
    let step = counted.issue(AuthorizationId::from_uuid(Uuid::from_u128(2)));
    assert_eq!(counted.trips(step), (Recorded::Issued, 1));
}

#[test]
fn looking_and_issuing_as_anticipated_is_one_round_trip() {
    let counted = Counted::prepared();
    let (first, second) = (anticipated(2), anticipated(3));
    let token = Digest::of(b"a session token");
    let issue = |it| counted.store.issue_anticipated(token, it, NOON);
    wait(issue(&first)).expect("the store answers");
    let (found, trips) = counted.trips(issue(&second));
    assert!(matches!(found, Ok(Anticipation::Issued(_))));
    assert_eq!(trips, 1);

    let nickname = Revocation::Scope(Scope::Nickname);
    let revoke = counted.store.revoke(
        sample::user().id,
        sample::client().id,
        &nickname,
        sample::NOON,
    );
    assert_eq!(wait(revoke), Ok(Ok(())));
    let less = anticipated(4);
    let (found, trips) = counted.trips(issue(&less));
    assert!(matches!(found, Ok(Anticipation::NotIssued(_))));
    assert_eq!(trips, 1);
}

#[test]
fn a_guessed_session_token_is_two_round_trips() {
    let counted = Counted::prepared();
    let guess = anticipated(2);
    let issue = || {
        let token = Digest::of(b"a guess");
        counted.store.issue_anticipated(token, &guess, NOON)
    };
    wait(issue()).expect("the store answers");
    assert_eq!(counted.trips(issue()), (Ok(Anticipation::NoSession), 2));
}

#[test]
fn what_is_not_issued_is_one_round_trip() {
    let counted = Counted::prepared();
    let id = AuthorizationId::from_uuid(Uuid::from_u128(2));
    let late = counted.issue_at(id, sample::session().expires_at);
    assert_eq!(counted.trips(late), (Recorded::Changed, 1));
    let (user, client) = (sample::user().id, sample::client().id);
    let nickname = Revocation::Scope(Scope::Nickname);
    let revoked = wait(counted.store.revoke(user, client, &nickname, sample::NOON));
    assert_eq!(revoked, Ok(Ok(())));
    assert_eq!(counted.trips(counted.issue(id)), (Recorded::Changed, 1));
}

#[test]
fn an_exchange_is_one_round_trip() {
    let (counted, id) = Counted::waiting();
    let (redeemed, trips) = counted.trips(counted.redeem(id));
    assert!(matches!(redeemed, Redeem::Granted { .. }));
    assert_eq!(trips, 1);
}

#[test]
fn a_refresh_and_a_retry_of_it_are_one_round_trip_each() {
    let (counted, id) = Counted::refreshed();
    for generation in [2, 2] {
        let step = counted.rotate(id, generation, RequestedScope::Everything);
        let (rotated, trips) = counted.trips(step);
        assert!(matches!(rotated, Rotate::Granted { refresh, .. } if refresh.generation == 3));
        assert_eq!(trips, 1);
    }
}

#[test]
fn a_refused_refresh_is_one_round_trip() {
    let (counted, id) = Counted::refreshed();
    let ahead = counted.rotate(id, 7, RequestedScope::Everything);
    assert_eq!(counted.trips(ahead), (Rotate::Refused, 1));
    let impossible = counted.rotate(id, 2, RequestedScope::Impossible(ScopeFault::NoOpenId));
    assert_eq!(counted.trips(impossible), (Rotate::ScopeRefused, 1));
}

#[test]
fn a_narrowed_refresh_is_one_round_trip() {
    let (counted, id) = Counted::refreshed();
    let narrow = RequestedScope::Only([Scope::OpenId].into());
    let (rotated, trips) = counted.trips(counted.rotate(id, 2, narrow));
    assert!(matches!(rotated, Rotate::Granted { .. }));
    assert_eq!(trips, 1);
}

#[test]
fn what_a_token_is_worth_is_one_round_trip() {
    let (counted, id) = Counted::refreshed();
    let (standing, trips) = counted.trips(counted.store.standing(id));
    assert!(standing.is_ok_and(|it| it.is_some()));
    assert_eq!(trips, 1);
}

#[test]
fn a_replay_is_two_round_trips() {
    let (counted, id) = Counted::refreshed();
    wait(counted.rotate(id, 2, RequestedScope::Everything));
    let replay = counted.rotate(id, 1, RequestedScope::Everything);
    assert_eq!(counted.trips(replay), (Rotate::Replayed, 2));

    let (counted, id) = Counted::waiting();
    wait(counted.redeem(id));
    assert_eq!(counted.trips(counted.redeem(id)), (Redeem::Replayed, 2));
}

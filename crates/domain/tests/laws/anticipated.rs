//! A guard holds only where the decision that it anticipates grants, and then `next` is exactly what
//! that decision says: over random standings and whatever is presented.

use alias_domain::{
    Access, Authorization, Case, ClientId, ClientKind, CodeBinding, Condition, Connection,
    Expected, Lifetimes, Phase, Redeem, Redemption, RefreshChain, RequestedScope, Rotate, Rotation,
    Standing, UserId,
    ports::{Anticipated, Moment},
    redeem, rotate,
    testing::sample::{self, NOON},
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use crate::{judgements::access, scope_list};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The usual value of something, and others.
fn usually<T: Clone + std::fmt::Debug + 'static>(
    usual: T,
    others: Vec<T>,
) -> impl Strategy<Value = T> {
    prop_oneof![4 => Just(usual), 1 => prop::sample::select(others)]
}

/// A moment, and those at which something ends.
fn time(usual: i64) -> impl Strategy<Value = DateTime<Utc>> {
    let day = 24 * 60 * 60;
    let others = vec![
        -3601,
        -121,
        -61,
        -1,
        0,
        1,
        60,
        61,
        119,
        120,
        121,
        600,
        3600,
        90 * day,
    ];
    usually(usual, others).prop_map(|it| NOON + TimeDelta::seconds(it))
}

fn lifetimes() -> impl Strategy<Value = Lifetimes> {
    let short = Lifetimes {
        refresh_token: TimeDelta::minutes(10),
        ..Lifetimes::default()
    };
    usually(Lifetimes::default(), vec![short])
}

fn other_client() -> ClientId {
    sample::public_client().id
}

/// A waiting code, or what became of it.
fn code() -> impl Strategy<Value = Phase> {
    let code = time(60).prop_map(|expires_at| Phase::Code { expires_at });
    prop_oneof![5 => code, 1 => Just(Phase::Redeemed { refresh: None }), 1 => chain()]
}

fn chain() -> impl Strategy<Value = Phase> {
    (0..5u32, time(0), time(600)).prop_map(|(generation, issued_at, expires_at)| {
        let refresh = Some(RefreshChain {
            generation,
            issued_at,
            expires_at,
        });
        Phase::Redeemed { refresh }
    })
}

/// What stands, around an authorization in this phase.
fn standing(phase: impl Strategy<Value = Phase>) -> impl Strategy<Value = Standing> {
    let kinds = vec![ClientKind::Public, ClientKind::ResourceServer];
    let challenge = usually(None, vec![Some(CHALLENGE)]);
    (
        phase,
        (access(), prop::option::weighted(0.9, access())),
        usually(ClientKind::Confidential, kinds),
        (usually(false, vec![true]), any::<bool>()),
        challenge,
        (time(60), prop::option::of(time(0))),
    )
        .prop_map(
            |(phase, (approved, connection), kind, (locked, declares), challenge, times)| {
                let mut standing = sample::standing();
                let binding = CodeBinding {
                    challenge: challenge.and_then(|it| it.parse().ok()),
                    ..standing.authorization.binding.clone()
                };
                standing.authorization = Authorization {
                    approved,
                    phase,
                    binding,
                    ends_at: times.0,
                    user_tokens_void_through: times.1,
                    ..standing.authorization
                };
                standing.connection = connection;
                standing.client.kind = kind;
                standing.user.locked = locked;
                if !declares {
                    standing.client.channels.clear();
                }
                standing
            },
        )
}

/// The client, redirect URI and verifier of an exchange.
type Shown = (ClientId, &'static str, Option<String>);

fn shown() -> impl Strategy<Value = Shown> {
    let verifiers = [VERIFIER, &VERIFIER.replace('d', "e"), "short"];
    let verifiers = verifiers.map(|it| Some(it.to_owned())).to_vec();
    (
        usually(sample::client().id, vec![other_client()]),
        usually(sample::REDIRECT_URI, vec![sample::LOOPBACK_URI]),
        usually(None, verifiers),
    )
}

fn redemption((client_id, redirect_uri, verifier): Shown) -> Redemption {
    Redemption {
        client_id,
        redirect_uri: redirect_uri.to_owned(),
        verifier,
        ..sample::redemption()
    }
}

fn rotation() -> impl Strategy<Value = Rotation> {
    let scope = prop_oneof![Just(None), scope_list().prop_map(Some)];
    let client = usually(sample::client().id, vec![other_client()]);
    (client, 0..5u32, scope).prop_map(|(client_id, generation, scope)| Rotation {
        authorization: sample::redemption().authorization,
        client_id,
        generation,
        scope: RequestedScope::parse(scope.as_deref()),
    })
}

/// A moment of Fred's session, or of another user's, or of none.
fn moment() -> impl Strategy<Value = Moment> {
    let other = UserId::from_uuid(other_client().uuid());
    (
        prop::option::weighted(0.9, usually(sample::user().id, vec![other])),
        prop::option::weighted(0.9, access()),
        any::<bool>(),
    )
        .prop_map(|(user, connection, declares)| {
            let mut client = sample::client();
            if !declares {
                client.channels.clear();
            }
            let connection = connection.map(|access| {
                let live = client.live(access);
                Connection::answered(None, sample::decision().alias_id, live, NOON)
            });
            let session = user.map(|id| {
                let mut session = sample::session();
                session.user.id = id;
                session
            });
            Moment {
                waits: true,
                client: Some(client),
                session,
                connection,
            }
        })
}

/// The kinds of conditions, in their order.
fn shape<'a>(
    conditions: impl IntoIterator<Item = &'a Condition>,
) -> Vec<std::mem::Discriminant<Condition>> {
    let kinds = conditions.into_iter().map(std::mem::discriminant);
    kinds.collect()
}

fn shape_of_cases(expected: &Expected<Vec<Case>>) -> Vec<std::mem::Discriminant<Condition>> {
    let cases = expected.next.iter().flat_map(|it| &it.when);
    shape(expected.guard.iter().chain(cases))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A store makes one statement of them.
    #[test]
    fn what_is_expected_has_the_same_conditions_for_every_value(
        shown in shown(), presented in rotation(), wanted in access(), lifetimes in lifetimes(), now in time(0),
    ) {
        let usual = sample::redemption().expected(&Lifetimes::default(), NOON);
        let exchange = redemption(shown).expected(&lifetimes, now);
        prop_assert_eq!(shape_of_cases(&exchange), shape_of_cases(&usual));

        let refresh = presented.expected(&lifetimes, now);
        let usual = Rotation { scope: RequestedScope::Everything, ..presented };
        let usual = usual.expected(&Lifetimes::default(), NOON);
        prop_assert_eq!(shape_of_cases(&refresh), shape_of_cases(&usual));

        let usual = anticipated(&Access::openid()).expected(NOON);
        let issued = anticipated(&wanted).expected(now);
        prop_assert_eq!(shape(&issued.guard), shape(&usual.guard));
    }

    #[test]
    fn what_is_expected_of_an_exchange_is_what_it_comes_to(
        standing in standing(code()), shown in shown(), lifetimes in lifetimes(), now in time(0),
    ) {
        let presented = redemption(shown);
        if let Some(next) = presented.expected(&lifetimes, now).next(&standing) {
            match redeem(&standing, &presented, &lifetimes, now) {
                Redeem::Granted { next: granted, .. } => prop_assert_eq!(*granted, next),
                other => prop_assert!(false, "the guard holds, and it is {:?}", other),
            }
        }
    }

    #[test]
    fn what_is_expected_of_a_refresh_is_what_it_comes_to(
        standing in standing(chain()), presented in rotation(), lifetimes in lifetimes(), now in time(0),
    ) {
        if let Some(next) = presented.expected(&lifetimes, now).next(&standing) {
            match rotate(&standing, &presented, &lifetimes, now) {
                Rotate::Granted { next: granted, .. } => prop_assert_eq!(*granted, next),
                other => prop_assert!(false, "the guard holds, and it is {:?}", other),
            }
        }
    }

    #[test]
    fn what_is_expected_to_be_issued_is_what_is(moment in moment(), wanted in access()) {
        let new = sample::new_authorization();
        if let Some(next) = new.expected(&wanted, NOON).next(&moment) {
            prop_assert_eq!(new.issued(&wanted, &moment), Ok(next));
        }
        let anticipated = anticipated(&wanted);
        if let Some(next) = anticipated.expected(NOON).next(&moment) {
            let new = anticipated.of_user(next.user_id);
            prop_assert_eq!(new.issued(&wanted, &moment), Ok(next));
        }
    }
}

fn anticipated(access: &Access) -> Anticipated {
    let new = sample::new_authorization();
    Anticipated {
        id: new.id,
        client_id: new.client_id,
        binding: new.binding,
        code_expires_at: new.code_expires_at,
        access: access.clone(),
    }
}

/// A guard that never held would keep the laws above, and spare no round trip.
#[test]
fn the_usual_cases_are_expected() {
    let lifetimes = Lifetimes::default();
    let mut standing = sample::standing();
    let exchange = sample::redemption().expected(&lifetimes, NOON);
    let redeemed = exchange.next(&standing).expect("the code is good");
    assert_ne!(redeemed.phase, Phase::Redeemed { refresh: None }, "R19");
    standing.connection = Some(Access::openid());
    let online = exchange.next(&standing).expect("the code is good");
    assert_eq!(online.phase, Phase::Redeemed { refresh: None }, "R19");

    standing = Standing {
        authorization: redeemed,
        ..sample::standing()
    };
    for scope in [None, Some("openid"), Some("openid nickname")] {
        let rotation = Rotation {
            authorization: standing.authorization.id,
            client_id: standing.client.id,
            generation: 1,
            scope: RequestedScope::parse(scope),
        };
        let next = rotation.expected(&lifetimes, NOON).next(&standing);
        assert!(next.is_some(), "{scope:?}");
    }

    let access = sample::everything();
    let alias_id = sample::decision().alias_id;
    let moment = Moment {
        waits: true,
        client: Some(sample::client()),
        session: Some(sample::session()),
        connection: Some(Connection::answered(None, alias_id, access.clone(), NOON)),
    };
    assert!(anticipated(&access).expected(NOON).next(&moment).is_some());
    let new = sample::new_authorization();
    assert!(new.expected(&access, NOON).next(&moment).is_some());
}

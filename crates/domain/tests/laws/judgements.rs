//! The laws as far as single judgements keep them.

use alias_domain::{
    Access, AuthorizationRequest, ChannelId, Lifetimes, Params, Phase, RequestedScope, Rotate,
    Rotation, Scope, Screen, Situation, Standing, Step, anticipate, decide, rotate,
    testing::sample::{self, NOON},
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use crate::scope_list;

pub(crate) fn access() -> impl Strategy<Value = Access> {
    let channels = prop::option::of(prop::collection::btree_set(
        (1..=2u32).prop_map(ChannelId),
        0..3,
    ));
    (any::<bool>(), any::<bool>(), channels).prop_map(|(offline, nickname, contact)| {
        let mut access = Access::openid();
        if offline {
            access = access.with(Scope::OfflineAccess);
        }
        if nickname {
            access = access.with(Scope::Nickname);
        }
        match contact {
            Some(channels) => access.with_contact(channels),
            None => access,
        }
    })
}

/// An authorization whose code was exchanged for everything, under any connection.
fn redeemed(approved: Access, connection: Option<Access>, generation: u32) -> Standing {
    let mut standing = sample::standing();
    standing.authorization.approved = approved;
    standing.authorization.phase = Phase::Redeemed {
        refresh: Some(alias_domain::RefreshChain {
            generation,
            issued_at: NOON,
            expires_at: NOON + TimeDelta::days(90),
        }),
    };
    standing.connection = connection;
    standing
}

fn refresh(
    standing: &Standing,
    generation: u32,
    scope: Option<&str>,
    now: DateTime<Utc>,
) -> Rotate {
    let rotation = Rotation {
        authorization: standing.authorization.id,
        client_id: standing.client.id,
        generation,
        scope: RequestedScope::parse(scope),
    };
    rotate(standing, &rotation, &Lifetimes::default(), now)
}

fn granted(rotated: &Rotate) -> Option<&Access> {
    match rotated {
        Rotate::Granted { access, .. } => Some(access),
        _ => None,
    }
}

proptest! {
    #[test]
    fn law_3_refreshing_first_changes_nothing_of_what_a_refresh_yields(
        approved in access(), connection in prop::option::of(access()), scope in scope_list(),
    ) {
        let standing = redeemed(approved, connection, 1);
        let direct = refresh(&standing, 1, Some(&scope), NOON);
        if let Rotate::Granted { next, refresh: chain, .. } = refresh(&standing, 1, None, NOON) {
            let later = Standing { authorization: *next, ..standing };
            let second = refresh(&later, chain.generation, Some(&scope), NOON);
            prop_assert_eq!(granted(&direct), granted(&second));
            prop_assert_eq!(direct == Rotate::ScopeRefused, second == Rotate::ScopeRefused);
        } else {
            prop_assert_eq!(granted(&direct), None);
        }
    }

    #[test]
    fn law_3_revoking_and_granting_again_gives_back_the_same_authority(
        approved in access(), before in access(), meanwhile in access(),
    ) {
        let mut standing = redeemed(approved, Some(before.clone()), 1);
        let authority = standing.authority();
        standing.connection = Some(meanwhile);
        let _ = refresh(&standing, 1, None, NOON);
        standing.connection = Some(before);
        prop_assert_eq!(standing.authority(), authority);
    }

    #[test]
    fn law_2_a_worth_is_within_what_was_approved_and_what_is_granted_now(
        approved in access(), connection in access(), scope in prop::option::of(scope_list()),
    ) {
        let standing = redeemed(approved.clone(), Some(connection.clone()), 1);
        if let Some(access) = granted(&refresh(&standing, 1, scope.as_deref(), NOON)) {
            prop_assert!(approved.covers(access) && connection.covers(access));
        }
    }

    #[test]
    fn law_4_at_most_two_generations_work_at_any_moment(newest in 1..9u32, seconds in 0..7200i64) {
        let standing = redeemed(sample::everything(), Some(sample::everything()), newest);
        let now = NOON + TimeDelta::seconds(seconds);
        let works = |generation: &u32| granted(&refresh(&standing, *generation, None, now)).is_some();
        prop_assert!((0..12).filter(works).count() <= 2);
    }

    #[test]
    fn law_5_including_what_is_granted_changes_nothing_where_nothing_is(scope in scope_list(), channels in any::<bool>()) {
        let client = sample::client();
        let effective = |extra: &str| {
            let channels = if channels { "&channels=notifications" } else { "" };
            let scope = scope.replace(' ', "+");
            let query = format!("response_type=code&scope=openid+{scope}{channels}{extra}");
            let callback = client.callback(sample::REDIRECT_URI).expect("a registered URI");
            AuthorizationRequest::parse(&Params::parse(&query), &client, callback)
                .and_then(|it| it.effective(&client, None))
        };
        prop_assert_eq!(
            effective("&include_granted_scopes=true&include_granted_channels=true"),
            effective("")
        );
    }

    #[test]
    fn law_5_asking_twice_changes_nothing_the_second_time(connection in prop::option::of(access()), wanted in access()) {
        let client = sample::client();
        let answer = |now: Option<&Access>| {
            let screen = Screen::new(&client, wanted.clone(), now);
            let selected = screen.selection(&client, &alias_domain::Answer::AllowAll).expect("shown");
            screen.applied(&selected, now)
        };
        let once = answer(connection.as_ref());
        prop_assert!(once.covers(&wanted));
        prop_assert_eq!(answer(Some(&once)), once);
    }

    #[test]
    fn r13_what_is_anticipated_is_issued_to_whoever_granted_it_and_to_nobody_else(
        connection in access(), scope in scope_list(), wish in prop::sample::select(vec![
            "", "&prompt=none", "&prompt=login", "&prompt=consent", "&prompt=select_account",
            "&max_age=9", "&channels=notifications", "&channels=notifications&prompt=none",
            "&include_granted_scopes=true", "&channels=notifications&include_granted_channels=true",
        ]),
    ) {
        let client = sample::client();
        let query = format!("response_type=code&scope=openid+{}{wish}", scope.replace(' ', "+"));
        let callback = client.callback(sample::REDIRECT_URI).expect("a registered URI");
        let request = AuthorizationRequest::parse(&Params::parse(&query), &client, callback);
        if let Some((request, access)) = request.ok().and_then(|it| Some((it.clone(), anticipate(&it, &client)?))) {
            let step = decide(&request, &Situation {
                client: &client,
                session: Some(&sample::session()),
                account_chosen: false,
                authenticated_here: false,
                connection: Some(&connection),
                users: None,
                now: NOON + TimeDelta::hours(1),
            });
            let covered = connection.covers(&access);
            prop_assert_eq!(step == Step::Issue(access), covered);
        }
    }

    #[test]
    fn parameters_never_panic_whatever_they_are(query in "\\PC{0,200}") {
        let client = sample::client();
        let callback = client.callback(sample::REDIRECT_URI).expect("a registered URI");
        let params = Params::parse(&query);
        let request = AuthorizationRequest::parse(&params, &client, callback);
        prop_assert_eq!(request.is_ok() && !params.has("scope"), false);
    }
}

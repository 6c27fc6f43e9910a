//! Codes, refresh tokens and what they are worth: R16, R17, R19 to R24, R28.

#![expect(clippy::panic, reason = "what a test presupposes fails it")]

use alias_domain::{
    Access, ChannelId, ClientKind, Lifetimes, Phase, Redeem, Redemption, RefreshChain,
    RequestedScope, Rotate, Rotation, Scope, Standing, redeem, rotate,
    testing::sample::{self, NOON, client, redemption, standing},
};
use chrono::{DateTime, TimeDelta, Utc};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn after(seconds: i64) -> DateTime<Utc> {
    NOON + TimeDelta::seconds(seconds)
}

fn exchange(standing: &Standing, redemption: &Redemption) -> Redeem {
    redeem(standing, redemption, &Lifetimes::default(), after(1))
}

/// The standing once its code was exchanged.
fn redeemed(standing: &Standing) -> Standing {
    match exchange(standing, &redemption()) {
        Redeem::Granted { next, .. } => Standing {
            authorization: *next,
            ..standing.clone()
        },
        other => panic!("the code was not exchanged: {other:?}"),
    }
}

fn chain(standing: &Standing) -> Option<RefreshChain> {
    match standing.authorization.phase {
        Phase::Redeemed { refresh } => refresh,
        Phase::Code { .. } => None,
    }
}

fn rotation(generation: u32, scope: Option<&str>) -> Rotation {
    Rotation {
        authorization: redemption().authorization,
        client_id: client().id,
        generation,
        scope: RequestedScope::parse(scope),
    }
}

fn refresh(standing: &Standing, generation: u32, at: DateTime<Utc>) -> Rotate {
    rotate(
        standing,
        &rotation(generation, None),
        &Lifetimes::default(),
        at,
    )
}

fn refreshed(standing: &Standing, generation: u32, at: DateTime<Utc>) -> (u32, Standing) {
    match refresh(standing, generation, at) {
        Rotate::Granted { refresh, next, .. } => {
            let next = Standing {
                authorization: *next,
                ..standing.clone()
            };
            (refresh.generation, next)
        }
        other => panic!("not refreshed: {other:?}"),
    }
}

#[test]
fn r17_a_code_yields_the_authority_of_that_moment() {
    let mut standing = standing();
    standing.connection = Some(Access::openid().with(Scope::Nickname));
    let Redeem::Granted { access, .. } = exchange(&standing, &redemption()) else {
        panic!("the code was not exchanged");
    };
    assert_eq!(access, Access::openid().with(Scope::Nickname));
}

#[test]
fn r17_a_code_lives_sixty_seconds() {
    let at = |seconds| {
        redeem(
            &standing(),
            &redemption(),
            &Lifetimes::default(),
            after(seconds),
        )
    };
    assert!(matches!(at(59), Redeem::Granted { .. }));
    assert_eq!(at(60), Redeem::Refused);
}

#[test]
fn r17_without_openid_a_code_is_worth_nothing() {
    let disconnected = Standing {
        connection: None,
        ..standing()
    };
    assert_eq!(exchange(&disconnected, &redemption()), Redeem::Refused);
}

#[test]
fn r17_a_second_use_by_its_own_client_is_a_replay() {
    assert_eq!(
        exchange(&redeemed(&standing()), &redemption()),
        Redeem::Replayed
    );
}

#[test]
fn r17_a_try_by_anybody_else_or_with_a_wrong_redirect_uri_changes_nothing() {
    let foreign = Redemption {
        client_id: sample::public_client().id,
        ..redemption()
    };
    let elsewhere = Redemption {
        redirect_uri: "https://example.com/".to_owned(),
        ..redemption()
    };
    for presented in [foreign, elsewhere] {
        assert_eq!(exchange(&standing(), &presented), Redeem::Refused);
        assert_eq!(
            exchange(&redeemed(&standing()), &presented),
            Redeem::Refused
        );
    }
}

#[test]
fn r28_a_verifier_is_needed_exactly_if_there_was_a_challenge() {
    let mut bound = standing();
    bound.authorization.binding.challenge = CHALLENGE.parse().ok();
    let with = |verifier: Option<&str>| Redemption {
        verifier: verifier.map(str::to_owned),
        ..redemption()
    };
    assert!(matches!(
        exchange(&bound, &with(Some(VERIFIER))),
        Redeem::Granted { .. }
    ));
    for wrong in [None, Some(CHALLENGE), Some("")] {
        assert_eq!(exchange(&bound, &with(wrong)), Redeem::Refused, "{wrong:?}");
    }
    assert_eq!(
        exchange(&standing(), &with(Some(VERIFIER))),
        Redeem::Refused
    );
}

#[test]
fn r19_a_refresh_token_needs_offline_access_and_a_confidential_client() {
    assert!(chain(&redeemed(&standing())).is_some());
    let mut online = standing();
    online.connection = Some(Access::openid());
    assert_eq!(chain(&redeemed(&online)), None);
    let mut public = standing();
    public.client.kind = ClientKind::Public;
    assert_eq!(chain(&redeemed(&public)), None);
}

#[test]
fn r20_revoking_shrinks_and_granting_again_restores() {
    let mut standing = redeemed(&standing());
    let worth = |standing: &Standing| match refresh(standing, 1, after(2)) {
        Rotate::Granted { access, .. } => access,
        other => panic!("not refreshed: {other:?}"),
    };
    standing.connection = Some(Access::openid().with(Scope::OfflineAccess));
    assert_eq!(worth(&standing).to_string(), "openid offline_access");
    standing.connection = Some(sample::everything());
    assert_eq!(worth(&standing), sample::everything());
}

#[test]
fn r20_r21_narrowing_one_refresh_never_narrows_the_next() {
    let before = redeemed(&standing());
    let narrowed = rotate(
        &before,
        &rotation(1, Some("openid nickname")),
        &Lifetimes::default(),
        after(2),
    );
    let Rotate::Granted {
        access,
        refresh: chain,
        next,
    } = narrowed
    else {
        panic!("not refreshed");
    };
    assert_eq!(access.to_string(), "openid nickname");
    let next = Standing {
        authorization: *next,
        ..before
    };
    let Rotate::Granted { access, .. } = refresh(&next, chain.generation, after(3)) else {
        panic!("not refreshed");
    };
    assert_eq!(access, sample::everything());
}

#[test]
fn r21_a_scope_outside_the_authority_is_refused_and_nothing_is_used() {
    let mut standing = redeemed(&standing());
    standing.connection = Some(Access::openid().with(Scope::OfflineAccess));
    for scope in [
        "openid nickname",
        "openid profile",
        "offline_access",
        "openid \"",
        " ",
    ] {
        let answer = rotate(
            &standing,
            &rotation(1, Some(scope)),
            &Lifetimes::default(),
            after(2),
        );
        assert_eq!(answer, Rotate::ScopeRefused, "{scope}");
    }
}

#[test]
fn r21_channels_are_narrowed_with_contact() {
    let standing = redeemed(&standing());
    let narrowed = |scope| match rotate(
        &standing,
        &rotation(1, Some(scope)),
        &Lifetimes::default(),
        after(2),
    ) {
        Rotate::Granted { access, .. } => standing.client.channel_list(&access),
        other => panic!("not refreshed: {other:?}"),
    };
    assert_eq!(narrowed("openid nickname"), None);
    assert_eq!(
        narrowed("openid contact"),
        Some("notifications product_updates".to_owned())
    );
}

#[test]
fn r22_without_openid_or_offline_access_refreshing_ends_before_scope_is_looked_at() {
    let mut standing = redeemed(&standing());
    for connection in [None, Some(Access::openid().with(Scope::Nickname))] {
        standing.connection = connection;
        let answer = rotate(
            &standing,
            &rotation(1, Some("openid profile")),
            &Lifetimes::default(),
            after(2),
        );
        assert_eq!(answer, Rotate::Refused);
    }
}

#[test]
fn r23_each_refresh_returns_the_next_generation_with_a_later_expiry() {
    let first = redeemed(&standing());
    let (generation, second) = refreshed(&first, 1, after(100));
    assert_eq!(generation, 2);
    let expiry = |standing: &Standing| chain(standing).map(|it| it.expires_at);
    assert!(expiry(&second) > expiry(&first));
}

#[test]
fn r23_the_previous_generation_gives_the_same_next_one_within_the_grace() {
    let (_, second) = refreshed(&redeemed(&standing()), 1, after(100));
    let (generation, same) = refreshed(&second, 1, after(3699));
    assert_eq!(generation, 2);
    assert_eq!(chain(&same), chain(&second));
    assert_eq!(refresh(&second, 1, after(3700)), Rotate::Replayed);
}

#[test]
fn r23_the_previous_generation_ends_once_the_new_one_is_used() {
    let (_, second) = refreshed(&redeemed(&standing()), 1, after(100));
    let (_, third) = refreshed(&second, 2, after(101));
    assert_eq!(refresh(&third, 1, after(102)), Rotate::Replayed);
}

#[test]
fn r23_a_generation_ahead_or_of_another_client_changes_nothing() {
    let (_, second) = refreshed(&redeemed(&standing()), 1, after(100));
    assert_eq!(refresh(&second, 3, after(101)), Rotate::Refused);
    for generation in 0..4 {
        let foreign = Rotation {
            client_id: sample::public_client().id,
            ..rotation(generation, None)
        };
        let answer = rotate(&second, &foreign, &Lifetimes::default(), after(101));
        assert_eq!(answer, Rotate::Refused, "{generation}");
    }
}

#[test]
fn r23_a_refresh_token_ends() {
    let standing = redeemed(&standing());
    let ends = chain(&standing).map_or(NOON, |it| it.expires_at);
    assert!(matches!(
        refresh(&standing, 1, ends - TimeDelta::seconds(1)),
        Rotate::Granted { .. }
    ));
    assert_eq!(refresh(&standing, 1, ends), Rotate::Refused);
}

#[test]
fn a_user_token_is_worth_nothing_once_it_has_expired() {
    let standing = redeemed(&standing());
    let token = sample::user_token();
    let before = token.expires_at - TimeDelta::milliseconds(1);
    assert!(token.worth(&standing, before).is_some());
    assert_eq!(token.worth(&standing, token.expires_at), None);
}

#[test]
fn a_refresh_token_that_would_not_serve_is_worth_nothing() {
    let (_, second) = refreshed(&redeemed(&standing()), 1, after(100));
    let chain = chain(&second).unwrap_or_else(|| panic!("there is a chain"));
    let worth = |generation, at| chain.worth(&second, generation, &Lifetimes::default(), at);
    let last = chain.expires_at - TimeDelta::milliseconds(1);
    assert!(worth(2, last).is_some());
    assert_eq!(worth(2, chain.expires_at), None, "expired");
    assert!(worth(1, after(3699)).is_some());
    assert_eq!(worth(1, after(3700)), None, "past the grace");
    assert_eq!(worth(0, after(101)), None, "older");
    assert_eq!(worth(3, after(101)), None, "ahead");
}

#[test]
fn r24_a_user_token_is_worth_what_the_connection_still_has() {
    let mut standing = redeemed(&standing());
    let token = alias_domain::UserToken {
        access: Access::openid().with_contact([ChannelId(1)].into()),
        ..sample::user_token()
    };
    assert_eq!(token.worth(&standing, after(2)), Some(token.access.clone()));
    standing.connection = Some(Access::openid().with_contact([ChannelId(2)].into()));
    assert_eq!(
        token.worth(&standing, after(2)),
        Some(Access::openid().with(Scope::Contact))
    );
    standing.connection = Some(Access::openid());
    assert_eq!(token.worth(&standing, after(2)), Some(Access::openid()));
    standing.connection = None;
    assert_eq!(token.worth(&standing, after(2)), None);
}

#[test]
fn r30_of_a_locked_user_nothing_is_worth_anything_and_nothing_dies() {
    let mut standing = redeemed(&standing());
    standing.user.locked = true;
    assert_eq!(sample::user_token().worth(&standing, after(2)), None);
    assert_eq!(refresh(&standing, 1, after(2)), Rotate::Refused);
    standing.user.locked = false;
    assert!(matches!(
        refresh(&standing, 1, after(3)),
        Rotate::Granted { .. }
    ));
}

#[test]
fn r16_channels_are_listed_exactly_with_contact_in_declared_order() {
    let client = client();
    let list = |access: &Access| client.channel_list(access);
    assert_eq!(list(&Access::openid()), None);
    assert_eq!(
        list(&Access::openid().with(Scope::Contact)),
        Some(String::new())
    );
    let both = Access::openid().with_contact([ChannelId(2), ChannelId(1)].into());
    assert_eq!(
        list(&both),
        Some("notifications product_updates".to_owned())
    );
}

// What was issued by a clock that was ahead does not outlive its lifetime.

#[test]
fn r17_a_code_that_was_issued_in_the_future_is_refused_and_not_spent() {
    let standing = standing();
    let by = |seconds: i64| {
        let now = after(-seconds);
        redeem(&standing, &redemption(), &Lifetimes::default(), now)
    };
    for skew in [0, 30, 60] {
        assert!(matches!(by(skew), Redeem::Granted { .. }), "{skew}");
    }
    for ahead in [61, 3600, 3 * 365 * 86_400] {
        assert_eq!(by(ahead), Redeem::Refused, "{ahead}");
    }
}

#[test]
fn r23_a_replaced_refresh_token_of_the_future_is_no_retry_and_no_replay() {
    let (_, standing) = refreshed(&redeemed(&standing()), 1, after(1));
    let retried = |at: i64| refresh(&standing, 1, after(at));
    for at in [2, 3599, -30, -3598] {
        assert!(matches!(retried(at), Rotate::Granted { .. }), "{at}");
    }
    for at in [-3599, -3600, -3 * 365 * 86_400] {
        assert_eq!(retried(at), Rotate::Refused, "{at}");
        let worth = chain(&standing)
            .and_then(|it| it.worth(&standing, 1, &Lifetimes::default(), after(at)));
        assert_eq!(worth, None);
    }
    assert_eq!(retried(3601), Rotate::Replayed);
    // The newest goes on, and lives from now on.
    let (_, standing) = refreshed(&standing, 2, after(-7200));
    assert_eq!(chain(&standing).map(|it| it.issued_at), Some(after(-7200)));
}

#[test]
fn a_user_token_that_was_issued_in_the_future_is_worth_nothing() {
    let (token, standing) = (sample::user_token(), standing());
    for skew in [0, -30, -60] {
        assert!(token.worth(&standing, after(skew)).is_some(), "{skew}");
    }
    for ahead in [-61, -3600, -3 * 365 * 86_400] {
        assert_eq!(token.worth(&standing, after(ahead)), None, "{ahead}");
    }
}

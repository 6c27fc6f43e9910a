//! What [`Authorizations`](crate::ports::Authorizations) promises.

use chrono::TimeDelta;

use super::{Kept, scene::*};
use crate::{
    Access, ClientId, CodeBinding, Phase, Redeem, Redemption, RequestedScope, Revocation, Rotate,
    Rotation, Scope, Standing,
    ports::{Decision, Store},
    testing::sample,
};

/// The pair of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Fred's decision, on a request with a PKCE challenge.
fn challenged() -> Decision {
    let mut decision = freds(1);
    decision.new.binding = CodeBinding {
        challenge: CHALLENGE.parse().ok(),
        ..sample::new_authorization().binding
    };
    decision
}

pub async fn an_unknown_authorization_is_none(store: &dyn Store) -> Kept {
    assert_eq!(store.standing(authorization(1)).await?, None);
    assert_eq!(redeem(store, &redemption(1), NOON).await?, None);
    assert_eq!(rotate(store, &rotation(1), NOON).await?, None);
    store.void_user_tokens(authorization(1), NOON).await
}

pub async fn a_standing_is_read_whole(store: &dyn Store) -> Kept {
    asked(store).await?;
    let decision = challenged();
    store.record_decision(&decision, NOON).await?;
    let waiting = Standing {
        alias_id: decision.alias_id,
        authorization: decision
            .new
            .clone()
            .approved(everything(), &session(&fred())),
        ..sample::standing()
    };
    assert_eq!(
        store.standing(decision.new.id).await?,
        Some(waiting.clone())
    );

    let with_verifier = Redemption {
        verifier: Some(VERIFIER.to_owned()),
        ..redemption(1)
    };
    let redeemed = store.redeem(&with_verifier, &lifetimes(), NOON).await?;
    let Some((before, Redeem::Granted { next, .. })) = redeemed else {
        panic!("the code is good: {redeemed:?}");
    };
    assert_eq!(before, waiting);
    let after = Standing {
        authorization: *next,
        ..waiting
    };
    assert_eq!(store.standing(decision.new.id).await?, Some(after.clone()));

    let rotated = store.rotate(&rotation(1), &lifetimes(), minutes(1)).await?;
    let Some((before, Rotate::Granted { next, .. })) = rotated else {
        panic!("the refresh token is good: {rotated:?}");
    };
    assert_eq!(before, after);
    let after = store.standing(decision.new.id).await?;
    assert_eq!(after.map(|it| it.authorization), Some(*next));
    Ok(())
}

pub async fn r17_a_code_is_exchanged_for_the_authority_of_that_moment(store: &dyn Store) -> Kept {
    approved(store).await?;
    let nickname = Revocation::Scope(Scope::Nickname);
    store
        .revoke(fred().id, example().id, &nickname, NOON)
        .await?
        .expect("it was granted");
    let verdict = redeem(store, &redemption(1), NOON).await?;
    let Some(Redeem::Granted { access, .. }) = verdict else {
        panic!("the code is good: {verdict:?}");
    };
    assert_eq!(Some(access), everything().without(Scope::Nickname));
    Ok(())
}

pub async fn r17_a_second_use_of_a_code_kills_the_authorization(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    assert_eq!(
        redeem(store, &redemption(1), NOON).await?,
        Some(Redeem::Replayed)
    );
    assert_eq!(store.standing(authorization(1)).await?, None);
    assert_eq!(redeem(store, &redemption(1), NOON).await?, None);
    assert_eq!(granted(store).await?, Some(everything()));
    Ok(())
}

pub async fn r17_a_try_by_anybody_else_changes_nothing(store: &dyn Store) -> Kept {
    approved(store).await?;
    let thief = Redemption {
        client_id: other_client().id,
        ..redemption(1)
    };
    let elsewhere = Redemption {
        redirect_uri: "https://example.com/elsewhere".to_owned(),
        ..redemption(1)
    };
    for attempt in [&thief, &elsewhere] {
        assert_eq!(redeem(store, attempt, NOON).await?, Some(Redeem::Refused));
    }
    exchanges(store, 1).await?;
    for attempt in [&thief, &elsewhere] {
        assert_eq!(redeem(store, attempt, NOON).await?, Some(Redeem::Refused));
    }
    assert_eq!(authority(store, 1).await?, Some(everything()));
    Ok(())
}

pub async fn r17_an_expired_code_is_refused(store: &dyn Store) -> Kept {
    approved(store).await?;
    let end = freds(1).new.code_expires_at;
    assert_eq!(
        redeem(store, &redemption(1), end).await?,
        Some(Redeem::Refused)
    );
    let last_moment = end - TimeDelta::milliseconds(1);
    let verdict = redeem(store, &redemption(1), last_moment).await?;
    assert!(matches!(verdict, Some(Redeem::Granted { .. })));
    Ok(())
}

pub async fn r19_only_offline_access_begins_a_refresh_chain(store: &dyn Store) -> Kept {
    signed_in(store).await?;
    records(store, &decision(1, &fred(), &example(), Access::openid())).await?;
    exchanges(store, 1).await?;
    let standing = store.standing(authorization(1)).await?;
    let phase = standing.map(|it| it.authorization.phase);
    assert_eq!(phase, Some(Phase::Redeemed { refresh: None }));
    assert_eq!(
        rotate(store, &rotation(1), NOON).await?,
        Some(Rotate::Refused)
    );
    Ok(())
}

pub async fn r20_a_refresh_is_worth_the_authority_of_that_moment(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    let nickname = Revocation::Scope(Scope::Nickname);
    store
        .revoke(fred().id, example().id, &nickname, NOON)
        .await?
        .expect("it was granted");
    let less = everything().without(Scope::Nickname);
    let verdict = rotate(store, &rotation(1), NOON).await?;
    assert!(
        matches!(verdict, Some(Rotate::Granted { access, .. }) if Some(&access) == less.as_ref())
    );
    approves(store, 2).await?;
    let verdict = rotate(store, &rotation(2), NOON).await?;
    assert!(matches!(verdict, Some(Rotate::Granted { access, .. }) if access == everything()));
    Ok(())
}

pub async fn r21_a_refused_scope_leaves_the_refresh_token_unused(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    let impossible = Rotation {
        scope: RequestedScope::Impossible(crate::ScopeFault::NoOpenId),
        ..rotation(1)
    };
    let before = store.standing(authorization(1)).await?;
    assert_eq!(
        rotate(store, &impossible, minutes(1)).await?,
        Some(Rotate::ScopeRefused)
    );
    assert_eq!(store.standing(authorization(1)).await?, before);
    Ok(())
}

pub async fn r22_a_refresh_without_offline_access_is_refused(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    let offline = Revocation::Scope(Scope::OfflineAccess);
    store
        .revoke(fred().id, example().id, &offline, NOON)
        .await?
        .expect("it was granted");
    assert_eq!(
        rotate(store, &rotation(1), NOON).await?,
        Some(Rotate::Refused)
    );
    approves(store, 2).await?;
    assert_eq!(
        next_generation(rotate(store, &rotation(1), NOON).await?.as_ref()),
        Some(2)
    );
    Ok(())
}

pub async fn r23_a_refresh_moves_on_to_the_next_generation(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    for generation in 1..=3 {
        let now = minutes(i64::from(generation));
        let verdict = rotate(store, &rotation(generation), now).await?;
        assert_eq!(next_generation(verdict.as_ref()), Some(generation + 1));
    }
    Ok(())
}

pub async fn r23_a_retry_gets_the_same_generation(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    for minute in [0, 1, 59] {
        let verdict = rotate(store, &rotation(1), minutes(minute)).await?;
        assert_eq!(next_generation(verdict.as_ref()), Some(2));
    }
    Ok(())
}

pub async fn r23_a_replay_kills_the_authorization(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    rotate(store, &rotation(1), NOON).await?;
    rotate(store, &rotation(2), NOON).await?;
    assert_eq!(
        rotate(store, &rotation(1), NOON).await?,
        Some(Rotate::Replayed)
    );
    assert_eq!(store.standing(authorization(1)).await?, None);
    assert_eq!(rotate(store, &rotation(3), NOON).await?, None);
    Ok(())
}

pub async fn r23_a_generation_ahead_or_of_another_client_changes_nothing(
    store: &dyn Store,
) -> Kept {
    exchanged(store).await?;
    let thief = Rotation {
        client_id: ClientId::from_uuid(other_client().id.uuid()),
        ..rotation(1)
    };
    let before = store.standing(authorization(1)).await?;
    for attempt in [rotation(2), rotation(u32::MAX), thief] {
        assert_eq!(
            rotate(store, &attempt, minutes(1)).await?,
            Some(Rotate::Refused)
        );
    }
    assert_eq!(store.standing(authorization(1)).await?, before);
    Ok(())
}

pub async fn r23_an_expired_refresh_token_is_refused_and_changes_nothing(
    store: &dyn Store,
) -> Kept {
    exchanged(store).await?;
    let before = store.standing(authorization(1)).await?;
    let at = NOON + lifetimes().refresh_token;
    assert_eq!(
        rotate(store, &rotation(1), at).await?,
        Some(Rotate::Refused)
    );
    assert_eq!(store.standing(authorization(1)).await?, before);
    Ok(())
}

pub async fn r28_a_code_serves_only_with_its_verifier(store: &dyn Store) -> Kept {
    asked(store).await?;
    store.record_decision(&challenged(), NOON).await?;
    let with = |verifier: &str| Redemption {
        verifier: Some(verifier.to_owned()),
        ..redemption(1)
    };
    for attempt in [redemption(1), with(CHALLENGE)] {
        assert_eq!(redeem(store, &attempt, NOON).await?, Some(Redeem::Refused));
    }
    let verdict = redeem(store, &with(VERIFIER), NOON).await?;
    assert!(matches!(verdict, Some(Redeem::Granted { .. })));
    Ok(())
}

pub async fn ending_an_authorization_twice_is_harmless(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    approves(store, 2).await?;
    store.end_authorization(authorization(1)).await?;
    store.end_authorization(authorization(1)).await?;
    assert_eq!(store.standing(authorization(1)).await?, None);
    assert_eq!(authority(store, 2).await?, Some(everything()));
    assert_eq!(granted(store).await?, Some(everything()));
    Ok(())
}

pub async fn voided_user_tokens_stay_void_and_refreshing_goes_on(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    store.void_user_tokens(authorization(1), minutes(2)).await?;
    store.void_user_tokens(authorization(1), minutes(1)).await?;
    let verdict = rotate(store, &rotation(1), minutes(3)).await?;
    assert_eq!(next_generation(verdict.as_ref()), Some(2));
    let standing = store.standing(authorization(1)).await?;
    let voided = standing.and_then(|it| it.authorization.user_tokens_void_through);
    assert_eq!(voided, Some(minutes(2)));
    Ok(())
}

//! What [`Store`] itself promises.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Kept, scene::*};
use crate::{
    ClientSecret, Digest, Interaction, Lifetimes, Phase, RefreshChain, Revocation,
    ports::{SessionStart, Store, StoreError},
};

/// More than any case has.
const ALL: u32 = 1000;

/// When the refresh token that was issued at noon ends, and its authorization with it.
fn end_of_refresh() -> DateTime<Utc> {
    NOON + lifetimes().refresh_token
}

/// Two secrets, one of which ends at one o'clock, as the interactions do.
fn secrets() -> [ClientSecret; 2] {
    [None, Some(minutes(60))].map(|expires_at| ClientSecret {
        digest: Digest::of(format!("{expires_at:?}").as_bytes()),
        expires_at,
    })
}

/// One of everything that can end: a refresh chain, a code, a request, a session, a secret.
async fn busy(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    approves(store, 2).await?;
    store
        .close_interaction(interaction(2, &example()).id, NOON)
        .await?;
    store.set_client_secrets(example().id, &secrets()).await?;
    Ok(())
}

/// What of that a sweep leaves, as it can be seen at noon.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    refresh_chain: bool,
    code: bool,
    interactions: usize,
    sessions: usize,
    secrets: usize,
}

async fn left(store: &dyn Store) -> Result<Left, StoreError> {
    let mut interactions = 0;
    for number in 1..=9 {
        let id = interaction(number, &example()).id;
        interactions += usize::from(store.interaction(id, NOON).await?.is_some());
    }
    let secrets = store.client_with_secrets(example().id).await?;
    Ok(Left {
        refresh_chain: store.standing(authorization(1)).await?.is_some(),
        code: store.standing(authorization(2)).await?.is_some(),
        interactions,
        sessions: store
            .live_sessions(&[sign_in(&fred()).token], NOON)
            .await?
            .len(),
        secrets: secrets.map_or(0, |it| it.1.len()),
    })
}

pub async fn a_store_answers_a_ping(store: &dyn Store) -> Kept {
    store.ping().await
}

pub async fn the_latest_activity_is_a_sign_in_a_request_or_a_refresh(store: &dyn Store) -> Kept {
    assert_eq!(store.latest_activity().await?, None);
    exchanged(store).await?;
    assert_eq!(store.latest_activity().await?, Some(NOON));
    rotate(store, &rotation(1), minutes(30)).await?;
    assert_eq!(store.latest_activity().await?, Some(minutes(30)));
    let request = Interaction {
        expires_at: minutes(40) + Lifetimes::INTERACTION,
        ..interaction(7, &example())
    };
    store.open_interaction(&request).await?;
    assert_eq!(store.latest_activity().await?, Some(minutes(40)));
    let again = SessionStart {
        token: Digest::of(b"again"),
        presented: vec![sign_in(&fred()).token],
        auth_time: minutes(50),
        expires_at: minutes(50) + lifetimes().session,
        ..sign_in(&fred())
    };
    store.start_session(&again).await?;
    assert_eq!(store.latest_activity().await?, Some(minutes(50)));
    Ok(())
}

pub async fn a_sweep_touches_nothing_alive(store: &dyn Store) -> Kept {
    busy(store).await?;
    let before = left(store).await?;
    let last_moment = freds(2).new.code_expires_at - TimeDelta::milliseconds(1);
    assert_eq!(store.sweep(last_moment, ALL).await?, 0);
    assert_eq!(left(store).await?, before);
    Ok(())
}

pub async fn a_sweep_removes_what_has_ended(store: &dyn Store) -> Kept {
    busy(store).await?;
    let mut expected = left(store).await?;
    assert_eq!((expected.interactions, expected.secrets), (2, 2));

    assert_eq!(store.sweep(freds(2).new.code_expires_at, ALL).await?, 1);
    expected.code = false;
    assert_eq!(left(store).await?, expected);

    assert_eq!(store.sweep(minutes(60), ALL).await?, 3);
    (expected.interactions, expected.secrets) = (0, 1);
    assert_eq!(left(store).await?, expected);

    assert_eq!(store.sweep(sign_in(&fred()).expires_at, ALL).await?, 1);
    expected.sessions = 0;
    assert_eq!(left(store).await?, expected);

    assert_eq!(store.sweep(end_of_refresh(), ALL).await?, 1);
    expected.refresh_chain = false;
    assert_eq!(left(store).await?, expected);
    Ok(())
}

pub async fn a_sweep_removes_no_more_than_its_limit(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    for number in 2..=6 {
        approves(store, number).await?;
    }
    let end = freds(1).new.code_expires_at;
    for removed in [2, 2, 1, 0] {
        assert_eq!(store.sweep(end, 2).await?, removed);
    }
    for removed in [4, 2, 0] {
        assert_eq!(store.sweep(minutes(60), 4).await?, removed);
    }
    assert_eq!(store.sweep(end_of_refresh(), 0).await?, 0);
    assert_eq!(authority(store, 1).await?, Some(everything()));
    Ok(())
}

pub async fn a_sweep_spares_what_a_refresh_prolonged(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    let later = end_of_refresh() - TimeDelta::minutes(1);
    store.sweep(minutes(2), ALL).await?;
    rotate(store, &rotation(1), later).await?;
    store.sweep(end_of_refresh(), ALL).await?;

    let standing = store.standing(authorization(1)).await?;
    let chain = RefreshChain {
        generation: 2,
        issued_at: later,
        expires_at: later + lifetimes().refresh_token,
    };
    let phase = Phase::Redeemed {
        refresh: Some(chain),
    };
    assert_eq!(standing.map(|it| it.authorization.phase), Some(phase));
    Ok(())
}

pub async fn a_sweep_spares_the_alias_id(store: &dyn Store) -> Kept {
    approved(store).await?;
    store
        .revoke(fred().id, example().id, &Revocation::Disconnect, NOON)
        .await?
        .expect("connected");
    store.sweep(minutes(60), ALL).await?;
    approves(store, 2).await?;
    let connection = store.connection(fred().id, example().id).await?;
    assert_eq!(connection.map(|it| it.alias_id), Some(freds(1).alias_id));
    Ok(())
}

pub async fn refreshing_adds_nothing_to_sweep(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    store.sweep(sign_in(&fred()).expires_at, ALL).await?;
    for generation in 1..=10 {
        let verdict = rotate(store, &rotation(generation), NOON).await?;
        assert_eq!(next_generation(verdict.as_ref()), Some(generation + 1));
    }
    assert_eq!(store.sweep(end_of_refresh(), ALL).await?, 1);
    Ok(())
}

//! What a store promises of a client or user that was deleted, however many rows are still to go.
//!
//! The cases delete one that has few. A store's own tests can add very many between [`begun`] and what
//! follows, so that not all of them go at once.

use chrono::TimeDelta;

use super::{Kept, scene::*};
use crate::{
    Digest, Revocation, RevocationError, SessionId, User, UserId,
    ports::{Claim, SessionStart, Started, Store, StoreError},
};

/// How often rows are removed, at most, before a case counts as hanging.
const BATCHES: u32 = 100_000;

/// Fred's session elsewhere, which has ended.
fn elsewhere() -> SessionStart {
    SessionStart {
        id: SessionId::from_uuid(uuid::Uuid::from_u128(77)),
        token: Digest::of(b"elsewhere"),
        ..sign_in(&fred())
    }
}

/// How many clients are to be told that a session ended.
async fn told_now(store: &dyn Store) -> Result<usize, StoreError> {
    let claim = Claim {
        now: NOON,
        until: NOON + TimeDelta::minutes(1),
        limit: 1000,
        except: Vec::new(),
    };
    Ok(store.claim_notices(&claim).await?.len())
}

/// Fred allowed the first client everything, is signed in, and signed out elsewhere, of which it is
/// to be told. A code and a form wait.
pub async fn begun(store: &dyn Store) -> Kept {
    let secret = crate::ClientSecret {
        digest: Digest::of(b"a secret"),
        expires_at: None,
    };
    store.insert_client(&told(), &[secret]).await?;
    store.insert_client(&other_client(), &[]).await?;
    arrives(store, &fred()).await?;
    arrives(store, &ginger()).await?;
    let elsewhere = elsewhere();
    store.start_session(&elsewhere).await?;
    let mut there = decision(1, &fred(), &told(), everything());
    there.session = elsewhere.id;
    records(store, &there).await?;
    store.end_session(elsewhere.id).await?;
    records(store, &decision(2, &fred(), &told(), everything())).await?;
    records(store, &decision(3, &ginger(), &told(), everything())).await?;
    records(
        store,
        &decision(4, &ginger(), &other_client(), everything()),
    )
    .await?;
    store.open_interaction(&interaction(9, &told())).await
}

/// Removes what is left of what was deleted; how many rows that were.
///
/// # Errors
/// If the store does not answer.
pub async fn purged(store: &dyn Store, limit: u32) -> Result<u64, StoreError> {
    let mut total = 0;
    for _ in 0..BATCHES {
        match store.purge(limit).await? {
            0 => return Ok(total),
            removed => total += u64::from(removed),
        }
    }
    panic!("rows are removed without end");
}

/// Nothing of the first client counts, and the other goes on.
pub async fn the_client_counts_for_nothing(store: &dyn Store) -> Kept {
    let (client, user) = (told(), fred());
    assert_eq!(store.client(client.id).await?, None);
    assert_eq!(store.client_with_secrets(client.id).await?, None);
    assert!(store.clients().await?.iter().all(|it| it.id != client.id));
    assert!(!store.update_client(&client, &client).await?);
    assert!(!store.set_client_secrets(client.id, &[]).await?);
    assert!(!store.delete_client(client.id).await?);
    nothing_is_granted(store).await?;
    let form = interaction(9, &client);
    assert_eq!(store.interaction(form.id, NOON).await?, None);
    let another = interaction(10, &client);
    store.open_interaction(&another).await?;
    assert_eq!(store.interaction(another.id, NOON).await?, None);
    // The sessions of those who were connected go on, and leave nobody to tell.
    let others = store
        .live_sessions(&[sign_in(&ginger()).token], NOON)
        .await?;
    assert_eq!(others.len(), 1);
    store.end_session(session_of(&user)).await?;
    assert_eq!(told_now(store).await?, 0);
    assert_eq!(authority(store, 3).await?, None);
    assert!(authority(store, 4).await?.is_some());
    Ok(())
}

/// Nothing of Fred counts, Ginger goes on, and whoever comes may have his address.
pub async fn the_user_counts_for_nothing(store: &dyn Store) -> Kept {
    let user = fred();
    assert_eq!(store.user(user.id).await?, None);
    assert!(store.users().await?.iter().all(|it| it.id != user.id));
    assert!(!store.lock_user(user.id, true).await?);
    assert!(!store.delete_user(user.id).await?);
    nothing_is_granted(store).await?;
    assert_eq!(store.connections(user.id).await?, []);
    let token = sign_in(&user).token;
    assert_eq!(store.live_sessions(&[token], NOON).await?, []);
    let live = store.live_grants(&[token], told().id, NOON).await?;
    assert_eq!(live, []);
    let again = SessionStart {
        id: SessionId::from_uuid(uuid::Uuid::from_u128(78)),
        token: Digest::of(b"again"),
        ..sign_in(&user)
    };
    assert_eq!(store.start_session(&again).await?, Started::Locked);
    assert_eq!(authority(store, 3).await?, Some(everything()));
    let successor = User {
        id: UserId::from_uuid(uuid::Uuid::from_u128(99)),
        email: user.email.clone(),
        ..user.clone()
    };
    match store.user_by_email(&user.email).await? {
        None => assert_eq!(store.insert_user(&successor, &password()).await?, Ok(())),
        Some((found, _)) => assert_eq!(found.id, successor.id),
    }
    Ok(())
}

/// Of Fred and the first client.
async fn nothing_is_granted(store: &dyn Store) -> Kept {
    let (user, client) = (fred(), told());
    assert_eq!(store.connection(user.id, client.id).await?, None);
    let alias = decision(1, &user, &client, everything()).alias_id;
    assert_eq!(store.known_as(alias, client.id).await?, None);
    let revoked = store.revoke(user.id, client.id, &Revocation::Disconnect, NOON);
    assert_eq!(revoked.await?, Err(RevocationError::NotGranted));
    for number in [1, 2] {
        assert_eq!(store.standing(authorization(number)).await?, None);
        assert_eq!(redeem(store, &redemption(number), NOON).await?, None);
    }
    assert_eq!(rotate(store, &rotation(1), NOON).await?, None);
    Ok(())
}

pub async fn r30_a_deleted_client_counts_for_nothing_and_its_rows_go(store: &dyn Store) -> Kept {
    begun(store).await?;
    assert!(store.delete_client(told().id).await?);
    the_client_counts_for_nothing(store).await?;
    purged(store, 2).await?;
    the_client_counts_for_nothing(store).await
}

pub async fn r30_a_deleted_user_counts_for_nothing_and_their_rows_go(store: &dyn Store) -> Kept {
    begun(store).await?;
    assert!(store.delete_user(fred().id).await?);
    the_user_counts_for_nothing(store).await?;
    purged(store, 2).await?;
    the_user_counts_for_nothing(store).await?;
    everybody_was_told(store).await
}

/// The first client is told of both of Fred's sessions.
pub async fn everybody_was_told(store: &dyn Store) -> Kept {
    assert_eq!(told_now(store).await?, 2);
    Ok(())
}

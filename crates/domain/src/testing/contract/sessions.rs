//! What [`Sessions`](crate::ports::Sessions) promises.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Kept, scene::*};
use crate::{
    Digest, Session, SessionId, User,
    ports::{PasswordHash, SessionStart, Started, Store, StoreError},
};

/// The user signs in again at one o'clock, at a browser that presents these tokens.
fn again(user: &User, presented: &[Digest]) -> SessionStart {
    SessionStart {
        id: SessionId::from_uuid(Uuid::from_u128(77)),
        token: Digest::of(b"the next token"),
        presented: presented.to_vec(),
        auth_time: minutes(60),
        expires_at: minutes(60) + lifetimes().session,
        ..sign_in(user)
    }
}

pub async fn a_session_lives_until_its_end(store: &dyn Store) -> Kept {
    arrives(store, &fred()).await?;
    let start = sign_in(&fred());
    let session = Session {
        id: start.id,
        user: fred(),
        auth_time: NOON,
        expires_at: start.expires_at,
    };
    let last_moment = start.expires_at - TimeDelta::milliseconds(1);
    let live = store.live_sessions(&[start.token], last_moment).await?;
    assert_eq!(live, [(start.token, session)]);
    assert_eq!(
        store
            .live_sessions(&[start.token], start.expires_at)
            .await?,
        []
    );
    Ok(())
}

pub async fn live_sessions_come_in_the_order_of_the_tokens(store: &dyn Store) -> Kept {
    arrives(store, &fred()).await?;
    arrives(store, &ginger()).await?;
    let [his, hers] = [fred(), ginger()].map(|it| sign_in(&it).token);
    for tokens in [[his, hers], [hers, his]] {
        let asked = [tokens[0], Digest::of(b"a guess"), tokens[1]];
        let live = store.live_sessions(&asked, NOON).await?;
        assert_eq!(live.iter().map(|it| it.0).collect::<Vec<_>>(), tokens);
    }
    assert_eq!(store.live_sessions(&[], NOON).await?, []);
    Ok(())
}

pub async fn signing_in_again_renews_the_session(store: &dyn Store) -> Kept {
    arrives(store, &fred()).await?;
    arrives(store, &ginger()).await?;
    let [old, hers] = [fred(), ginger()].map(|it| sign_in(&it).token);
    let start = again(&fred(), &[hers, old]);

    let id = session_of(&fred());
    let renewed = Started::Session {
        id,
        replaced: Some(old),
    };
    assert_eq!(store.start_session(&start).await?, renewed);

    let live = store
        .live_sessions(&[old, start.token, hers], minutes(60))
        .await?;
    let session = Session {
        id,
        user: fred(),
        auth_time: start.auth_time,
        expires_at: start.expires_at,
    };
    assert_eq!(live.first(), Some(&(start.token, session)));
    assert_eq!(live.get(1).map(|it| it.0), Some(hers));
    Ok(())
}

pub async fn another_users_session_is_not_renewed(store: &dyn Store) -> Kept {
    arrives(store, &fred()).await?;
    store
        .insert_user(&ginger(), &password())
        .await?
        .expect("a free address");
    let his = sign_in(&fred()).token;
    let start = again(&ginger(), &[his]);
    let begun = Started::Session {
        id: start.id,
        replaced: None,
    };
    assert_eq!(store.start_session(&start).await?, begun);
    assert_eq!(
        store
            .live_sessions(&[his, start.token], minutes(60))
            .await?
            .len(),
        2
    );
    Ok(())
}

pub async fn a_session_that_ended_is_not_renewed(store: &dyn Store) -> Kept {
    arrives(store, &fred()).await?;
    let first = sign_in(&fred());
    let late = SessionStart {
        auth_time: first.expires_at,
        expires_at: first.expires_at + lifetimes().session,
        ..again(&fred(), &[first.token])
    };
    let begun = Started::Session {
        id: late.id,
        replaced: None,
    };
    assert_eq!(store.start_session(&late).await?, begun);
    Ok(())
}

pub async fn r30_a_locked_or_unknown_user_gets_no_session(store: &dyn Store) -> Kept {
    let start = sign_in(&fred());
    assert_eq!(store.start_session(&start).await?, Started::Locked);
    store
        .insert_user(&fred(), &password())
        .await?
        .expect("a free address");
    store.lock_user(fred().id, true).await?;
    assert_eq!(store.start_session(&start).await?, Started::Locked);
    store.lock_user(fred().id, false).await?;
    assert_eq!(store.live_sessions(&[start.token], NOON).await?, []);
    Ok(())
}

pub async fn r30_a_password_that_was_replaced_begins_no_session(store: &dyn Store) -> Kept {
    arrives(store, &fred()).await?;
    let next = PasswordHash::new("$argon2id$the-next");
    assert!(store.reset_password(fred().id, &next).await?);
    let late = again(&fred(), &[]);
    assert_eq!(store.start_session(&late).await?, Started::Locked);
    let with_the_next = SessionStart {
        password: Some(next),
        ..late.clone()
    };
    let begun = Started::Session {
        id: late.id,
        replaced: None,
    };
    assert_eq!(store.start_session(&with_the_next).await?, begun);
    Ok(())
}

pub async fn a_users_sessions_come_latest_first_and_none_that_ended(store: &dyn Store) -> Kept {
    arrives(store, &fred()).await?;
    arrives(store, &ginger()).await?;
    let later = again(&fred(), &[]);
    store.start_session(&later).await?;
    let ids = async |now| {
        let sessions = store.sessions_of(fred().id, now).await?;
        assert!(sessions.iter().all(|it| it.user == fred()));
        Ok::<_, StoreError>(sessions.into_iter().map(|it| it.id).collect::<Vec<_>>())
    };
    assert_eq!(ids(minutes(60)).await?, [later.id, session_of(&fred())]);
    assert_eq!(ids(sign_in(&fred()).expires_at).await?, [later.id]);
    store.end_session(later.id).await?;
    assert_eq!(ids(minutes(60)).await?, [session_of(&fred())]);
    store.lock_user(fred().id, true).await?;
    assert_eq!(ids(minutes(60)).await?, []);
    Ok(())
}

pub async fn r30_all_sessions_of_a_user_end_and_no_others(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    arrives(store, &ginger()).await?;
    let later = again(&fred(), &[]);
    store.start_session(&later).await?;
    store.end_sessions_of(fred().id).await?;
    store.end_sessions_of(fred().id).await?;
    let tokens = [sign_in(&fred()), later, sign_in(&ginger())].map(|it| it.token);
    let live = store.live_sessions(&tokens, minutes(60)).await?;
    assert_eq!(live.iter().map(|it| it.0).collect::<Vec<_>>(), tokens[2..]);
    assert_eq!(authority(store, 1).await?, Some(everything()));
    Ok(())
}

pub async fn r30_signing_out_ends_a_session_and_no_token(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    let start = sign_in(&fred());
    store.end_session(start.id).await?;
    store.end_session(start.id).await?;
    assert_eq!(store.live_sessions(&[start.token], NOON).await?, []);
    assert_eq!(authority(store, 1).await?, Some(everything()));
    Ok(())
}

//! What [`Notices`](crate::ports::Notices) promises, and what the steps that end a session do.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Kept, scene::*};
use crate::{
    Access, Client, ClientId, LogoutNotice, Session, SessionId,
    ports::{Anticipation, Claim, Recorded, SessionStart, Store, StoreError},
};

const OPENID: Access = Access::openid();

/// For a minute, all that are due.
fn claim(now: DateTime<Utc>) -> Claim {
    Claim {
        now,
        until: now + TimeDelta::minutes(1),
        limit: 1000,
        except: Vec::new(),
    }
}

/// All that are due, in the order of their clients.
async fn claimed(store: &dyn Store, now: DateTime<Utc>) -> Result<Vec<LogoutNotice>, StoreError> {
    let mut claimed = store.claim_notices(&claim(now)).await?;
    claimed.sort_by_key(|it| (it.client.id, it.session));
    Ok(claimed)
}

/// The clients that are told, in the order of their IDs.
async fn told_clients(store: &dyn Store) -> Result<Vec<ClientId>, StoreError> {
    Ok(claimed(store, NOON)
        .await?
        .into_iter()
        .map(|it| it.client.id)
        .collect())
}

/// Both clients are registered, and Fred is signed in.
async fn fred_is_there(store: &dyn Store, clients: &[Client]) -> Kept {
    for client in clients {
        store.insert_client(client, &[]).await?;
    }
    arrives(store, &fred()).await
}

/// Fred allows a client everything that it has, by the `number`th request.
async fn connects(store: &dyn Store, number: u128, client: &Client) -> Kept {
    let decision = decision(number, &fred(), client, OPENID);
    assert_eq!(records(store, &decision).await?, Recorded::Issued);
    Ok(())
}

/// One notice waits, of Fred's session to the first client, and is claimed at noon.
async fn noticed(store: &dyn Store) -> Result<LogoutNotice, StoreError> {
    fred_is_there(store, &[told()]).await?;
    connects(store, 1, &told()).await?;
    store.end_session(session_of(&fred())).await?;
    let mut claimed = claimed(store, NOON).await?;
    assert_eq!(claimed.len(), 1);
    Ok(claimed.remove(0))
}

pub async fn no_notice_waits_as_long_as_no_session_ends(store: &dyn Store) -> Kept {
    fred_is_there(store, &[told()]).await?;
    connects(store, 1, &told()).await?;
    assert_eq!(claimed(store, NOON).await?, []);
    store.end_session(session_of(&ginger())).await?;
    assert_eq!(claimed(store, NOON).await?, []);
    Ok(())
}

pub async fn ending_a_session_leaves_a_notice_to_each_client_that_took_part(
    store: &dyn Store,
) -> Kept {
    fred_is_there(store, &[told(), other_told()]).await?;
    arrives(store, &ginger()).await?;
    connects(store, 1, &told()).await?;
    connects(store, 2, &other_told()).await?;
    let hers = decision(3, &ginger(), &told(), OPENID);
    assert_eq!(records(store, &hers).await?, Recorded::Issued);

    store.end_session(session_of(&fred())).await?;
    store.end_session(session_of(&fred())).await?;

    let mut expected = [(1, told()), (2, other_told())].map(|(number, client)| LogoutNotice {
        alias_id: decision(number, &fred(), &client, OPENID).alias_id,
        session: session_of(&fred()),
        client,
        attempt: 1,
    });
    expected.sort_by_key(|it| it.client.id);
    assert_eq!(claimed(store, NOON).await?, expected);
    Ok(())
}

pub async fn r34_beyond_200_sessions_the_eldest_ends_and_its_clients_are_told(
    store: &dyn Store,
) -> Kept {
    fred_is_there(store, &[told()]).await?;
    connects(store, 1, &told()).await?;
    let first = sign_in(&fred());
    // His sign-ins elsewhere, each later than the one before.
    let mut tokens = vec![first.token];
    for number in 1..=Session::MOST {
        let start = SessionStart {
            id: SessionId::from_uuid(uuid::Uuid::from_u128(1000 + u128::from(number))),
            token: crate::Digest::of(&number.to_be_bytes()),
            auth_time: NOON + TimeDelta::seconds(i64::from(number)),
            ..first.clone()
        };
        assert_eq!(claimed(store, NOON).await?, [], "{number}");
        store.start_session(&start).await?;
        tokens.push(start.token);
    }
    let live = store.live_sessions(&tokens, NOON).await?;
    let live: Vec<_> = live.into_iter().map(|it| it.0).collect();
    assert_eq!(live, tokens[1..]);
    assert_eq!(told_clients(store).await?, [told().id]);
    Ok(())
}

pub async fn a_client_that_is_not_registered_for_it_is_told_nothing(store: &dyn Store) -> Kept {
    fred_is_there(store, &[example(), other_told()]).await?;
    connects(store, 1, &example()).await?;
    connects(store, 2, &other_told()).await?;
    store.end_session(session_of(&fred())).await?;
    assert_eq!(told_clients(store).await?, [other_told().id]);
    Ok(())
}

pub async fn a_client_that_took_part_often_is_told_once(store: &dyn Store) -> Kept {
    fred_is_there(store, &[told()]).await?;
    for number in 1..=3 {
        connects(store, number, &told()).await?;
    }
    store.end_session(session_of(&fred())).await?;
    assert_eq!(told_clients(store).await?, [told().id]);
    Ok(())
}

pub async fn a_client_that_took_part_by_consent_or_without_is_told(store: &dyn Store) -> Kept {
    fred_is_there(store, &[told()]).await?;
    connects(store, 1, &told()).await?;
    store.end_session(session_of(&fred())).await?;
    assert_eq!(told_clients(store).await?, [told().id]);

    // In the next session, without asking: as the answer to a request that waits, at once, and as it
    // was anticipated.
    for (number, waits) in [(2, Some(true)), (3, Some(false)), (4, None)] {
        let start = SessionStart {
            id: SessionId::from_uuid(uuid::Uuid::from_u128(number)),
            ..sign_in(&fred())
        };
        store.start_session(&start).await?;
        let asked = interaction(number, &told());
        store.open_interaction(&asked).await?;
        if let Some(waits) = waits {
            let new = new_authorization(number, &fred(), &told());
            let waiting = waits.then_some(asked.id);
            let issued = store.issue(&new, &OPENID, start.id, waiting, NOON).await?;
            assert_eq!(issued, Recorded::Issued);
        } else {
            let new = anticipated(number, &told(), OPENID);
            let found = store.issue_anticipated(start.token, &new, NOON).await?;
            assert!(matches!(found, Anticipation::Issued(_)));
        }
        store.end_session(start.id).await?;
        assert_eq!(told_clients(store).await?, [told().id]);
    }
    Ok(())
}

pub async fn a_client_whose_tokens_have_long_ended_is_told(store: &dyn Store) -> Kept {
    fred_is_there(store, &[told()]).await?;
    connects(store, 1, &told()).await?;
    store.sweep(minutes(24 * 60), 1000).await?;
    assert_eq!(store.standing(authorization(1)).await?, None);
    store.end_session(session_of(&fred())).await?;
    assert_eq!(told_clients(store).await?, [told().id]);
    Ok(())
}

pub async fn a_renewed_session_remembers_who_took_part(store: &dyn Store) -> Kept {
    fred_is_there(store, &[told()]).await?;
    connects(store, 1, &told()).await?;
    let again = SessionStart {
        id: SessionId::from_uuid(uuid::Uuid::from_u128(77)),
        token: crate::Digest::of(b"the next token"),
        presented: vec![sign_in(&fred()).token],
        ..sign_in(&fred())
    };
    store.start_session(&again).await?;
    store.end_session(session_of(&fred())).await?;
    assert_eq!(told_clients(store).await?, [told().id]);
    Ok(())
}

/// Fred is signed in at two browsers, and clients took part in both.
async fn fred_is_there_twice(store: &dyn Store) -> Result<SessionId, StoreError> {
    fred_is_there(store, &[told(), other_told()]).await?;
    connects(store, 1, &told()).await?;
    let elsewhere = SessionStart {
        id: SessionId::from_uuid(uuid::Uuid::from_u128(77)),
        token: crate::Digest::of(b"another browser"),
        ..sign_in(&fred())
    };
    store.start_session(&elsewhere).await?;
    connects(store, 2, &other_told()).await?;
    let new = new_authorization(3, &fred(), &told());
    store.issue(&new, &OPENID, elsewhere.id, None, NOON).await?;
    Ok(elsewhere.id)
}

/// Each client is told of each session in which it took part.
async fn all_are_told(store: &dyn Store, elsewhere: SessionId) -> Kept {
    let mut told_of: Vec<_> = claimed(store, NOON)
        .await?
        .into_iter()
        .map(|it| (it.client.id, it.session))
        .collect();
    let mut expected = vec![
        (told().id, session_of(&fred())),
        (told().id, elsewhere),
        (other_told().id, session_of(&fred())),
    ];
    told_of.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told_of, expected);
    Ok(())
}

pub async fn r30_locking_a_user_leaves_the_notices_of_every_session(store: &dyn Store) -> Kept {
    let elsewhere = fred_is_there_twice(store).await?;
    store.lock_user(fred().id, false).await?;
    assert_eq!(claimed(store, NOON).await?, []);
    store.lock_user(fred().id, true).await?;
    all_are_told(store, elsewhere).await
}

pub async fn r30_ending_all_sessions_of_a_user_leaves_their_notices(store: &dyn Store) -> Kept {
    let elsewhere = fred_is_there_twice(store).await?;
    store.end_sessions_of(ginger().id).await?;
    assert_eq!(claimed(store, NOON).await?, []);
    store.end_sessions_of(fred().id).await?;
    all_are_told(store, elsewhere).await
}

pub async fn r30_a_reset_password_leaves_the_notices_of_every_session(store: &dyn Store) -> Kept {
    let elsewhere = fred_is_there_twice(store).await?;
    store.reset_password(fred().id, &password()).await?;
    all_are_told(store, elsewhere).await
}

pub async fn r30_deleting_a_user_leaves_notices_with_the_alias_id(store: &dyn Store) -> Kept {
    fred_is_there(store, &[told()]).await?;
    connects(store, 1, &told()).await?;
    assert!(store.delete_user(fred().id).await?);
    let notices = claimed(store, NOON).await?;
    assert_eq!(notices.len(), 1);
    let alias = decision(1, &fred(), &told(), OPENID).alias_id;
    assert_eq!(notices.first().map(|it| it.alias_id), Some(alias));
    Ok(())
}

pub async fn deleting_a_client_forgets_its_notices(store: &dyn Store) -> Kept {
    fred_is_there(store, &[told(), other_told()]).await?;
    connects(store, 1, &told()).await?;
    connects(store, 2, &other_told()).await?;
    store.end_session(session_of(&fred())).await?;
    assert!(store.delete_client(told().id).await?);
    assert_eq!(told_clients(store).await?, [other_told().id]);
    Ok(())
}

pub async fn a_session_that_is_swept_tells_nobody(store: &dyn Store) -> Kept {
    fred_is_there(store, &[told()]).await?;
    connects(store, 1, &told()).await?;
    store.sweep(sign_in(&fred()).expires_at, 1000).await?;
    store.end_session(session_of(&fred())).await?;
    assert_eq!(claimed(store, NOON).await?, []);
    Ok(())
}

pub async fn a_notice_is_due_again_when_its_claim_ends(store: &dyn Store) -> Kept {
    let notice = noticed(store).await?;
    let last_moment = minutes(1) - TimeDelta::milliseconds(1);
    assert_eq!(claimed(store, last_moment).await?, []);
    let again = LogoutNotice {
        attempt: 2,
        ..notice
    };
    assert_eq!(claimed(store, minutes(1)).await?, [again]);
    Ok(())
}

pub async fn a_postponed_notice_waits(store: &dyn Store) -> Kept {
    let notice = noticed(store).await?;
    store.postpone_notice(&notice, minutes(30)).await?;
    let last_moment = minutes(30) - TimeDelta::milliseconds(1);
    assert_eq!(claimed(store, last_moment).await?, []);
    let again = LogoutNotice {
        attempt: 2,
        ..notice
    };
    assert_eq!(claimed(store, minutes(30)).await?, [again]);
    Ok(())
}

pub async fn a_notice_that_a_clock_ahead_put_off_is_due(store: &dyn Store) -> Kept {
    let mut notice = noticed(store).await?;
    store.postpone_notice(&notice, minutes(7 * 60)).await?;
    assert_eq!(claimed(store, NOON).await?, [], "the longest pause");
    for days in [1, 400] {
        let put_off = minutes(days * 24 * 60);
        store.postpone_notice(&notice, put_off).await?;
        notice.attempt += 1;
        assert_eq!(claimed(store, NOON).await?, [notice.clone()], "{days} days");
    }
    Ok(())
}

pub async fn a_closed_notice_is_gone(store: &dyn Store) -> Kept {
    let notice = noticed(store).await?;
    store.close_notice(&notice).await?;
    store.close_notice(&notice).await?;
    store.postpone_notice(&notice, NOON).await?;
    assert_eq!(claimed(store, minutes(24 * 60)).await?, []);
    Ok(())
}

pub async fn a_claim_that_ended_settles_nothing(store: &dyn Store) -> Kept {
    let late = noticed(store).await?;
    let notices = claimed(store, minutes(1)).await?;
    store.close_notice(&late).await?;
    store.postpone_notice(&late, minutes(1)).await?;
    assert_eq!(claimed(store, minutes(1)).await?, []);
    let next = claimed(store, minutes(2)).await?;
    assert_eq!(next.len(), notices.len());
    Ok(())
}

pub async fn a_claim_takes_no_more_than_its_limit_and_passes_clients_over(
    store: &dyn Store,
) -> Kept {
    fred_is_there(store, &[told(), other_told()]).await?;
    connects(store, 1, &told()).await?;
    connects(store, 2, &other_told()).await?;
    store.end_session(session_of(&fred())).await?;
    let one = Claim {
        limit: 1,
        ..claim(NOON)
    };
    let none = Claim {
        limit: 0,
        ..claim(NOON)
    };
    let but = |client: &Client| Claim {
        except: vec![client.id],
        ..one.clone()
    };
    assert_eq!(store.claim_notices(&none).await?, []);
    let first = store.claim_notices(&but(&told())).await?;
    assert_eq!(
        first.iter().map(|it| it.client.id).collect::<Vec<_>>(),
        [other_told().id]
    );
    assert_eq!(store.claim_notices(&but(&told())).await?, []);
    assert_eq!(store.claim_notices(&one).await?.len(), 1);
    assert_eq!(store.claim_notices(&one).await?, []);
    Ok(())
}

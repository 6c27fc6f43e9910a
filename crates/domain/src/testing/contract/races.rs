//! What holds when many do the same at once: 20 rivals start together, 50 times over.

use std::{iter, sync::Barrier, thread};

use uuid::Uuid;

use super::{Kept, Runner, finish, scene::*};
use crate::{
    Access, Client, ClientId, Redeem, Revocation, Rotate, Rotation, Scope, SessionId, User, UserId,
    ports::{Claim, Decision, Recorded, SessionStart, Store, StoreError, StoredKey},
};

const RIVALS: u128 = 20;
const ROUNDS: u128 = 50;

/// Lets the rivals start together, and returns what each was told.
fn race<T: Send>(
    run: Runner,
    rival: impl AsyncFn(u128) -> Result<T, StoreError> + Sync,
) -> Result<Vec<T>, StoreError> {
    let barrier = Barrier::new(RIVALS as usize);
    let starts = |number| {
        barrier.wait();
        finish(run, rival(number))
    };
    thread::scope(|scope| {
        let rivals: Vec<_> = (0..RIVALS)
            .map(|it| scope.spawn(move || starts(it)))
            .collect();
        let told = |it: thread::ScopedJoinHandle<'_, _>| it.join().expect("no rival panics");
        rivals.into_iter().map(told).collect()
    })
}

/// A number of its own for each rival of each round.
const fn numbered(round: u128, rival: u128) -> u128 {
    1000 + round * RIVALS + rival
}

pub fn r17_of_rivals_with_one_code_one_is_granted(store: &dyn Store, run: Runner) -> Kept {
    finish(run, signed_in(store))?;
    for round in 1..=ROUNDS {
        finish(run, approves(store, round))?;
        let told = race(run, async |_| redeem(store, &redemption(round), NOON).await)?;
        let granted = |it: &&Option<Redeem>| matches!(it, Some(Redeem::Granted { .. }));
        assert_eq!(told.iter().filter(granted).count(), 1);
        // To the one that was granted, the others are replays.
        assert!(told.contains(&Some(Redeem::Replayed)));
        assert_eq!(finish(run, store.standing(authorization(round)))?, None);
    }
    Ok(())
}

pub fn r23_rivals_with_one_refresh_token_get_the_same_generation(
    store: &dyn Store,
    run: Runner,
) -> Kept {
    finish(run, exchanged(store))?;
    for generation in 1..=ROUNDS as u32 {
        let told = race(run, async |_| {
            rotate(store, &rotation(generation), NOON).await
        })?;
        for verdict in told {
            assert_eq!(next_generation(verdict.as_ref()), Some(generation + 1));
        }
    }
    Ok(())
}

pub fn of_rivals_that_answer_one_interaction_one_is_told_issued(
    store: &dyn Store,
    run: Runner,
) -> Kept {
    finish(run, signed_in(store))?;
    for round in 1..=ROUNDS {
        let asked = interaction(round, &example());
        finish(run, store.open_interaction(&asked))?;
        let told = race(run, async |rival| {
            let decision = Decision {
                interaction: asked.id,
                ..freds(numbered(round, rival))
            };
            store.record_decision(&decision, NOON).await
        })?;
        for (rival, recorded) in (0..).zip(told.iter().copied()) {
            let id = authorization(numbered(round, rival));
            let stands = finish(run, store.standing(id))?.is_some();
            assert_eq!(stands, recorded == Recorded::Issued);
            assert!(stands || recorded == Recorded::AlreadyAnswered);
        }
        assert_eq!(told.iter().filter(|it| **it == Recorded::Issued).count(), 1);
    }
    Ok(())
}

pub fn approving_and_denying_at_once_has_one_outcome(store: &dyn Store, run: Runner) -> Kept {
    finish(run, signed_in(store))?;
    for round in 1..=ROUNDS {
        let asked = interaction(round, &example());
        finish(run, store.open_interaction(&asked))?;
        let told = race(run, async |rival| {
            if rival % 2 == 0 {
                return store.close_interaction(asked.id, NOON).await;
            }
            let decision = Decision {
                interaction: asked.id,
                ..freds(numbered(round, rival))
            };
            let recorded = store.record_decision(&decision, NOON).await?;
            Ok(recorded == Recorded::Issued)
        })?;
        assert_eq!(told.into_iter().filter(|first| *first).count(), 1);
    }
    Ok(())
}

pub fn r24_a_refresh_never_outruns_a_revocation(store: &dyn Store, run: Runner) -> Kept {
    finish(run, signed_in(store))?;
    for round in 1..=ROUNDS {
        finish(run, approves(store, round))?;
        finish(run, exchanges(store, round))?;
        let refresh = Rotation {
            authorization: authorization(round),
            ..rotation(1)
        };
        let nickname = Revocation::Scope(Scope::Nickname);
        let told = race(run, async |rival| {
            if rival == RIVALS / 2 {
                let revoked = store.revoke(fred().id, example().id, &nickname).await?;
                assert_eq!(revoked, Ok(()));
            }
            // The revoker goes on to refresh: what it has taken back, it must not receive.
            let verdict = rotate(store, &refresh, NOON).await?;
            let Some(Rotate::Granted { access, .. }) = verdict else {
                panic!("each refresh is good: {verdict:?}");
            };
            Ok(access)
        })?;
        let less = everything().without(Scope::Nickname);
        assert_eq!(told.get((RIVALS / 2) as usize), less.as_ref());
        assert_eq!(finish(run, authority(store, round))?, less);
        assert_eq!(finish(run, granted(store))?, less);
    }
    Ok(())
}

pub fn r25_no_authorization_outlives_a_disconnect(store: &dyn Store, run: Runner) -> Kept {
    finish(run, signed_in(store))?;
    for round in 1..=ROUNDS {
        finish(run, approves(store, round))?;
        finish(run, exchanges(store, round))?;
        race(run, async |rival| {
            let number = numbered(round, rival);
            let refresh = Rotation {
                authorization: authorization(round),
                ..rotation(1)
            };
            match rival {
                0 => {
                    let disconnect = Revocation::Disconnect;
                    let done = store.revoke(fred().id, example().id, &disconnect).await?;
                    assert_eq!(done, Ok(()));
                }
                1..10 => _ = rotate(store, &refresh, NOON).await?,
                _ => {
                    let new = new_authorization(number, &fred(), &example());
                    let session = session_of(&fred());
                    store
                        .issue(&new, &Access::openid(), session, None, NOON)
                        .await?;
                }
            }
            Ok(())
        })?;
        let issued = (10..RIVALS).map(|rival| numbered(round, rival));
        for number in issued.chain(iter::once(round)) {
            assert_eq!(finish(run, store.standing(authorization(number)))?, None);
        }
    }
    Ok(())
}

pub fn no_refresh_undoes_the_voiding_of_user_tokens(store: &dyn Store, run: Runner) -> Kept {
    finish(run, signed_in(store))?;
    for round in 1..=ROUNDS {
        finish(run, approves(store, round))?;
        finish(run, exchanges(store, round))?;
        let id = authorization(round);
        let refresh = Rotation {
            authorization: id,
            ..rotation(1)
        };
        race(run, async |rival| {
            if rival == RIVALS / 2 {
                return store.void_user_tokens(id, NOON).await;
            }
            let verdict = rotate(store, &refresh, NOON).await?;
            assert_eq!(next_generation(verdict.as_ref()), Some(2));
            Ok(())
        })?;
        let standing = finish(run, store.standing(id))?;
        let voided = standing.and_then(|it| it.authorization.user_tokens_void_through);
        assert_eq!(voided, Some(NOON));
    }
    Ok(())
}

pub fn of_rivals_with_one_email_address_one_is_added(store: &dyn Store, run: Runner) -> Kept {
    for round in 1..=ROUNDS {
        let told = race(run, async |rival| {
            let user = User {
                id: UserId::from_uuid(Uuid::from_u128(numbered(round, rival))),
                email: format!("{round}@example.com").parse().expect("an address"),
                ..fred()
            };
            store.insert_user(&user, &password()).await
        })?;
        assert_eq!(told.iter().filter(|it| it.is_ok()).count(), 1);
        assert_eq!(finish(run, store.users())?.len() as u128, round);
    }
    Ok(())
}

/// Everything that is due.
fn claim() -> Claim {
    Claim {
        now: minutes(60),
        until: minutes(120),
        limit: 1000,
        except: Vec::new(),
    }
}

pub fn of_rivals_that_claim_a_notice_one_has_it(store: &dyn Store, run: Runner) -> Kept {
    finish(run, store.insert_client(&told(), &[]))?;
    finish(run, arrives(store, &fred()))?;
    for round in 1..=ROUNDS {
        finish(run, approves(store, round))?;
        finish(run, store.end_session(session_of(&fred())))?;
        let told = race(run, async |_| store.claim_notices(&claim()).await)?;
        let claimed: Vec<_> = told.into_iter().flatten().collect();
        assert_eq!(claimed.len(), 1);
        for notice in &claimed {
            finish(run, store.close_notice(notice))?;
        }
        finish(run, store.start_session(&sign_in(&fred())))?;
    }
    Ok(())
}

/// A client of its own for each rival.
fn rivals_client(rival: u128) -> Client {
    Client {
        id: ClientId::from_uuid(Uuid::from_u128(1000 + rival)),
        ..told()
    }
}

pub fn no_client_that_is_issued_to_is_left_out_when_the_session_ends(
    store: &dyn Store,
    run: Runner,
) -> Kept {
    finish(run, arrives(store, &fred()))?;
    for rival in 0..RIVALS {
        let client = rivals_client(rival);
        finish(run, store.insert_client(&client, &[]))?;
        let first = decision(rival + 1, &fred(), &client, Access::openid());
        assert_eq!(finish(run, records(store, &first))?, Recorded::Issued);
    }
    for round in 1..=ROUNDS {
        // A session of its own, in which nobody took part yet.
        let start = SessionStart {
            id: SessionId::from_uuid(Uuid::from_u128(round)),
            token: crate::Digest::of(&round.to_be_bytes()),
            ..sign_in(&fred())
        };
        finish(run, store.start_session(&start))?;
        let told = race(run, async |rival| {
            if rival == RIVALS / 2 {
                store.end_session(start.id).await?;
                return Ok(Recorded::Changed);
            }
            let new = new_authorization(numbered(round, rival), &fred(), &rivals_client(rival));
            let openid = Access::openid();
            store.issue(&new, &openid, start.id, None, NOON).await
        })?;
        let mut issued: Vec<ClientId> = (0..)
            .zip(told)
            .filter(|(_, recorded)| *recorded == Recorded::Issued)
            .map(|(rival, _)| rivals_client(rival).id)
            .collect();
        issued.sort_unstable();
        let notices = finish(run, store.claim_notices(&claim()))?;
        let mut noticed: Vec<ClientId> = notices.iter().map(|it| it.client.id).collect();
        noticed.sort_unstable();
        assert_eq!(noticed, issued);
        for notice in &notices {
            assert_eq!(notice.session, start.id);
            finish(run, store.close_notice(notice))?;
        }
    }
    Ok(())
}

pub fn deleting_a_user_while_others_issue_and_sign_out_tells_every_client(
    store: &dyn Store,
    run: Runner,
) -> Kept {
    finish(run, store.insert_client(&told(), &[]))?;
    for round in 1..=ROUNDS {
        let user = User {
            id: UserId::from_uuid(Uuid::from_u128(round)),
            email: format!("{round}@example.com").parse().expect("an address"),
            ..fred()
        };
        finish(run, arrives(store, &user))?;
        let first = decision(numbered(round, RIVALS), &user, &told(), Access::openid());
        assert_eq!(finish(run, records(store, &first))?, Recorded::Issued);
        race(run, async |rival| {
            let session = session_of(&user);
            match rival {
                0 => _ = store.delete_user(user.id).await?,
                1 => store.end_session(session).await?,
                2 => _ = store.lock_user(user.id, true).await?,
                _ => {
                    let new = new_authorization(numbered(round, rival), &user, &told());
                    let openid = Access::openid();
                    store.issue(&new, &openid, session, None, NOON).await?;
                }
            }
            Ok(())
        })?;
        let notices = finish(run, store.claim_notices(&claim()))?;
        let [notice] = notices.as_slice() else {
            panic!("the client is told once: {notices:?}");
        };
        assert_eq!(notice.alias_id, first.alias_id);
        finish(run, store.close_notice(notice))?;
    }
    Ok(())
}

/// A key of a rival's, made at noon or in a later round.
fn key(algorithm: &str, round: u128, rival: u128) -> StoredKey {
    StoredKey {
        kid: numbered(round, rival).to_string(),
        algorithm: algorithm.to_owned(),
        sealed: String::new(),
        created_at: minutes(round as i64),
        active_from: minutes(round as i64),
    }
}

pub fn of_rivals_with_a_first_key_one_is_told_so(store: &dyn Store, run: Runner) -> Kept {
    for round in 1..=ROUNDS {
        let told = race(run, async |rival| {
            let key = key(&format!("RS{round}"), round, rival);
            store.add_first_key(&key).await
        })?;
        assert_eq!(told.iter().filter(|first| **first).count(), 1);
        assert_eq!(finish(run, store.keys())?.len() as u128, round);
    }
    Ok(())
}

pub fn of_rivals_that_rotate_a_key_one_is_told_so(store: &dyn Store, run: Runner) -> Kept {
    let mut newest = key("RS256", 0, 0);
    assert!(finish(run, store.add_first_key(&newest))?);
    for round in 1..=ROUNDS {
        let told = race(run, async |rival| {
            let next = key("RS256", round, rival);
            store.add_key(&next, &newest.kid).await
        })?;
        let winners: Vec<u128> = (0..)
            .zip(told)
            .filter_map(|(rival, added)| added.then_some(rival))
            .collect();
        let [winner] = winners.as_slice() else {
            panic!("one is told so: {winners:?}");
        };
        newest = key("RS256", round, *winner);
        let keys = finish(run, store.keys())?;
        assert_eq!(keys.len() as u128, round + 1);
        assert_eq!(keys.last(), Some(&newest));
    }
    Ok(())
}

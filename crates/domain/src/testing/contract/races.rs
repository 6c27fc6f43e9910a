//! What holds when many do the same at once: 20 rivals start together, 50 times over.

use std::{iter, sync::Barrier, thread};

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Kept, Runner, finish, scene::*, transfer};
use crate::{
    Access, ChannelId, Client, ClientId, Digest, Lifetimes, NewAuthorization, Phase, Redeem,
    Revocation, Rotate, Rotation, Scope, SessionId, User, UserId,
    ports::{
        Anticipated, Anticipation, Claim, Decision, ImportError, PasswordHash, Recorded,
        SessionStart, Store, StoreError, StoredKey,
    },
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

/// Fred's or another's session is issued to without asking: every second rival's by its ID, and the
/// others' as it was anticipated.
async fn issues(
    store: &dyn Store,
    rival: u128,
    new: &NewAuthorization,
    start: &SessionStart,
) -> Result<Recorded, StoreError> {
    let openid = Access::openid();
    if rival.is_multiple_of(2) {
        return store.issue(new, &openid, start.id, None, NOON).await;
    }
    let anticipated = Anticipated {
        id: new.id,
        client_id: new.client_id,
        binding: new.binding.clone(),
        code_expires_at: new.code_expires_at,
        access: openid,
    };
    let token = start.token;
    let found = store.issue_anticipated(token, &anticipated, NOON).await?;
    Ok(match found {
        Anticipation::Issued(_) => Recorded::Issued,
        Anticipation::NotIssued(_) | Anticipation::NoSession => Recorded::Changed,
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

/// A retry may prolong the authorization, where user tokens outlive refresh tokens.
pub fn r23_a_retry_undoes_no_refresh(store: &dyn Store, run: Runner) -> Kept {
    let short = Lifetimes {
        refresh_token: TimeDelta::minutes(10),
        ..lifetimes()
    };
    finish(run, signed_in(store))?;
    for round in 1..=ROUNDS {
        finish(run, approves(store, round))?;
        let of_round = |generation| Rotation {
            authorization: authorization(round),
            ..rotation(generation)
        };
        finish(run, store.redeem(&redemption(round), &short, NOON))?;
        finish(run, store.rotate(&of_round(1), &short, NOON))?;
        race(run, async |rival| {
            // To whoever comes after the refresh, the retry is a replay.
            let generation = 1 + (rival % 2) as u32;
            store
                .rotate(&of_round(generation), &short, minutes(5))
                .await
        })?;
        let standing = finish(run, store.standing(authorization(round)))?;
        let Some(Phase::Redeemed { refresh }) = standing.map(|it| it.authorization.phase) else {
            continue;
        };
        assert_eq!(refresh.map(|it| it.generation), Some(3));
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
                // An approval is the longer step: some deny at once, and some in its midst.
                for _ in 0..rival {
                    store.interaction(asked.id, NOON).await?;
                }
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

pub fn r11_answers_to_several_forms_all_count(store: &dyn Store, run: Runner) -> Kept {
    let openid = Access::openid;
    let shown = [
        openid().with(Scope::OfflineAccess),
        openid().with(Scope::Nickname),
        openid().with_contact([ChannelId(1)].into()),
        openid().with_contact([ChannelId(2)].into()),
    ];
    finish(run, signed_in(store))?;
    for round in 1..=ROUNDS {
        race(run, async |rival| {
            let shown = shown[rival as usize % shown.len()].clone();
            let decision = decision(numbered(round, rival), &fred(), &example(), shown);
            assert_eq!(records(store, &decision).await?, Recorded::Issued);
            Ok(())
        })?;
        assert_eq!(finish(run, granted(store))?, Some(everything()));
        let disconnect = Revocation::Disconnect;
        let done = finish(
            run,
            store.revoke(fred().id, example().id, &disconnect, NOON),
        )?;
        assert_eq!(done, Ok(()));
    }
    Ok(())
}

pub fn r24_revocations_and_answers_at_once_all_count(store: &dyn Store, run: Runner) -> Kept {
    let before = Access::openid()
        .with(Scope::Nickname)
        .with_contact([ChannelId(1), ChannelId(2)].into());
    let after = Access::openid()
        .with(Scope::OfflineAccess)
        .with_contact([ChannelId(2)].into());
    let revocations = [
        Revocation::Scope(Scope::Nickname),
        Revocation::Channel("notifications".to_owned()),
        Revocation::Disconnect,
    ];
    finish(run, signed_in(store))?;
    for round in 1..=ROUNDS {
        let first = decision(round, &fred(), &example(), before.clone());
        assert_eq!(finish(run, records(store, &first))?, Recorded::Issued);
        let revoke =
            |which: usize| store.revoke(fred().id, example().id, &revocations[which], NOON);
        race(run, async |rival| {
            if rival < 2 {
                return revoke(rival as usize).await;
            }
            let shown = Access::openid().with(Scope::OfflineAccess);
            let decision = decision(numbered(round, rival), &fred(), &example(), shown);
            assert_eq!(records(store, &decision).await?, Recorded::Issued);
            Ok(Ok(()))
        })?;
        assert_eq!(finish(run, granted(store))?, Some(after.clone()));
        assert_eq!(finish(run, revoke(2))?, Ok(()));
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
                let revoked = store
                    .revoke(fred().id, example().id, &nickname, NOON)
                    .await?;
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
        let asked = |rival| interaction(numbered(round, rival), &example());
        for rival in 0..RIVALS {
            finish(run, store.open_interaction(&asked(rival)))?;
        }
        race(run, async |rival| {
            let number = numbered(round, rival);
            let refresh = Rotation {
                authorization: authorization(round),
                ..rotation(1)
            };
            match rival {
                0 => {
                    let disconnect = Revocation::Disconnect;
                    let done = store
                        .revoke(fred().id, example().id, &disconnect, NOON)
                        .await?;
                    assert_eq!(done, Ok(()));
                }
                1..10 => _ = rotate(store, &refresh, NOON).await?,
                _ => {
                    let new = new_authorization(number, &fred(), &example());
                    // Some on a page that Fred was shown before, as one to sign in on.
                    if rival % 3 == 0 {
                        let (session, page) = (session_of(&fred()), Some(asked(rival).id));
                        let openid = Access::openid();
                        store.issue(&new, &openid, session, page, NOON).await?;
                    } else {
                        issues(store, rival, &new, &sign_in(&fred())).await?;
                    }
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

pub fn r30_nothing_outlives_its_client_or_user(store: &dyn Store, run: Runner) -> Kept {
    for round in 1..=ROUNDS {
        finish(run, signed_in(store))?;
        finish(run, approves(store, round))?;
        finish(run, exchanges(store, round))?;
        let numbers = || (0..RIVALS).map(|rival| numbered(round, rival));
        for number in numbers() {
            finish(
                run,
                store.open_interaction(&interaction(number, &example())),
            )?;
        }
        race(run, async |rival| {
            let number = numbered(round, rival);
            let refresh = Rotation {
                authorization: authorization(round),
                ..rotation(1)
            };
            match rival {
                0 if round % 2 == 0 => assert!(store.delete_client(example().id).await?),
                0 => assert!(store.delete_user(fred().id).await?),
                1..5 => _ = rotate(store, &refresh, NOON).await?,
                5..12 => _ = store.record_decision(&freds(number), NOON).await?,
                _ => {
                    let new = new_authorization(number, &fred(), &example());
                    issues(store, rival, &new, &sign_in(&fred())).await?;
                }
            }
            Ok(())
        })?;
        for number in numbers().chain(iter::once(round)) {
            assert_eq!(finish(run, store.standing(authorization(number)))?, None);
        }
        assert_eq!(finish(run, store.connections(fred().id))?, []);
        finish(run, store.delete_client(example().id))?;
        finish(run, store.delete_user(fred().id))?;
    }
    Ok(())
}

pub fn r30_no_session_begins_beside_a_lock(store: &dyn Store, run: Runner) -> Kept {
    finish(run, signed_in(store))?;
    for round in 1..=ROUNDS {
        let begins = |rival| SessionStart {
            id: SessionId::from_uuid(Uuid::from_u128(numbered(round, rival))),
            token: Digest::of(&numbered(round, rival).to_be_bytes()),
            ..sign_in(&fred())
        };
        race(run, async |rival| {
            if rival == RIVALS / 2 {
                assert!(store.lock_user(fred().id, true).await?);
                return Ok(());
            }
            store.start_session(&begins(rival)).await.map(drop)
        })?;
        assert!(finish(run, store.lock_user(fred().id, false))?);
        let tokens: Vec<_> = (0..RIVALS).map(|it| begins(it).token).collect();
        assert_eq!(finish(run, store.live_sessions(&tokens, NOON))?, []);
    }
    Ok(())
}

pub fn r30_no_session_of_the_old_password_outlives_a_reset(store: &dyn Store, run: Runner) -> Kept {
    finish(run, signed_in(store))?;
    let hash = |round: u128| PasswordHash::new(format!("$argon2id${round}"));
    assert!(finish(run, store.reset_password(fred().id, &hash(0)))?);
    for round in 1..=ROUNDS {
        let begins = |rival| SessionStart {
            id: SessionId::from_uuid(Uuid::from_u128(numbered(round, rival))),
            token: Digest::of(&numbered(round, rival).to_be_bytes()),
            password: Some(hash(round - 1)),
            ..sign_in(&fred())
        };
        race(run, async |rival| {
            if rival == RIVALS / 2 {
                assert!(store.reset_password(fred().id, &hash(round)).await?);
                return Ok(());
            }
            store.start_session(&begins(rival)).await.map(drop)
        })?;
        let tokens: Vec<_> = (0..RIVALS).map(|it| begins(it).token).collect();
        assert_eq!(finish(run, store.live_sessions(&tokens, NOON))?, []);
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

pub fn of_rivals_that_change_to_one_email_address_one_has_it(
    store: &dyn Store,
    run: Runner,
) -> Kept {
    let user = |rival: u128, email: String| User {
        id: UserId::from_uuid(Uuid::from_u128(rival + 1)),
        email: email.parse().expect("an address"),
        ..fred()
    };
    let own = |rival: u128| user(rival, format!("own-{rival}@example.com"));
    for rival in 0..RIVALS {
        let added = finish(run, store.insert_user(&own(rival), &password()))?;
        assert_eq!(added, Ok(()));
    }
    for round in 1..=ROUNDS {
        let wanted = |rival| user(rival, format!("{round}@example.com"));
        let told = race(run, async |rival| {
            store.update_user(&own(rival), &wanted(rival)).await
        })?;
        let winners: Vec<_> = (0..RIVALS)
            .zip(&told)
            .filter(|(_, it)| **it == Ok(true))
            .collect();
        assert_eq!(winners.len(), 1);
        for (rival, _) in winners {
            let (taken, own) = (wanted(rival), own(rival));
            assert_eq!(finish(run, store.update_user(&taken, &own))?, Ok(true));
        }
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
            issues(store, rival, &new, &start).await
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

pub fn a_session_token_that_was_renewed_is_issued_nothing(store: &dyn Store, run: Runner) -> Kept {
    finish(run, approved(store))?;
    let token = |round: u128| Digest::of(&round.to_be_bytes());
    let start = |round| SessionStart {
        token: token(round),
        presented: vec![token(round - 1), sign_in(&fred()).token],
        ..sign_in(&fred())
    };
    for round in 1..=ROUNDS {
        let before = match round {
            1 => sign_in(&fred()),
            _ => start(round - 1),
        };
        let told = race(run, async |rival| {
            if rival == RIVALS / 2 {
                store.start_session(&start(round)).await?;
                return Ok(None);
            }
            let number = numbered(round, rival);
            let new = anticipated(number, &example(), Access::openid());
            store
                .issue_anticipated(before.token, &new, NOON)
                .await
                .map(Some)
        })?;
        for (rival, found) in (0..).zip(told) {
            let id = authorization(numbered(round, rival));
            let stands = finish(run, store.standing(id))?.is_some();
            assert_eq!(stands, matches!(found, Some(Anticipation::Issued(_))));
        }
        // Whoever comes after the renewal has no session.
        let late = anticipated(numbered(round, RIVALS / 2), &example(), Access::openid());
        let found = finish(run, store.issue_anticipated(before.token, &late, NOON))?;
        assert_eq!(found, Anticipation::NoSession);
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
                    issues(store, rival, &new, &sign_in(&user)).await?;
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

pub fn of_rivals_that_import_one_succeeds(store: &dyn transfer::Target, run: Runner) -> Kept {
    let origin = finish(run, transfer::origin())?;
    let told = race(run, async |_| Ok(store.import(&mut origin.export()).await))?;
    assert_eq!(told.iter().filter(|it| it.is_ok()).count(), 1);
    assert!(told.iter().flat_map(|it| it.as_ref().err()).all(|it| {
        // Whoever waited for too long was told so.
        matches!(it, ImportError::NotEmpty | ImportError::Busy)
    }));
    finish(run, transfer::same(&origin, store))
}

//! What [`Grants`](crate::ports::Grants) promises.

use chrono::{DateTime, Utc};

use super::{Kept, scene::*};
use crate::{
    Access, Answer, AskedClaims, ChannelId, Client, Connection, Digest, Interaction, Revocation,
    RevocationError, Scope, Screen,
    ports::{Anticipation, Decision, Recorded, Store, StoreError},
};

const OPENID: Access = Access::openid();

/// Fred takes back from the first client.
async fn revokes(
    store: &dyn Store,
    revocation: Revocation,
) -> Result<Result<(), RevocationError>, StoreError> {
    revokes_at(store, revocation, minutes(10)).await
}

/// The same, at a time.
async fn revokes_at(
    store: &dyn Store,
    revocation: Revocation,
    now: DateTime<Utc>,
) -> Result<Result<(), RevocationError>, StoreError> {
    store
        .revoke(fred().id, example().id, &revocation, now)
        .await
}

/// An authorization is issued to the first client for Fred without asking him.
async fn issues(
    store: &dyn Store,
    number: u128,
    access: &Access,
    now: DateTime<Utc>,
) -> Result<Recorded, StoreError> {
    let new = new_authorization(number, &fred(), &example());
    let session = session_of(&fred());
    store.issue(&new, access, session, None, now).await
}

/// The answer to request 1 was not `Issued`, and nothing came of it.
async fn nothing_came_of_it(store: &dyn Store, recorded: Recorded) -> Kept {
    assert_eq!(recorded, Recorded::Changed);
    assert_eq!(granted(store).await?, None);
    assert_eq!(store.standing(authorization(1)).await?, None);
    let asked = store
        .interaction(interaction(1, &example()).id, NOON)
        .await?;
    assert!(asked.is_none_or(|it| !it.answered));
    Ok(())
}

pub async fn an_approval_is_recorded_whole(store: &dyn Store) -> Kept {
    asked(store).await?;
    let decision = freds(1);
    assert_eq!(
        store.record_decision(&decision, minutes(5)).await?,
        Recorded::Issued
    );

    let connection = Connection {
        alias_id: decision.alias_id,
        access: everything(),
        granted_at: minutes(5),
        since: minutes(5),
        changed_at: minutes(5),
    };
    assert_eq!(
        store.connection(fred().id, example().id).await?,
        Some(connection)
    );
    let standing = store.standing(decision.new.id).await?;
    let issued = decision.new.approved(everything(), &session(&fred()));
    assert_eq!(standing.map(|it| it.authorization), Some(issued));
    let answered = Interaction {
        answered: true,
        ..interaction(1, &example())
    };
    assert_eq!(store.interaction(answered.id, NOON).await?, Some(answered));
    Ok(())
}

pub async fn r10_openid_is_granted_though_nothing_is_ticked(store: &dyn Store) -> Kept {
    asked(store).await?;
    let decision = Decision {
        answer: ticked(&[], &[]),
        ..freds(1)
    };
    assert_eq!(
        store.record_decision(&decision, NOON).await?,
        Recorded::Issued
    );
    assert_eq!(granted(store).await?, Some(OPENID));
    assert_eq!(authority(store, 1).await?, Some(OPENID));
    Ok(())
}

pub async fn r11_what_is_shown_and_unticked_is_revoked_and_the_rest_stays(
    store: &dyn Store,
) -> Kept {
    exchanged(store).await?;
    let shown = OPENID
        .with(Scope::Nickname)
        .with_contact([ChannelId(1)].into());
    let decision = Decision {
        screen: Screen::new(&example(), shown, Some(&everything())),
        answer: ticked(&["contact"], &[]),
        ..freds(2)
    };
    assert_eq!(records(store, &decision).await?, Recorded::Issued);

    let after = OPENID
        .with(Scope::OfflineAccess)
        .with_contact([ChannelId(2)].into());
    assert_eq!(granted(store).await?, Some(after.clone()));
    assert_eq!(authority(store, 1).await?, Some(after));
    assert_eq!(
        authority(store, 2).await?,
        Some(OPENID.with(Scope::Contact))
    );
    Ok(())
}

pub async fn r11_an_answer_that_names_what_was_not_shown_changes_nothing(
    store: &dyn Store,
) -> Kept {
    asked(store).await?;
    let decision = Decision {
        answer: ticked(&["nickname"], &[]),
        ..decision(1, &fred(), &example(), OPENID)
    };
    assert_eq!(
        store.record_decision(&decision, NOON).await?,
        Recorded::NotShown
    );
    assert_eq!(granted(store).await?, None);
    assert_eq!(store.standing(authorization(1)).await?, None);
    let asked = store.interaction(decision.interaction, NOON).await?;
    assert!(asked.is_some_and(|it| !it.answered));
    Ok(())
}

pub async fn an_interaction_is_answered_once(store: &dyn Store) -> Kept {
    approved(store).await?;
    let second = Decision {
        interaction: freds(1).interaction,
        ..decision(2, &fred(), &example(), OPENID)
    };
    assert_eq!(
        store.record_decision(&second, NOON).await?,
        Recorded::AlreadyAnswered
    );
    let forgotten = interaction(3, &example());
    store.open_interaction(&forgotten).await?;
    let late = store
        .record_decision(&freds(3), forgotten.expires_at)
        .await?;
    assert_eq!(late, Recorded::AlreadyAnswered);
    assert_eq!(
        store.record_decision(&freds(4), NOON).await?,
        Recorded::AlreadyAnswered
    );
    for number in 2..=4 {
        assert_eq!(store.standing(authorization(number)).await?, None);
    }
    assert_eq!(granted(store).await?, Some(everything()));
    Ok(())
}

pub async fn r31_an_answer_after_the_session_ended_grants_nothing(store: &dyn Store) -> Kept {
    asked(store).await?;
    let forever = Interaction {
        expires_at: sign_in(&fred()).expires_at + lifetimes().session,
        ..interaction(1, &example())
    };
    store.close_interaction(forever.id, NOON).await?;
    let lasting = Interaction {
        id: interaction(2, &example()).id,
        ..forever
    };
    store.open_interaction(&lasting).await?;
    let late = store
        .record_decision(&freds(2), sign_in(&fred()).expires_at)
        .await?;
    assert_eq!(late, Recorded::Changed);
    store.end_session(session_of(&fred())).await?;
    assert_eq!(
        store.record_decision(&freds(2), NOON).await?,
        Recorded::Changed
    );

    assert_eq!(granted(store).await?, None);
    assert_eq!(store.standing(authorization(2)).await?, None);
    assert_eq!(store.interaction(lasting.id, NOON).await?, Some(lasting));
    Ok(())
}

pub async fn r31_an_answer_of_another_users_session_grants_nothing(store: &dyn Store) -> Kept {
    asked(store).await?;
    arrives(store, &ginger()).await?;
    let hers = Decision {
        session: session_of(&ginger()),
        ..freds(1)
    };
    let recorded = store.record_decision(&hers, NOON).await?;
    nothing_came_of_it(store, recorded).await
}

pub async fn r31_an_answer_of_a_locked_user_grants_nothing(store: &dyn Store) -> Kept {
    asked(store).await?;
    store.lock_user(fred().id, true).await?;
    let recorded = store.record_decision(&freds(1), NOON).await?;
    nothing_came_of_it(store, recorded).await
}

pub async fn r31_an_answer_to_a_client_that_is_gone_grants_nothing(store: &dyn Store) -> Kept {
    asked(store).await?;
    store.delete_client(example().id).await?;
    // The client is gone and the interaction with it: either may be told.
    let recorded = store.record_decision(&freds(1), NOON).await?;
    assert!(matches!(
        recorded,
        Recorded::Changed | Recorded::AlreadyAnswered
    ));
    assert_eq!(granted(store).await?, None);
    assert_eq!(store.standing(authorization(1)).await?, None);
    Ok(())
}

pub async fn r31_what_was_revoked_meanwhile_may_be_granted_again(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    let shown_before = Decision {
        screen: Screen::new(&example(), everything(), Some(&everything())),
        ..freds(2)
    };
    revokes(store, Revocation::Scope(Scope::Nickname))
        .await?
        .expect("it was granted");
    assert_eq!(records(store, &shown_before).await?, Recorded::Issued);
    assert_eq!(granted(store).await?, Some(everything()));
    Ok(())
}

pub async fn r31_a_channel_withdrawn_meanwhile_is_dropped_silently(store: &dyn Store) -> Kept {
    asked(store).await?;
    declares(store, &["product_updates"]).await?;
    assert_eq!(
        store.record_decision(&freds(1), NOON).await?,
        Recorded::Issued
    );
    declares(store, &["product_updates", "notifications"]).await?;

    let left = everything().with_channels_that(|it| it == ChannelId(2));
    assert_eq!(granted(store).await?, Some(left.clone()));
    assert_eq!(authority(store, 1).await?, Some(left));
    Ok(())
}

pub async fn r13_what_is_covered_is_issued_without_asking(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    let less = OPENID.with(Scope::Nickname);
    assert_eq!(issues(store, 2, &less, minutes(1)).await?, Recorded::Issued);

    let standing = store.standing(authorization(2)).await?;
    let issued = new_authorization(2, &fred(), &example()).approved(less, &session(&fred()));
    assert_eq!(standing.map(|it| it.authorization), Some(issued));
    let connection = store.connection(fred().id, example().id).await?;
    assert_eq!(
        connection.map(|it| (it.access, it.granted_at)),
        Some((everything(), NOON))
    );
    Ok(())
}

pub async fn issuing_answers_the_interaction_once(store: &dyn Store) -> Kept {
    approved(store).await?;
    let asked = interaction(2, &example());
    store.open_interaction(&asked).await?;
    for (number, told) in [(2, Recorded::Issued), (3, Recorded::AlreadyAnswered)] {
        let new = new_authorization(number, &fred(), &example());
        let session = session_of(&fred());
        let recorded = store
            .issue(&new, &OPENID, session, Some(asked.id), NOON)
            .await?;
        assert_eq!(recorded, told);
    }
    assert!(
        store
            .interaction(asked.id, NOON)
            .await?
            .is_some_and(|it| it.answered)
    );
    assert_eq!(store.standing(authorization(3)).await?, None);
    Ok(())
}

pub async fn what_is_not_covered_is_not_issued(store: &dyn Store) -> Kept {
    signed_in(store).await?;
    assert_eq!(issues(store, 2, &OPENID, NOON).await?, Recorded::Changed);
    approves(store, 1).await?;
    assert_eq!(
        issues(store, 2, &everything(), NOON).await?,
        Recorded::Issued
    );
    declares(store, &["notifications"]).await?;
    assert_eq!(
        issues(store, 3, &everything(), NOON).await?,
        Recorded::Changed
    );
    revokes(store, Revocation::Scope(Scope::Nickname))
        .await?
        .expect("it was granted");
    let nickname = OPENID.with(Scope::Nickname);
    assert_eq!(issues(store, 3, &nickname, NOON).await?, Recorded::Changed);
    assert_eq!(store.standing(authorization(3)).await?, None);
    Ok(())
}

pub async fn nothing_is_issued_without_a_live_session_of_the_user(store: &dyn Store) -> Kept {
    approved(store).await?;
    arrives(store, &ginger()).await?;
    let hers = decision(3, &ginger(), &example(), OPENID);
    assert_eq!(records(store, &hers).await?, Recorded::Issued);
    let end = sign_in(&fred()).expires_at;
    assert_eq!(issues(store, 2, &OPENID, end).await?, Recorded::Changed);
    let new = new_authorization(2, &fred(), &example());
    let hers = session_of(&ginger());
    assert_eq!(
        store.issue(&new, &OPENID, hers, None, NOON).await?,
        Recorded::Changed
    );
    store.lock_user(fred().id, true).await?;
    assert_eq!(issues(store, 2, &OPENID, NOON).await?, Recorded::Changed);
    store.lock_user(fred().id, false).await?;
    assert_eq!(issues(store, 2, &OPENID, NOON).await?, Recorded::Changed);
    assert_eq!(store.standing(authorization(2)).await?, None);
    Ok(())
}

pub async fn connections_come_newest_first(store: &dyn Store) -> Kept {
    approved(store).await?;
    store.insert_client(&other_client(), &[]).await?;
    let later = interaction(2, &other_client());
    store.open_interaction(&later).await?;
    let decision = decision(2, &fred(), &other_client(), OPENID);
    store.record_decision(&decision, minutes(1)).await?;

    let connections = store.connections(fred().id).await?;
    let clients: Vec<Client> = connections.iter().map(|it| it.0.clone()).collect();
    assert_eq!(clients, [other_client(), example()]);
    for (client, connection) in connections {
        assert_eq!(
            store.connection(fred().id, client.id).await?,
            Some(connection)
        );
    }
    assert_eq!(store.connections(ginger().id).await?, []);
    Ok(())
}

pub async fn a_connection_tells_since_when_it_is_and_when_it_last_changed(
    store: &dyn Store,
) -> Kept {
    signed_in(store).await?;
    let times = async || {
        let connection = store.connection(fred().id, example().id).await?;
        let connection = connection.expect("they are connected");
        let listed = store.connections(fred().id).await?;
        assert_eq!(listed.first().map(|it| &it.1), Some(&connection));
        Ok::<_, StoreError>((connection.since, connection.changed_at))
    };
    let answers = async |number: u128, shown: Access, at: i64| {
        let decision = decision(number, &fred(), &example(), shown);
        store
            .open_interaction(&interaction(number, &example()))
            .await?;
        store.record_decision(&decision, minutes(at)).await
    };
    answers(1, OPENID.with(Scope::Nickname), 1).await?;
    assert_eq!(times().await?, (minutes(1), minutes(1)));
    answers(2, everything(), 2).await?;
    assert_eq!(times().await?, (minutes(1), minutes(2)));
    answers(3, everything(), 3).await?;
    assert_eq!(times().await?, (minutes(1), minutes(2)), "nothing changed");
    let nickname = Revocation::Scope(Scope::Nickname);
    assert_eq!(revokes_at(store, nickname, minutes(4)).await?, Ok(()));
    assert_eq!(times().await?, (minutes(1), minutes(4)));
    assert_eq!(
        revokes_at(store, Revocation::Disconnect, minutes(5)).await?,
        Ok(())
    );
    answers(6, OPENID, 6).await?;
    assert_eq!(times().await?, (minutes(6), minutes(6)), "it begins anew");
    Ok(())
}

pub async fn a_connection_tells_when_its_user_last_answered(store: &dyn Store) -> Kept {
    approved(store).await?;
    store.open_interaction(&interaction(2, &example())).await?;
    store.record_decision(&freds(2), minutes(7)).await?;
    revokes(store, Revocation::Scope(Scope::Nickname))
        .await?
        .expect("it was granted");
    let connection = store.connection(fred().id, example().id).await?;
    assert_eq!(connection.map(|it| it.granted_at), Some(minutes(7)));
    Ok(())
}

pub async fn live_grants_come_with_the_live_sessions_in_the_order_of_the_tokens(
    store: &dyn Store,
) -> Kept {
    approved(store).await?;
    arrives(store, &ginger()).await?;
    let [his, hers] = [fred(), ginger()].map(|it| sign_in(&it).token);
    let end = sign_in(&fred()).expires_at;
    for tokens in [[his, hers], [hers, his]] {
        let asked = [tokens[0], Digest::of(b"a guess"), tokens[1]];
        for now in [NOON, end] {
            let live = store.live_grants(&asked, example().id, now).await?;
            let sessions: Vec<_> = live.into_iter().map(|it| (it.token, it.session)).collect();
            assert_eq!(sessions, store.live_sessions(&asked, now).await?);
        }
    }
    assert_eq!(store.live_grants(&[], example().id, NOON).await?, []);
    Ok(())
}

pub async fn live_grants_tell_what_each_user_grants_to_the_client_now(store: &dyn Store) -> Kept {
    approved(store).await?;
    arrives(store, &ginger()).await?;
    let tokens = [fred(), ginger()].map(|it| sign_in(&it).token);
    let granted = async |client| {
        let live = store.live_grants(&tokens, client, NOON).await?;
        Ok(live.into_iter().map(|it| it.connection).collect::<Vec<_>>())
    };
    let connection = async || store.connection(fred().id, example().id).await;
    assert!(connection().await?.is_some());
    assert_eq!(granted(example().id).await?, [connection().await?, None]);
    assert_eq!(granted(other_client().id).await?, [None, None]);

    let nickname = Revocation::Scope(Scope::Nickname);
    let revoked = revokes(store, nickname).await?;
    revoked.expect("it was granted");
    assert_eq!(granted(example().id).await?, [connection().await?, None]);

    let revoked = revokes(store, Revocation::Disconnect).await?;
    revoked.expect("they are connected");
    assert_eq!(granted(example().id).await?, [None, None]);
    Ok(())
}

/// The `number`th request of the first client is anticipated, with Fred's session token.
async fn issues_anticipated(
    store: &dyn Store,
    number: u128,
    access: &Access,
    now: DateTime<Utc>,
) -> Result<Anticipation, StoreError> {
    let anticipated = anticipated(number, &example(), access.clone());
    let token = sign_in(&fred()).token;
    store.issue_anticipated(token, &anticipated, now).await
}

pub async fn r13_what_is_anticipated_is_issued_in_the_step_that_looks(store: &dyn Store) -> Kept {
    approved(store).await?;
    let found = issues_anticipated(store, 2, &everything(), NOON).await?;
    let token = sign_in(&fred()).token;
    let mut looked = store.live_grants(&[token], example().id, NOON).await?;
    assert_eq!(looked.pop().map(Anticipation::Issued), Some(found));
    let new = new_authorization(2, &fred(), &example());
    let whole = new.approved(everything(), &session(&fred()));
    let standing = store.standing(authorization(2)).await?;
    assert_eq!(standing.map(|it| it.authorization), Some(whole));
    Ok(())
}

pub async fn what_is_anticipated_is_not_issued_without_session_and_cover(
    store: &dyn Store,
) -> Kept {
    // Whether there is a session, to which nothing is issued.
    let looks = async |access: &Access, now| {
        let found = issues_anticipated(store, 2, access, now).await?;
        assert_eq!(store.standing(authorization(2)).await?, None);
        Ok(match found {
            Anticipation::NoSession => false,
            Anticipation::NotIssued(_) => true,
            Anticipation::Issued(_) => panic!("it does not stand"),
        })
    };
    assert!(!looks(&OPENID, NOON).await?, "nobody is there");
    signed_in(store).await?;
    assert!(looks(&OPENID, NOON).await?, "the two have not met");
    approves(store, 1).await?;
    let end = sign_in(&fred()).expires_at;
    assert!(!looks(&OPENID, end).await?, "the session ended");
    let nickname = Revocation::Scope(Scope::Nickname);
    revokes(store, nickname).await?.expect("it was granted");
    assert!(looks(&everything(), NOON).await?, "some was revoked");
    let disconnect = Revocation::Disconnect;
    revokes(store, disconnect).await?.expect("connected");
    assert!(looks(&OPENID, NOON).await?, "they are disconnected");
    approves(store, 3).await?;
    store.lock_user(fred().id, true).await?;
    assert!(!looks(&OPENID, NOON).await?, "he is locked");
    Ok(())
}

pub async fn an_alias_id_is_of_one_user_and_one_client(store: &dyn Store) -> Kept {
    approved(store).await?;
    arrives(store, &ginger()).await?;
    store.insert_client(&other_client(), &[]).await?;
    let others = [(ginger(), example()), (fred(), other_client())];
    for (number, (user, client)) in (2..).zip(others) {
        let decision = decision(number, &user, &client, OPENID);
        records(store, &decision).await?;
        let connection = store.connection(user.id, client.id).await?;
        assert_eq!(connection.map(|it| it.alias_id), Some(decision.alias_id));
    }
    approves(store, 4).await?;
    let connection = store.connection(fred().id, example().id).await?;
    assert_eq!(connection.map(|it| it.alias_id), Some(freds(1).alias_id));
    Ok(())
}

pub async fn an_alias_id_survives_a_disconnect(store: &dyn Store) -> Kept {
    approved(store).await?;
    revokes(store, Revocation::Disconnect)
        .await?
        .expect("they are connected");
    approves(store, 2).await?;
    let connection = store.connection(fred().id, example().id).await?;
    assert_eq!(connection.map(|it| it.alias_id), Some(freds(1).alias_id));
    let standing = store.standing(authorization(2)).await?;
    assert_eq!(standing.map(|it| it.alias_id), Some(freds(1).alias_id));
    Ok(())
}

pub async fn an_alias_id_tells_its_user_to_its_client_alone(store: &dyn Store) -> Kept {
    approved(store).await?;
    store.insert_client(&other_client(), &[]).await?;
    let alias_id = freds(1).alias_id;
    let known_as = |alias_id, client: Client| store.known_as(alias_id, client.id);
    assert_eq!(known_as(alias_id, example()).await?, Some(fred().id));
    assert_eq!(known_as(alias_id, other_client()).await?, None);
    assert_eq!(known_as(freds(2).alias_id, example()).await?, None);

    revokes(store, Revocation::Disconnect)
        .await?
        .expect("they are connected");
    assert_eq!(known_as(alias_id, example()).await?, Some(fred().id));
    store.delete_user(fred().id).await?;
    assert_eq!(known_as(alias_id, example()).await?, None);
    Ok(())
}

pub async fn r18_what_was_asked_for_is_kept_with_each_authorization(store: &dyn Store) -> Kept {
    approved(store).await?;
    let asked = |acr, amr| AskedClaims { acr, amr };
    let wishes = [asked(true, true), asked(true, false), asked(false, true)];
    for (number, asked_claims) in (2..).zip(wishes) {
        let mut decision = freds(number);
        decision.new.binding.asked_claims = asked_claims;
        assert_eq!(records(store, &decision).await?, Recorded::Issued);

        // Where nobody is asked it is kept too, with an interaction or without one.
        let mut ids = vec![decision.new.id];
        for (number, waits) in [(number + 10, false), (number + 20, true)] {
            let mut new = new_authorization(number, &fred(), &example());
            new.binding.asked_claims = asked_claims;
            let waiting = interaction(number, &example());
            store.open_interaction(&waiting).await?;
            let answered = waits.then_some(waiting.id);
            let session = session_of(&fred());
            let recorded = store.issue(&new, &OPENID, session, answered, NOON).await?;
            assert_eq!(recorded, Recorded::Issued);
            ids.push(new.id);
        }
        for id in ids {
            let standing = store.standing(id).await?;
            let kept = standing.map(|it| it.authorization.binding.asked_claims);
            assert_eq!(kept, Some(asked_claims));
        }
    }
    Ok(())
}

pub async fn r20_granting_again_restores_what_revoking_took(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    revokes(store, Revocation::Scope(Scope::Contact))
        .await?
        .expect("it was granted");
    approves(store, 2).await?;
    assert_eq!(authority(store, 1).await?, Some(everything()));
    Ok(())
}

pub async fn r24_a_revocation_bites_at_once(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    let channel = Revocation::Channel("notifications".to_owned());
    revokes(store, channel).await?.expect("it was granted");
    let left = everything().with_channels_that(|it| it == ChannelId(2));
    assert_eq!(authority(store, 1).await?, Some(left.clone()));
    revokes(store, Revocation::Scope(Scope::Nickname))
        .await?
        .expect("it was granted");
    let left = left.without(Scope::Nickname);
    assert_eq!(authority(store, 1).await?, left);
    assert_eq!(granted(store).await?, left);
    Ok(())
}

pub async fn r25_a_disconnect_ends_every_authorization_for_good(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    approves(store, 2).await?;
    revokes(store, Revocation::Disconnect)
        .await?
        .expect("they are connected");
    assert_eq!(store.connection(fred().id, example().id).await?, None);
    assert_eq!(store.connections(fred().id).await?, []);

    approves(store, 3).await?;
    assert_eq!(store.standing(authorization(1)).await?, None);
    assert_eq!(rotate(store, &rotation(1), NOON).await?, None);
    assert_eq!(redeem(store, &redemption(2), NOON).await?, None);
    Ok(())
}

pub async fn r25_revoking_openid_disconnects(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    revokes(store, Revocation::Scope(Scope::OpenId))
        .await?
        .expect("they are connected");
    assert_eq!(store.connection(fred().id, example().id).await?, None);
    assert_eq!(store.standing(authorization(1)).await?, None);
    Ok(())
}

pub async fn r25_revoking_contact_drops_all_channels(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    revokes(store, Revocation::Scope(Scope::Contact))
        .await?
        .expect("it was granted");
    let bare = decision(2, &fred(), &example(), OPENID.with(Scope::Contact));
    records(store, &bare).await?;
    let channels = authority(store, 1)
        .await?
        .and_then(|it| it.channels().cloned());
    assert_eq!(channels, Some([].into()));
    Ok(())
}

pub async fn r25_meta_cannot_be_revoked_alone(store: &dyn Store) -> Kept {
    approved(store).await?;
    let meta = Revocation::Channel("_meta".to_owned());
    assert_eq!(revokes(store, meta).await?, Err(RevocationError::MetaAlone));
    assert_eq!(granted(store).await?, Some(everything()));
    Ok(())
}

pub async fn r27_a_users_own_list_has_meta(store: &dyn Store) -> Kept {
    asked(store).await?;
    let decision = Decision {
        answer: ticked(&["contact"], &["product_updates"]),
        ..freds(1)
    };
    store.record_decision(&decision, NOON).await?;
    let connections = store.connections(fred().id).await?;
    let (client, connection) = connections.first().expect("they are connected");
    assert_eq!(
        connection.channel_names(client),
        ["_meta", "product_updates"]
    );
    Ok(())
}

pub async fn what_was_not_granted_cannot_be_revoked(store: &dyn Store) -> Kept {
    let refused = Err(RevocationError::NotGranted);
    assert_eq!(revokes(store, Revocation::Disconnect).await?, refused);
    asked(store).await?;
    assert_eq!(revokes(store, Revocation::Disconnect).await?, refused);
    let decision = Decision {
        answer: Answer::AllowAll,
        ..decision(1, &fred(), &example(), OPENID)
    };
    store.record_decision(&decision, NOON).await?;
    for revocation in [
        Revocation::Scope(Scope::Nickname),
        Revocation::Channel("notifications".to_owned()),
        Revocation::Channel("undeclared".to_owned()),
        Revocation::Channel("_meta".to_owned()),
    ] {
        assert_eq!(revokes(store, revocation).await?, refused);
    }
    revokes(store, Revocation::Disconnect)
        .await?
        .expect("they are connected");
    assert_eq!(revokes(store, Revocation::Disconnect).await?, refused);
    Ok(())
}

pub async fn a_revocation_touches_no_other_connection(store: &dyn Store) -> Kept {
    approved(store).await?;
    arrives(store, &ginger()).await?;
    store.insert_client(&other_client(), &[]).await?;
    records(store, &decision(2, &ginger(), &example(), OPENID)).await?;
    records(store, &decision(3, &fred(), &other_client(), OPENID)).await?;
    revokes(store, Revocation::Disconnect)
        .await?
        .expect("they are connected");
    assert_eq!(authority(store, 2).await?, Some(OPENID));
    assert_eq!(authority(store, 3).await?, Some(OPENID));
    Ok(())
}

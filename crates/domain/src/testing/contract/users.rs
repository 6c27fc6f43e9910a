//! What [`Users`](crate::ports::Users) promises.

use super::{Kept, scene::*};
use crate::{
    Nickname, Redeem, User,
    ports::{EmailTaken, PasswordHash, Store},
};

pub async fn an_unknown_user_is_none(store: &dyn Store) -> Kept {
    let id = fred().id;
    assert_eq!(store.user(id).await?, None);
    assert_eq!(store.user_by_email(&fred().email).await?, None);
    assert!(!store.lock_user(id, true).await?);
    assert!(!store.delete_user(id).await?);
    store.rehash_password(id, &password(), &password()).await?;
    assert_eq!(store.users().await?, []);
    Ok(())
}

pub async fn a_user_is_found_by_id_and_by_email(store: &dyn Store) -> Kept {
    let other = PasswordHash::new("$argon2id$another");
    store
        .insert_user(&fred(), &password())
        .await?
        .expect("a free address");
    store
        .insert_user(&ginger(), &other)
        .await?
        .expect("a free address");
    assert_eq!(store.user(fred().id).await?, Some(fred()));
    assert_eq!(
        store.user_by_email(&fred().email).await?,
        Some((fred(), password()))
    );
    assert_eq!(
        store.user_by_email(&ginger().email).await?,
        Some((ginger(), other))
    );
    Ok(())
}

pub async fn an_email_address_is_one_users(store: &dyn Store) -> Kept {
    store
        .insert_user(&fred(), &password())
        .await?
        .expect("a free address");
    let same_address = User {
        email: fred().email,
        ..ginger()
    };
    assert_eq!(
        store.insert_user(&same_address, &password()).await?,
        Err(EmailTaken)
    );
    assert_eq!(store.users().await?, [fred()]);
    Ok(())
}

pub async fn users_come_oldest_first(store: &dyn Store) -> Kept {
    let nicknamed = User {
        nickname: Some("Ginger 🌶".parse::<Nickname>().expect("a nickname")),
        ..ginger()
    };
    store
        .insert_user(&nicknamed, &password())
        .await?
        .expect("a free address");
    store
        .insert_user(&fred(), &password())
        .await?
        .expect("a free address");
    assert_eq!(store.users().await?, [fred(), nicknamed]);
    Ok(())
}

pub async fn a_hash_is_replaced_if_it_is_still_what_was_read(store: &dyn Store) -> Kept {
    let [better, late] = ["$better", "$late"].map(PasswordHash::new);
    store
        .insert_user(&fred(), &password())
        .await?
        .expect("a free address");
    store
        .rehash_password(fred().id, &password(), &better)
        .await?;
    store.rehash_password(fred().id, &password(), &late).await?;
    assert_eq!(
        store.user_by_email(&fred().email).await?,
        Some((fred(), better))
    );
    Ok(())
}

pub async fn an_address_and_a_nickname_change_if_they_are_still_what_was_read(
    store: &dyn Store,
) -> Kept {
    arrives(store, &fred()).await?;
    let renamed = User {
        email: "frederick@example.com".parse().expect("an address"),
        nickname: Some("Freddie".parse().expect("a nickname")),
        ..fred()
    };
    let nameless = User {
        nickname: None,
        ..renamed.clone()
    };
    assert_eq!(store.update_user(&fred(), &renamed).await?, Ok(true));
    assert_eq!(store.update_user(&fred(), &nameless).await?, Ok(false));
    assert_eq!(store.user_by_email(&fred().email).await?, None);
    assert_eq!(
        store.user_by_email(&renamed.email).await?,
        Some((renamed.clone(), password()))
    );
    assert_eq!(store.update_user(&renamed, &nameless).await?, Ok(true));
    assert_eq!(store.update_user(&nameless, &nameless).await?, Ok(true));
    assert_eq!(store.user(fred().id).await?, Some(nameless.clone()));
    let live = store.live_sessions(&[sign_in(&fred()).token], NOON).await?;
    assert_eq!(live.first().map(|it| &it.1.user), Some(&nameless));
    assert_eq!(store.update_user(&ginger(), &ginger()).await?, Ok(false));
    Ok(())
}

pub async fn an_address_of_another_user_is_not_taken_over(store: &dyn Store) -> Kept {
    arrives(store, &fred()).await?;
    arrives(store, &ginger()).await?;
    let posing = User {
        email: fred().email,
        ..ginger()
    };
    let refused = store.update_user(&ginger(), &posing).await?;
    assert_eq!(refused, Err(EmailTaken));
    assert_eq!(store.users().await?, [fred(), ginger()]);
    Ok(())
}

pub async fn an_address_and_a_nickname_that_nobody_is_given_any_more_are_kept(
    store: &dyn Store,
) -> Kept {
    let earlier = User {
        email: "fr\u{200b}ed\u{202e}@[]".parse().expect("an address"),
        nickname: "\u{200b}".parse().ok(),
        ..fred()
    };
    assert!(earlier.nickname.is_some());
    arrives(store, &earlier).await?;
    assert_eq!(
        store.user_by_email(&earlier.email).await?,
        Some((earlier.clone(), password()))
    );
    assert_eq!(store.users().await?, [earlier]);
    Ok(())
}

pub async fn r30_a_reset_password_ends_every_session_of_its_user(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    arrives(store, &ginger()).await?;
    let next = PasswordHash::new("$argon2id$the-next");
    assert!(store.reset_password(fred().id, &next).await?);
    assert_eq!(
        store.user_by_email(&fred().email).await?,
        Some((fred(), next.clone()))
    );
    let tokens = [sign_in(&fred()).token, sign_in(&ginger()).token];
    let live = store.live_sessions(&tokens, NOON).await?;
    assert_eq!(
        live.iter().map(|it| it.1.user.id).collect::<Vec<_>>(),
        [ginger().id]
    );
    assert_eq!(authority(store, 1).await?, Some(everything()));
    let nobody = crate::UserId::from_uuid(uuid::Uuid::from_u128(99));
    assert!(!store.reset_password(nobody, &next).await?);
    Ok(())
}

pub async fn r30_locking_ends_the_sessions_and_unlocking_restores_none(store: &dyn Store) -> Kept {
    arrives(store, &fred()).await?;
    arrives(store, &ginger()).await?;
    let tokens = [sign_in(&fred()).token, sign_in(&ginger()).token];

    assert!(store.lock_user(fred().id, true).await?);
    assert!(store.user(fred().id).await?.is_some_and(|it| it.locked));
    assert!(store.lock_user(fred().id, false).await?);

    assert_eq!(store.user(fred().id).await?, Some(fred()));
    let live = store.live_sessions(&tokens, NOON).await?;
    assert_eq!(
        live.iter().map(|it| it.1.user.id).collect::<Vec<_>>(),
        [ginger().id]
    );
    Ok(())
}

pub async fn r30_a_locked_users_authorizations_wait_for_the_unlocking(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    approves(store, 2).await?;

    store.lock_user(fred().id, true).await?;
    assert_eq!(authority(store, 1).await?, None);
    assert_eq!(
        redeem(store, &redemption(2), NOON).await?,
        Some(Redeem::Refused)
    );
    assert_eq!(
        next_generation(rotate(store, &rotation(1), NOON).await?.as_ref()),
        None
    );

    store.lock_user(fred().id, false).await?;
    assert_eq!(authority(store, 1).await?, Some(everything()));
    exchanges(store, 2).await?;
    assert_eq!(
        next_generation(rotate(store, &rotation(1), NOON).await?.as_ref()),
        Some(2)
    );
    Ok(())
}

pub async fn r30_deleting_a_user_ends_everything_of_them(store: &dyn Store) -> Kept {
    approved(store).await?;
    arrives(store, &ginger()).await?;
    records(store, &decision(2, &ginger(), &example(), everything())).await?;

    assert!(store.delete_user(fred().id).await?);

    assert_eq!(store.user(fred().id).await?, None);
    assert_eq!(
        store.live_sessions(&[sign_in(&fred()).token], NOON).await?,
        []
    );
    assert_eq!(store.connections(fred().id).await?, []);
    assert_eq!(redeem(store, &redemption(1), NOON).await?, None);
    assert_eq!(authority(store, 2).await?, Some(everything()));
    let successor = User {
        email: fred().email,
        id: crate::UserId::from_uuid(uuid::Uuid::from_u128(99)),
        ..fred()
    };
    assert_eq!(store.insert_user(&successor, &password()).await?, Ok(()));
    Ok(())
}

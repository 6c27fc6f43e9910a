//! What [`Interactions`](crate::ports::Interactions) promises.

use chrono::TimeDelta;

use super::{Kept, scene::*};
use crate::{ChosenAccount, Digest, Interaction, ports::Store};

const fn chosen(user: &crate::User) -> ChosenAccount {
    ChosenAccount {
        session: crate::SessionId::from_uuid(user.id.uuid()),
        authenticated: true,
    }
}

pub async fn an_interaction_is_kept_until_it_is_forgotten(store: &dyn Store) -> Kept {
    store.insert_client(&example(), &[]).await?;
    let plain = interaction(1, &example());
    let chosen = Interaction {
        account: Some(chosen(&fred())),
        ..interaction(2, &example())
    };
    let hinted = Interaction {
        hinted: Some(freds(1).alias_id),
        ..interaction(4, &example())
    };
    for it in [plain, chosen, hinted] {
        store.open_interaction(&it).await?;
        assert_eq!(store.interaction(it.id, it.expires_at).await?, None);
        let last_moment = it.expires_at - TimeDelta::milliseconds(1);
        assert_eq!(store.interaction(it.id, last_moment).await?, Some(it));
    }
    assert_eq!(
        store
            .interaction(interaction(3, &example()).id, NOON)
            .await?,
        None
    );
    Ok(())
}

pub async fn an_interaction_of_a_client_that_is_gone_is_not_kept(store: &dyn Store) -> Kept {
    let it = interaction(1, &example());
    store.open_interaction(&it).await?;
    assert_eq!(store.interaction(it.id, NOON).await?, None);
    Ok(())
}

pub async fn an_interaction_is_bound_once(store: &dyn Store) -> Kept {
    store.insert_client(&example(), &[]).await?;
    let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
    let bound = interaction(1, &example());
    let it = Interaction {
        binding: None,
        ..interaction(2, &example())
    };
    store.open_interaction(&bound).await?;
    store.open_interaction(&it).await?;
    assert!(!store.claim_interaction(bound.id, one, NOON).await?);
    assert!(!store.claim_interaction(it.id, one, it.expires_at).await?);
    assert!(store.claim_interaction(it.id, one, NOON).await?);
    assert!(store.claim_interaction(it.id, one, NOON).await?);
    assert!(!store.claim_interaction(it.id, other, NOON).await?);
    let stored = store.interaction(it.id, NOON).await?;
    assert_eq!(stored.and_then(|it| it.binding), Some(one));
    Ok(())
}

pub async fn an_account_is_chosen_while_the_interaction_waits(store: &dyn Store) -> Kept {
    store.insert_client(&example(), &[]).await?;
    let it = interaction(1, &example());
    assert!(!store.choose_account(it.id, chosen(&fred()), NOON).await?);
    store.open_interaction(&it).await?;
    assert!(store.choose_account(it.id, chosen(&fred()), NOON).await?);
    assert!(store.choose_account(it.id, chosen(&ginger()), NOON).await?);
    assert!(
        !store
            .choose_account(it.id, chosen(&fred()), it.expires_at)
            .await?
    );
    store.close_interaction(it.id, NOON).await?;
    assert!(!store.choose_account(it.id, chosen(&fred()), NOON).await?);

    let account = Some(chosen(&ginger()));
    let answered = Interaction {
        account,
        answered: true,
        ..it
    };
    assert_eq!(store.interaction(answered.id, NOON).await?, Some(answered));
    Ok(())
}

pub async fn closing_consumes_an_interaction_once(store: &dyn Store) -> Kept {
    store.insert_client(&example(), &[]).await?;
    let it = interaction(1, &example());
    assert!(!store.close_interaction(it.id, NOON).await?);
    store.open_interaction(&it).await?;
    assert!(!store.close_interaction(it.id, it.expires_at).await?);
    assert!(store.close_interaction(it.id, NOON).await?);
    assert!(!store.close_interaction(it.id, NOON).await?);
    Ok(())
}

pub async fn r12_closing_grants_nothing(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    let it = interaction(2, &example());
    store.open_interaction(&it).await?;
    let before = store.connection(fred().id, example().id).await?;
    assert!(store.close_interaction(it.id, NOON).await?);
    assert_eq!(store.connection(fred().id, example().id).await?, before);
    assert_eq!(store.standing(authorization(2)).await?, None);
    Ok(())
}

//! What [`Interactions`](crate::ports::Interactions) promises.

use chrono::TimeDelta;

use super::{Kept, scene::*};
use crate::{ChosenAccount, Interaction, ports::Store, testing::sample};

/// A request that makes use of everything that is kept of one.
const EVERY_PARAMETER: &str = "scope=openid+contact&include_granted_scopes=true\
    &channels=notifications&include_granted_channels=true&response_mode=form_post\
    &state=%F0%90%8D%88+%27%22&nonce=n&prompt=login+consent&max_age=5&acr_values=1\
    &login_hint=fred%40example.com&code_challenge_method=S256\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
    &claims=%7B%22userinfo%22:%7B%22sub%22:%7B%22value%22:%22RIpbfh4fpqMpHn2C7WxrKQ%22%7D%7D%7D";

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
    let with_all_that_may_be_asked = Interaction {
        request: sample::request(EVERY_PARAMETER),
        ..interaction(4, &example())
    };
    for it in [plain, chosen, with_all_that_may_be_asked] {
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
        denied: true,
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

//! What [`Clients`](crate::ports::Clients) promises.

use super::{Kept, scene::*};
use crate::{
    Access, AuthMethod, ChannelId, Client, ClientChange, ClientKind, ClientSecret, Digest,
    RedirectUri, SigningAlgorithm, ports::Store, testing::sample,
};

fn secret(text: &str) -> ClientSecret {
    ClientSecret {
        digest: Digest::of(text.as_bytes()),
        expires_at: None,
    }
}

async fn secrets_of(
    store: &dyn Store,
    client: &Client,
) -> Result<Vec<ClientSecret>, crate::ports::StoreError> {
    let found = store.client_with_secrets(client.id).await?;
    Ok(found.map_or_else(Vec::new, |(_, secrets)| secrets))
}

pub async fn an_unknown_client_is_none(store: &dyn Store) -> Kept {
    let id = example().id;
    assert_eq!(store.client(id).await?, None);
    assert_eq!(store.client_with_secrets(id).await?, None);
    assert!(!store.update_client(&example(), &example()).await?);
    assert!(!store.set_client_secrets(id, &[secret("a")]).await?);
    assert!(!store.delete_client(id).await?);
    assert_eq!(store.clients().await?, []);
    Ok(())
}

pub async fn a_client_is_kept_whole(store: &dyn Store) -> Kept {
    let rich = Client {
        name: "Größe \"und\" 大きさ".to_owned(),
        auth_method: AuthMethod::ClientSecretPost,
        id_token_alg: SigningAlgorithm::EdDsa,
        post_logout_redirect_uris: ["https://example.com/bye?a=1", "https://example.com/adieu"]
            .map(|uri| RedirectUri::register(uri, ClientKind::Confidential).expect("sound"))
            .into(),
        next_channel: ChannelId(u32::MAX),
        ..example()
    };
    for client in [rich, sample::public_client(), sample::resource_server()] {
        store.insert_client(&client, &[]).await?;
        assert_eq!(store.client(client.id).await?, Some(client));
    }
    Ok(())
}

pub async fn a_client_keeps_its_back_channel(store: &dyn Store) -> Kept {
    let mut before = example();
    store.insert_client(&before, &[]).await?;
    let uri = "https://example.com/logout?by=alias";
    for wish in [Some(false), Some(true), None] {
        let mut next = before.clone();
        let change = ClientChange {
            backchannel_logout: Some(wish.map(|it| (uri.to_owned(), it))),
            ..ClientChange::default()
        };
        next.change(change).expect("a sound change");
        assert!(store.update_client(&before, &next).await?);
        assert_eq!(store.client(next.id).await?, Some(next.clone()));
        before = next;
    }
    Ok(())
}

pub async fn a_client_keeps_any_signing_algorithm(store: &dyn Store) -> Kept {
    let mut before = example();
    store.insert_client(&before, &[]).await?;
    for algorithm in SigningAlgorithm::ALL.into_iter().rev() {
        let mut next = before.clone();
        let change = ClientChange {
            id_token_alg: Some(algorithm),
            ..ClientChange::default()
        };
        next.change(change).expect("a sound change");
        assert!(store.update_client(&before, &next).await?);
        let stored = store.client(next.id).await?;
        assert_eq!(stored.map(|it| it.id_token_alg), Some(algorithm));
        before = next;
    }
    Ok(())
}

pub async fn r35_a_client_keeps_the_claims_that_a_nickname_is_told_under(
    store: &dyn Store,
) -> Kept {
    let mut before = example();
    store.insert_client(&before, &[]).await?;
    for names in [&["name"][..], &["preferred_username", "name"], &[]] {
        let mut next = before.clone();
        let wishes = names
            .iter()
            .map(|it| (it.to_string(), "nickname".to_owned()));
        let change = ClientChange {
            claims: Some(wishes.collect()),
            ..ClientChange::default()
        };
        next.change(change).expect("a sound change");
        assert!(store.update_client(&before, &next).await?);
        let stored = store.client(next.id).await?.map(|it| it.claims);
        assert_eq!(stored.map(|it| it.names().count()), Some(names.len()));
        before = next;
    }
    Ok(())
}

pub async fn a_client_comes_with_its_secrets(store: &dyn Store) -> Kept {
    let expiring = ClientSecret {
        expires_at: Some(minutes(1)),
        ..secret("old")
    };
    store
        .insert_client(&example(), &[secret("new"), expiring.clone()])
        .await?;
    store.insert_client(&other_client(), &[]).await?;
    let (client, secrets) = store
        .client_with_secrets(example().id)
        .await?
        .expect("it is there");
    assert_eq!(client, example());
    assert_eq!(secrets.len(), 2);
    assert!(secrets.contains(&secret("new")) && secrets.contains(&expiring));
    assert_eq!(
        store.client_with_secrets(other_client().id).await?,
        Some((other_client(), vec![]))
    );
    Ok(())
}

pub async fn secrets_are_replaced_together(store: &dyn Store) -> Kept {
    store
        .insert_client(&example(), &[secret("a"), secret("b")])
        .await?;
    store.insert_client(&other_client(), &[secret("a")]).await?;
    assert!(
        store
            .set_client_secrets(example().id, &[secret("c")])
            .await?
    );
    assert_eq!(secrets_of(store, &example()).await?, [secret("c")]);
    assert_eq!(secrets_of(store, &other_client()).await?, [secret("a")]);
    Ok(())
}

pub async fn clients_come_oldest_first(store: &dyn Store) -> Kept {
    store.insert_client(&other_client(), &[]).await?;
    store.insert_client(&example(), &[]).await?;
    assert_eq!(store.clients().await?, [example(), other_client()]);
    Ok(())
}

pub async fn a_client_is_updated_if_it_is_still_what_was_read(store: &dyn Store) -> Kept {
    store.insert_client(&example(), &[secret("a")]).await?;
    let named = |name: &str| Client {
        name: name.to_owned(),
        ..example()
    };
    assert!(store.update_client(&example(), &named("first")).await?);
    assert!(!store.update_client(&example(), &named("second")).await?);
    assert_eq!(store.client(example().id).await?, Some(named("first")));
    assert_eq!(secrets_of(store, &example()).await?, [secret("a")]);
    Ok(())
}

pub async fn r30_deleting_a_client_ends_everything_of_it(store: &dyn Store) -> Kept {
    approved(store).await?;
    store.insert_client(&other_client(), &[]).await?;
    records(
        store,
        &decision(2, &fred(), &other_client(), Access::openid()),
    )
    .await?;
    store.open_interaction(&interaction(3, &example())).await?;

    assert!(store.delete_client(example().id).await?);

    assert_eq!(store.client_with_secrets(example().id).await?, None);
    assert_eq!(
        store
            .interaction(interaction(3, &example()).id, NOON)
            .await?,
        None
    );
    assert_eq!(granted(store).await?, None);
    assert_eq!(redeem(store, &redemption(1), NOON).await?, None);
    let left = store.connections(fred().id).await?;
    assert_eq!(
        left.iter().map(|it| it.0.id).collect::<Vec<_>>(),
        [other_client().id]
    );
    assert_eq!(authority(store, 2).await?, Some(Access::openid()));
    assert_eq!(
        store
            .live_sessions(&[sign_in(&fred()).token], NOON)
            .await?
            .len(),
        1
    );
    Ok(())
}

pub async fn r30_a_withdrawn_channel_counts_nowhere(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    declares(store, &["notifications"]).await?;

    let left = everything().with_channels_that(|it| it == ChannelId(1));
    assert_eq!(granted(store).await?, Some(left.clone()));
    let listed = store.connections(fred().id).await?;
    assert_eq!(
        listed.first().map(|it| it.1.access.clone()),
        Some(left.clone())
    );
    assert_eq!(authority(store, 1).await?, Some(left));
    Ok(())
}

pub async fn r30_a_channel_declared_again_is_granted_to_nobody(store: &dyn Store) -> Kept {
    exchanged(store).await?;
    declares(store, &["notifications"]).await?;
    declares(store, &["notifications", "product_updates"]).await?;

    let left = everything().with_channels_that(|it| it == ChannelId(1));
    assert_eq!(granted(store).await?, Some(left.clone()));
    assert_eq!(authority(store, 1).await?, Some(left));
    Ok(())
}

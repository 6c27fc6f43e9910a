//! The demo user and the demo clients: made once, kept over restarts, mended where they are gone.

use alias_demo::{DemoClient, DemoConfig};
use alias_domain::{
    Client, ClientChange, ClientId, ClientKind, ClientSecret, Email, Nickname, RedirectUri,
    Registration, Secret,
    ports::{Chance, Store},
};
use alias_signing::OsChance;
use serde::{Deserialize, Serialize};

use super::home::Home;
use crate::{
    cli::{client, user},
    clock,
    error::Error,
};

pub(super) const EMAIL: &str = "demo@example.com";
pub(super) const NICKNAME: &str = "Robin";
/// Everybody may know it: `dev` refuses to be anything but loopback.
pub(super) const PASSWORD: &str = "correct horse";

/// The two demo clients, as they are registered.
pub(super) struct Clients {
    pub(super) confidential: DemoClient,
    pub(super) public: DemoClient,
}

/// What the store cannot tell again, and which clients are the demo's.
#[derive(Serialize, Deserialize)]
struct Kept {
    confidential: KeptClient,
    public: KeptClient,
}

#[derive(Serialize, Deserialize)]
struct KeptClient {
    client_id: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

const KEPT: &str = "demo.json";

/// Makes what is missing. `base` is where a browser reaches the demo.
pub(super) async fn furnish(store: &dyn Store, home: &Home, base: &str) -> Result<Clients, Error> {
    let email: Email = EMAIL.parse()?;
    if store.user_by_email(&email).await?.is_none() {
        let nickname: Nickname = NICKNAME.parse()?;
        let password = Secret::new(PASSWORD.to_owned());
        user::add(store, email, Some(nickname), &password).await?;
    }
    let kept: Option<Kept> = match home.read(KEPT)? {
        None => None,
        Some(text) => {
            let read = serde_json::from_str(&text);
            Some(read.map_err(|error| home.spoilt(KEPT, &error))?)
        }
    };
    let (confidential, public) = kept.map(|it| (it.confidential, it.public)).unzip();
    let kept = Kept {
        confidential: keep(store, confidential, confidential_client(base)).await?,
        public: keep(store, public, public_client(base)).await?,
    };
    let text = serde_json::to_string_pretty(&kept).map_err(|error| home.spoilt(KEPT, &error))?;
    home.write(KEPT, &text)?;
    Ok(Clients {
        confidential: demo_client(
            kept.confidential,
            DemoConfig::confidential_redirect_uri(base),
        ),
        public: demo_client(kept.public, DemoConfig::public_redirect_uri(base)),
    })
}

fn confidential_client(base: &str) -> Registration {
    let channels = alias_demo::CHANNELS.iter();
    Registration {
        name: "Fieldnotes".to_owned(),
        redirect_uris: vec![DemoConfig::confidential_redirect_uri(base)],
        post_logout_redirect_uris: vec![DemoConfig::signed_out_uri(base)],
        backchannel_logout: Some((DemoConfig::back_channel_uri(base), true)),
        channels: channels
            .map(|(name, description)| ((*name).to_owned(), (*description).to_owned()))
            .collect(),
        ..Registration::default()
    }
}

fn public_client(base: &str) -> Registration {
    Registration {
        name: "Fieldnotes Pocket".to_owned(),
        kind: ClientKind::Public,
        redirect_uris: vec![DemoConfig::public_redirect_uri(base)],
        post_logout_redirect_uris: vec![DemoConfig::signed_out_uri(base)],
        backchannel_logout: Some((DemoConfig::back_channel_uri(base), true)),
        ..Registration::default()
    }
}

/// The client that was kept, or a new one.
async fn keep(
    store: &dyn Store,
    kept: Option<KeptClient>,
    registration: Registration,
) -> Result<KeptClient, Error> {
    if let Some(kept) = kept
        && let Some((client, secrets)) = store.client_with_secrets(kept.client_id).await?
    {
        return mend(store, kept, &client, &secrets, registration).await;
    }
    let (client, secret) = client::register(store, registration).await?;
    Ok(KeptClient {
        client_id: client.id,
        client_secret: secret.map(|it| it.expose().to_owned()),
    })
}

/// The demo may listen elsewhere than before, and its secret may have been rotated.
async fn mend(
    store: &dyn Store,
    mut kept: KeptClient,
    client: &Client,
    secrets: &[ClientSecret],
    registration: Registration,
) -> Result<KeptClient, Error> {
    let told = client.backchannel_logout.as_ref();
    let told = told.map(|it| (it.uri.to_string(), it.session_required));
    let are = |registered: &[RedirectUri], wanted: &[String]| {
        registered.iter().map(|it| it.as_str()).eq(wanted)
    };
    let (redirect, after) = (
        registration.redirect_uris,
        registration.post_logout_redirect_uris,
    );
    if !are(&client.redirect_uris, &redirect)
        || !are(&client.post_logout_redirect_uris, &after)
        || told != registration.backchannel_logout
    {
        let elsewhere = ClientChange {
            redirect_uris: Some(redirect),
            post_logout_redirect_uris: Some(after),
            backchannel_logout: Some(registration.backchannel_logout),
            ..ClientChange::default()
        };
        client::change(store, client.id, |_| Ok(elsewhere.clone())).await?;
    }
    let known = kept.client_secret.take().map(Secret::new);
    let works = |it: &Secret| ClientSecret::matches(secrets, it, clock::now());
    if client.kind.has_secret() {
        let secret = match known.filter(works) {
            Some(secret) => secret,
            None => {
                let fresh = Secret::from_bits(OsChance.secret());
                let stored = [client::current(&fresh)];
                store.set_client_secrets(client.id, &stored).await?;
                fresh
            }
        };
        kept.client_secret = Some(secret.expose().to_owned());
    }
    Ok(kept)
}

fn demo_client(kept: KeptClient, redirect_uri: String) -> DemoClient {
    DemoClient {
        client_id: kept.client_id.to_string(),
        client_secret: kept.client_secret,
        redirect_uri,
    }
}

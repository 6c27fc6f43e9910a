//! What the demo must be told: who it is at Alias, and where it listens.

use std::fmt;
use std::net::SocketAddr;

use serde::Deserialize;

/// The channels that the confidential demo client declares: name and description.
///
/// The first two are asked for when a visitor signs in; `events` is left for "one more channel".
pub const CHANNELS: &[(&str, &str)] = &[
    (
        "notifications",
        "When another watcher answers one of your sightings",
    ),
    (
        "product_updates",
        "When the journal learns something new, about once a month",
    ),
    ("events", "Bird walks and counts in your area"),
];

pub(crate) const CONFIDENTIAL_CALLBACK: &str = "/callback";
pub(crate) const PUBLIC_CALLBACK: &str = "/callback-public";
pub(crate) const SIGNED_OUT: &str = "/signed-out";
pub(crate) const BACK_CHANNEL: &str = "/back-channel-logout";

/// Which of the demo's two clients.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientKind {
    Confidential,
    Public,
}

/// One of the demo's two clients, as it is registered at Alias.
#[derive(Clone)]
pub struct DemoClient {
    /// The client ID that registration gave.
    pub client_id: String,
    /// The client secret; `None` for the public client, which has none.
    pub client_secret: Option<String>,
    /// The registered redirect URI, byte for byte: see
    /// [`DemoConfig::confidential_redirect_uri`].
    pub redirect_uri: String,
}

impl fmt::Debug for DemoClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DemoClient")
            .field("client_id", &self.client_id)
            .field("confidential", &self.client_secret.is_some())
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// Everything the demo must be told. What else it needs, it takes from discovery.
#[derive(Clone, Debug)]
pub struct DemoConfig {
    /// The issuer, exactly as its discovery document spells it (OpenID Connect Discovery 4.3).
    pub issuer: String,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where to listen as well: at the other loopback address, so that `localhost` leads here whichever
    /// of them it means.
    pub listen_beside: Option<SocketAddr>,
    /// The client with a secret, which declares [`CHANNELS`].
    pub confidential: DemoClient,
    /// The client without a secret, which declares no channels.
    pub public: DemoClient,
    /// The page at Alias where a user sees and ends connections.
    pub account_url: String,
}

impl DemoConfig {
    /// The redirect URI of the confidential client, for a demo that is reached at `base`
    /// (`http://127.0.0.1:8081`).
    #[must_use]
    pub fn confidential_redirect_uri(base: &str) -> String {
        format!("{}{CONFIDENTIAL_CALLBACK}", base.trim_end_matches('/'))
    }

    /// The redirect URI of the public client, for a demo that is reached at `base`.
    #[must_use]
    pub fn public_redirect_uri(base: &str) -> String {
        format!("{}{PUBLIC_CALLBACK}", base.trim_end_matches('/'))
    }

    /// Where a browser comes back from signing out of Alias, for a demo that is reached at `base`.
    #[must_use]
    pub fn signed_out_uri(base: &str) -> String {
        format!("{}{SIGNED_OUT}", base.trim_end_matches('/'))
    }

    /// Where Alias tells a demo that is reached at `base` that a session ended.
    #[must_use]
    pub fn back_channel_uri(base: &str) -> String {
        format!("{}{BACK_CHANNEL}", base.trim_end_matches('/'))
    }
}

#[cfg(test)]
pub(crate) fn example() -> DemoConfig {
    let base = "http://127.0.0.1:8081";
    DemoConfig {
        issuer: "http://localhost:8080".to_owned(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        listen_beside: None,
        confidential: DemoClient {
            client_id: "confidential-client".to_owned(),
            client_secret: Some("the-demo-secret".to_owned()),
            redirect_uri: DemoConfig::confidential_redirect_uri(base),
        },
        public: DemoClient {
            client_id: "public-client".to_owned(),
            client_secret: None,
            redirect_uri: DemoConfig::public_redirect_uri(base),
        },
        account_url: "http://localhost:8080/account".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn debug_hides_the_client_secret() {
        let printed = format!("{:?}", super::example());
        assert!(printed.contains("confidential-client"));
        assert!(!printed.contains("the-demo-secret"));
    }
}

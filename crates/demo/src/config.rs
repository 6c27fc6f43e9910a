//! What the demo must be told: who it is at Alias, and where it listens.

use std::fmt;
use std::net::SocketAddr;

/// One of the demo's two clients, as it is registered at Alias.
#[derive(Clone)]
pub struct DemoClient {
    /// The client ID that registration gave.
    pub client_id: String,
    /// The client secret; `None` for the public client, which has none.
    pub client_secret: Option<String>,
    /// The registered redirect URI, byte for byte: see
    /// [`Demo::confidential_redirect_uri`](crate::Demo::confidential_redirect_uri).
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
    /// The client with a secret, which declares [`CHANNELS`](crate::CHANNELS).
    pub confidential: DemoClient,
    /// The client without a secret, which declares no channels.
    pub public: DemoClient,
    /// The page at Alias where a user sees and ends connections.
    pub account_url: String,
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
            redirect_uri: crate::Demo::confidential_redirect_uri(base),
        },
        public: DemoClient {
            client_id: "public-client".to_owned(),
            client_secret: None,
            redirect_uri: crate::Demo::public_redirect_uri(base),
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

use std::{error::Error as _, fmt, net::IpAddr, sync::Arc, time::Duration};

use alias_domain::{
    LogoutUri, Secret,
    ports::{Backchannel, Undelivered},
};
use async_trait::async_trait;
use reqwest::{Certificate, Client, Url, redirect::Policy};

use crate::{
    PrivateNetworks,
    resolver::{Guarded, LOCALHOST},
};

/// How long a connection may take, TLS included.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// How long an answer may take, from the first step to the last byte.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// The guarded HTTP client.
///
/// ```
/// use alias_outbound::{Outbound, PrivateNetworks};
/// let outbound = Outbound::new(PrivateNetworks::default(), None)?;
/// # Ok::<(), alias_outbound::OutboundError>(())
/// ```
#[derive(Clone)]
pub struct Outbound {
    http: Client,
    networks: Arc<PrivateNetworks>,
}

/// There is no client.
///
/// ```
/// use alias_outbound::{Outbound, OutboundError, PrivateNetworks};
/// let refused = Outbound::new(PrivateNetworks::default(), Some(b"no certificate"));
/// assert!(matches!(refused, Err(OutboundError::NoCertificate)));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The text with further authorities has none.
    #[error("there is no PEM certificate in it")]
    NoCertificate,
    /// TLS cannot be set up, or a certificate is none.
    #[error("{0}")]
    Tls(String),
}

/// Why there is no answer. It has neither the address nor what was sent.
///
/// ```
/// assert_eq!(alias_outbound::Unsent::TooLarge.to_string(), "the answer is larger than 65536 bytes");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// It cannot be asked at all.
    #[error("the address is no https URL, and no http URL of a loopback address")]
    Address,
    /// Nobody allowed to ask there.
    #[error("{0} is a private address (outbound.allow_private)")]
    Private(IpAddr),
    /// More than is read of one.
    #[error("the answer is larger than {LARGEST_ANSWER} bytes")]
    TooLarge,
    /// The network, TLS or the other side.
    #[error("{0}")]
    Failed(String),
}

/// What was answered.
///
/// ```
/// let answer = alias_outbound::Answer { status: 200, body: vec![] };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status: a redirect is an answer like any other.
    pub status: u16,
    /// All of the body.
    pub body: Vec<u8>,
}

impl Outbound {
    /// A client that reaches what is public, and `networks`. Besides the system's certificate
    /// authorities it trusts those of `authorities`, in PEM.
    ///
    /// # Errors
    /// If `authorities` has no certificate, or one that is broken. See the type for an example.
    pub fn new(
        networks: PrivateNetworks,
        authorities: Option<&[u8]>,
    ) -> Result<Self, OutboundError> {
        let tls = |error: reqwest::Error| OutboundError::Tls(reasons(&error));
        let authorities = match authorities {
            None => Vec::new(),
            Some(pem) => match Certificate::from_pem_bundle(pem).map_err(tls)? {
                none if none.is_empty() => return Err(OutboundError::NoCertificate),
                some => some,
            },
        };
        let networks = Arc::new(networks);
        let http = Client::builder()
            .dns_resolver(Arc::new(Guarded(Arc::clone(&networks))))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .tls_certs_merge(authorities)
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .build()
            .map_err(tls)?;
        Ok(Self { http, networks })
    }

    /// Posts a form, and returns the answer whatever its status.
    ///
    /// # Errors
    /// If nobody may be asked there, or there is no whole answer in time.
    ///
    /// ```
    /// # use alias_outbound::{Outbound, Unsent};
    /// async fn metadata(outbound: &Outbound) -> Result<u16, Unsent> {
    ///     let answer = outbound.post_form("https://169.254.169.254/", &[("a", "b")]).await;
    ///     assert!(matches!(answer, Err(Unsent::Private(_))));
    ///     answer.map(|it| it.status)
    /// }
    /// ```
    pub async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, Unsent> {
        let url = self.guarded(url)?;
        let mut answer = self.http.post(url).form(form).send().await?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Unsent::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: answer.status().as_u16(),
            body,
        })
    }

    /// The address, if it may be asked. A name is left to the resolver; what is an IP address,
    /// however it is written, never comes there.
    fn guarded(&self, url: &str) -> Result<Url, Unsent> {
        let url = Url::parse(url).map_err(|_| Unsent::Address)?;
        let host = url.host_str().ok_or(Unsent::Address)?;
        let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        let stays_here = literal.map_or(host == LOCALHOST, |it| it.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if stays_here => {}
            _ => return Err(Unsent::Address),
        }
        match literal {
            Some(address) if !self.networks.admits(address) => Err(Unsent::Private(address)),
            _ => Ok(url),
        }
    }
}

#[async_trait]
impl Backchannel for Outbound {
    async fn post_logout_token(&self, uri: &LogoutUri, token: &Secret) -> Result<u16, Undelivered> {
        let form = [("logout_token", token.expose())];
        let answer = self.post_form(uri.as_str(), &form).await;
        answer
            .map(|it| it.status)
            .map_err(|error| Undelivered(error.to_string()))
    }
}

impl From<reqwest::Error> for Unsent {
    fn from(error: reqwest::Error) -> Self {
        Self::Failed(reasons(&error.without_url()))
    }
}

/// An error with what caused it.
fn reasons(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        text = format!("{text}: {reason}");
        source = reason.source();
    }
    text
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("networks", &self.networks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

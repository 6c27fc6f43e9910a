use std::{fmt, str::FromStr};

use fluent_uri::Uri;
use serde::{Deserialize, Serialize};

use crate::{RedirectUri, redirect::is_plain_host};

/// Where a client takes notices that a session ended (OIDC Back-Channel Logout 1.0, 2.2). The
/// service itself asks it, so it is `https`, or `http` at a loopback address.
///
/// ```
/// use alias_domain::LogoutUri;
/// let uri: LogoutUri = "https://example.com/logout?by=alias".parse()?;
/// assert_eq!(uri.as_str(), "https://example.com/logout?by=alias");
/// # Ok::<(), alias_domain::MalformedLogoutUri>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogoutUri(String);

/// A text that is no such address.
///
/// ```
/// use alias_domain::{LogoutUri, MalformedLogoutUri};
/// assert_eq!("http://example.com/".parse::<LogoutUri>(), Err(MalformedLogoutUri));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a back-channel logout URI must be an absolute https URI, or an http URI of a loopback address, \
     without user information (…@), fragment (#…) and wildcard (*), its host a name or an address in \
     ASCII, its port 65535 at most, and all of it at most {} bytes",
    RedirectUri::MAX_BYTES
)]
pub struct MalformedLogoutUri;

impl LogoutUri {
    /// A URI that a client is registered with. It is stricter than [`str::parse`], which reads what a
    /// store has of an earlier day: its port is one, its host can be looked up, and it is as short as a
    /// redirect URI.
    ///
    /// # Errors
    /// If it is none.
    ///
    /// ```
    /// use alias_domain::LogoutUri;
    /// assert!(LogoutUri::register("https://example.com:8443/logout").is_ok());
    /// assert!(LogoutUri::register("https://example.com:99999/logout").is_err());
    /// ```
    pub fn register(text: &str) -> Result<Self, MalformedLogoutUri> {
        let uri: Self = text.parse()?;
        let parsed = Uri::parse(text).map_err(|_| MalformedLogoutUri)?;
        let sound = text.len() <= RedirectUri::MAX_BYTES
            && !text.contains('*')
            && parsed
                .authority()
                .is_some_and(|it| it.port_to_u16().is_ok() && is_plain_host(it.host()));
        sound.then_some(uri).ok_or(MalformedLogoutUri)
    }

    /// The URI as it was registered; see the type for an example.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogoutUri {
    type Err = MalformedLogoutUri;

    fn from_str(text: &str) -> Result<Self, MalformedLogoutUri> {
        let uri = Uri::parse(text).map_err(|_| MalformedLogoutUri)?;
        let authority = uri.authority().ok_or(MalformedLogoutUri)?;
        let host = authority.host();
        let reachable = match uri.scheme().as_str() {
            "https" => !host.is_empty(),
            "http" => matches!(host, "127.0.0.1" | "[::1]" | "localhost"),
            _ => false,
        };
        let sound = reachable && !authority.has_userinfo() && !uri.has_fragment();
        sound
            .then(|| Self(text.to_owned()))
            .ok_or(MalformedLogoutUri)
    }
}

impl fmt::Display for LogoutUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

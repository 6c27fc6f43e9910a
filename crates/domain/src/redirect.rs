//! Redirect URIs: what may be registered, and the one way to a URI that may be redirected to.

use std::fmt;

use fluent_uri::Uri;
use serde::{Deserialize, Serialize};

use crate::{client::ClientKind, params::decode};

/// A redirect URI that a client has registered.
///
/// ```
/// use alias_domain::{ClientKind, RedirectUri};
/// let uri = RedirectUri::register("https://example.com/alias-callback", ClientKind::Confidential)?;
/// assert_eq!(uri.as_str(), "https://example.com/alias-callback");
/// # Ok::<(), alias_domain::RedirectUriError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

/// Why a URI is not registered.
///
/// ```
/// use alias_domain::{ClientKind, RedirectUri, RedirectUriError};
/// let refused = RedirectUri::register("http://example.com/", ClientKind::Public);
/// assert_eq!(refused, Err(RedirectUriError::Scheme));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectUriError {
    /// Longer than [`RedirectUri::MAX_BYTES`].
    #[error("a redirect URI must have at most {} bytes", RedirectUri::MAX_BYTES)]
    TooLong,
    /// Relative, empty, or no URI by RFC 3986.
    #[error("a redirect URI must be an absolute URI, such as https://example.com/callback")]
    NotAbsolute,
    /// A fragment (RFC 6749 3.1.2).
    #[error("a redirect URI must not have a fragment (#…)")]
    Fragment,
    /// User information before the host.
    #[error("a redirect URI must not have user information (…@)")]
    UserInformation,
    /// A wildcard: a redirect URI is compared byte for byte (R29).
    #[error("a redirect URI must not have a wildcard (*): each is compared byte for byte")]
    Wildcard,
    /// A scheme that would carry codes in the clear, or to another program.
    #[error(
        "a redirect URI must use https; http is for a loopback address alone, and a private-use \
         scheme (with a dot, such as com.example.app) for a public client"
    )]
    Scheme,
    /// A port that no address has.
    #[error("a redirect URI's port must be 65535 at most")]
    Port,
    /// A host that is no name or address: it would be copied into a policy header.
    #[error("a redirect URI's host must be a name or an address, in ASCII")]
    Host,
    /// A query parameter that the response itself sets, or one that cannot be read.
    #[error("a redirect URI must not have code, state, error or iss in its query")]
    ResponseParameter,
}

impl RedirectUri {
    /// The longest, in bytes: it is kept with each request that waits for its user.
    ///
    /// ```
    /// assert_eq!(alias_domain::RedirectUri::MAX_BYTES, 1024);
    /// ```
    pub const MAX_BYTES: usize = 1024;

    /// Checks a URI for registration by a client of this kind.
    ///
    /// # Errors
    /// The first reason for which it cannot be registered (RFC 6749 3.1.2, RFC 8252 7, RFC 9700 2.1).
    ///
    /// ```
    /// use alias_domain::{ClientKind, RedirectUri};
    /// assert!(RedirectUri::register("com.example.app:/cb", ClientKind::Public).is_ok());
    /// assert!(RedirectUri::register("com.example.app:/cb", ClientKind::Confidential).is_err());
    /// ```
    pub fn register(text: &str, kind: ClientKind) -> Result<Self, RedirectUriError> {
        if text.len() > Self::MAX_BYTES {
            return Err(RedirectUriError::TooLong);
        }
        let uri = Uri::parse(text).map_err(|_| RedirectUriError::NotAbsolute)?;
        if uri.has_fragment() {
            return Err(RedirectUriError::Fragment);
        }
        if text.contains('*') {
            return Err(RedirectUriError::Wildcard);
        }
        let host = uri.authority().map(|it| it.host()).unwrap_or_default();
        if uri.authority().is_some_and(|it| it.has_userinfo()) {
            return Err(RedirectUriError::UserInformation);
        }
        let allowed = match uri.scheme().as_str() {
            "https" if host.is_empty() => return Err(RedirectUriError::NotAbsolute),
            "https" => true,
            "http" => matches!(host, "127.0.0.1" | "[::1]" | "localhost"),
            private => kind == ClientKind::Public && private.contains('.'),
        };
        if !allowed {
            return Err(RedirectUriError::Scheme);
        }
        if !is_plain_host(host) {
            return Err(RedirectUriError::Host);
        }
        if uri.authority().is_some_and(|it| it.port_to_u16().is_err()) {
            return Err(RedirectUriError::Port);
        }
        if uri.query().is_some_and(|it| names_a_response(it.as_str())) {
            return Err(RedirectUriError::ResponseParameter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The URI as it was registered.
    ///
    /// ```
    /// # use alias_domain::{ClientKind, RedirectUri};
    /// let uri = RedirectUri::register("http://127.0.0.1/cb", ClientKind::Public)?;
    /// assert_eq!(uri.as_str(), "http://127.0.0.1/cb");
    /// # Ok::<(), alias_domain::RedirectUriError>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// R29: equal byte for byte; only for a public client's loopback address may the port differ.
    fn admits(&self, requested: &str, kind: ClientKind) -> bool {
        self.0 == requested
            || kind == ClientKind::Public
                && loopback_without_port(requested)
                    .is_some_and(|it| Some(it) == loopback_without_port(&self.0))
    }
}

/// A redirect URI that the client of a request has registered: the only thing that Alias redirects
/// to with a code or an error. Its one constructor is [`Callback::resolve`].
///
/// ```
/// use alias_domain::{Callback, ClientKind, RedirectUri};
/// let registered = [RedirectUri::register("http://127.0.0.1/cb", ClientKind::Public)?];
/// let callback = Callback::resolve("http://127.0.0.1:49152/cb", &registered, ClientKind::Public);
/// assert!(callback.is_some_and(|it| it.is_native()));
/// # Ok::<(), alias_domain::RedirectUriError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Callback(String);

impl Callback {
    /// The requested URI, if a client of this kind with these registered URIs may use it (R29).
    ///
    /// ```
    /// use alias_domain::{Callback, ClientKind};
    /// assert!(Callback::resolve("https://evil.example/", &[], ClientKind::Public).is_none());
    /// ```
    #[must_use]
    pub fn resolve(requested: &str, registered: &[RedirectUri], kind: ClientKind) -> Option<Self> {
        registered
            .iter()
            .any(|it| it.admits(requested, kind))
            .then(|| Self(requested.to_owned()))
    }

    /// The URI, exactly as the request had it; see the type for an example.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether any program on the user's device could receive it: a loopback address or a
    /// private-use scheme (R9, RFC 8252 8.6).
    ///
    /// ```
    /// # use alias_domain::{Callback, ClientKind, RedirectUri};
    /// let registered = [RedirectUri::register("https://example.com/cb", ClientKind::Public)?];
    /// let callback = Callback::resolve("https://example.com/cb", &registered, ClientKind::Public);
    /// assert!(callback.is_some_and(|it| !it.is_native()));
    /// # Ok::<(), alias_domain::RedirectUriError>(())
    /// ```
    #[must_use]
    pub fn is_native(&self) -> bool {
        !self.0.starts_with("https://")
    }

    /// Whether a form can be posted there: a private-use scheme only opens a program.
    ///
    /// ```
    /// # use alias_domain::{Callback, ClientKind, RedirectUri};
    /// let registered = [RedirectUri::register("com.example.app:/cb", ClientKind::Public)?];
    /// let callback = Callback::resolve("com.example.app:/cb", &registered, ClientKind::Public);
    /// assert!(callback.is_some_and(|it| !it.takes_posts()));
    /// # Ok::<(), alias_domain::RedirectUriError>(())
    /// ```
    #[must_use]
    pub fn takes_posts(&self) -> bool {
        ["https://", "http://"]
            .iter()
            .any(|it| self.0.starts_with(it))
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Callback({})", self.0)
    }
}

/// Whether a host is a name or an address, in ASCII.
pub(crate) fn is_plain_host(host: &str) -> bool {
    host.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-.[:]".contains(&b))
}

/// Whether a query has a parameter, with or without a value, that a response sets too, or one
/// whose name cannot be read.
fn names_a_response(query: &str) -> bool {
    const RESPONSE: [&str; 5] = ["code", "state", "error", "error_description", "iss"];
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        decode(name).map_or(true, |it| RESPONSE.contains(&it.as_str()))
    })
}

/// The loopback host and what follows its port, or `None` for any other URI.
fn loopback_without_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]", "localhost"]
        .into_iter()
        .find(|host| rest.starts_with(host))?;
    let rest = &rest[host.len()..];
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(port) => {
            let digits = port.len() - port.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            port[..digits].parse::<u16>().ok()?;
            &port[digits..]
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolves(requested: &str, registered: &str, kind: ClientKind) -> bool {
        let registered = RedirectUri::register(registered, kind).expect("a URI to register");
        Callback::resolve(requested, &[registered], kind).is_some()
    }

    #[test]
    fn r29_a_redirect_uri_is_compared_byte_for_byte() {
        let registered = "https://example.com/cb";
        assert!(resolves(registered, registered, ClientKind::Confidential));
        for other in [
            "https://example.com/cb/",
            "https://example.com/CB",
            "https://EXAMPLE.com/cb",
            "https://example.com:443/cb",
            "https://example.com/cb?x=1",
            "https://example.com/c%62",
        ] {
            assert!(
                !resolves(other, registered, ClientKind::Confidential),
                "{other}"
            );
        }
    }

    #[test]
    fn r29_only_a_public_clients_loopback_port_may_differ() {
        let registered = "http://127.0.0.1:3000/cb";
        let public = |it| resolves(it, registered, ClientKind::Public);
        assert!(public("http://127.0.0.1:49152/cb"));
        assert!(public("http://127.0.0.1/cb"));
        assert!(!public("http://127.0.0.1:99999/cb"));
        assert!(!public("http://127.0.0.1:/cb"));
        assert!(!public("http://127.0.0.1.evil.example/cb"));
        assert!(!public("http://127.0.0.1:1@evil.example/cb"));
        assert!(!public("http://localhost:3000/cb"));
        assert!(!public("http://[::1]:3000/cb"));
        assert!(!resolves(
            "http://127.0.0.1:1/cb",
            registered,
            ClientKind::Confidential
        ));
        for (requested, registered) in [
            ("http://[::1]:1/cb", "http://[::1]/cb"),
            ("http://localhost:49152/cb", "http://localhost/cb"),
            ("http://localhost:1/cb", "http://localhost:3000/cb"),
        ] {
            assert!(resolves(requested, registered, ClientKind::Public));
            assert!(!resolves(requested, registered, ClientKind::Confidential));
        }
        for requested in [
            "http://localhost.evil.example/cb",
            "http://localhost:1@evil.example/cb",
            "http://localhostile/cb",
            "http://127.0.0.1/cb",
            "https://localhost/cb",
        ] {
            let registered = "http://localhost/cb";
            assert!(
                !resolves(requested, registered, ClientKind::Public),
                "{requested}"
            );
        }
    }

    #[test]
    fn a_native_app_may_use_each_of_the_three_kinds_of_redirect_uri() {
        for uri in [
            "com.example.app:/oauth2redirect",
            "https://app.example.com/oauth2redirect",
            "http://127.0.0.1/oauth2redirect",
            "http://[::1]/oauth2redirect",
        ] {
            assert!(resolves(uri, uri, ClientKind::Public), "{uri}");
        }
    }

    #[test]
    fn a_private_use_scheme_has_a_dot() {
        for uri in ["myapp:/callback", "myapp://callback", "javascript:alert(1)"] {
            let refused = RedirectUri::register(uri, ClientKind::Public);
            assert_eq!(refused, Err(RedirectUriError::Scheme), "{uri}");
        }
    }

    #[test]
    fn what_cannot_be_registered_is_refused_with_its_reason() {
        use RedirectUriError as E;
        for (uri, reason) in [
            ("", E::NotAbsolute),
            ("/callback", E::NotAbsolute),
            ("https:///callback", E::NotAbsolute),
            ("https://exa mple.com/", E::NotAbsolute),
            ("https://example.com/#top", E::Fragment),
            ("https://user@example.com/", E::UserInformation),
            ("https://*.example.com/", E::Wildcard),
            ("http://example.com/", E::Scheme),
            ("javascript:alert(1)", E::Scheme),
            ("com.example.app:/cb", E::Scheme),
            ("https://example.com/?state=1", E::ResponseParameter),
            ("https://example.com/?a=1&c%6Fde=2", E::ResponseParameter),
            ("https://example.com/?code", E::ResponseParameter),
            ("https://example.com/?iss=", E::ResponseParameter),
            ("https://example.com/?%FF=1", E::ResponseParameter),
            ("https://evil;script-src.example/", E::Host),
            ("https://example.com:99999/", E::Port),
            ("http://127.0.0.1:65536/", E::Port),
        ] {
            let refused = RedirectUri::register(uri, ClientKind::Confidential);
            assert_eq!(refused, Err(reason), "{uri}");
        }
    }
}

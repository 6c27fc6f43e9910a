use std::{fmt, str::FromStr, time::Duration};

use alias_domain::{ClientId, Secret};
use reqwest::Url;

/// What a service must be told to ask Alias.
///
/// ```
/// use alias_resource::{Secret, Settings};
/// let settings = Settings::new(
///     "https://id.example.com".parse()?,
///     "bjOB6HV7cTKtxvfr2k2ucg".parse()?,
///     Secret::new("2hzcd-1gV0".to_owned()),
/// );
/// assert!(!format!("{settings:?}").contains("2hzcd"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) issuer: Issuer,
    pub(crate) client_id: ClientId,
    pub(crate) client_secret: Secret,
    pub(crate) cache_time: CacheTime,
}

impl Settings {
    /// The Alias to ask, and the ID and secret that this service is registered with there: as a
    /// resource server, authenticating by `client_secret_basic`. See the type for an example.
    #[must_use]
    pub fn new(issuer: Issuer, client_id: ClientId, client_secret: Secret) -> Self {
        Self {
            issuer,
            client_id,
            client_secret,
            cache_time: CacheTime::default(),
        }
    }

    /// Another time for which an answer serves again.
    ///
    /// ```
    /// # use alias_resource::{CacheTime, Settings};
    /// fn strict(settings: Settings) -> Settings {
    ///     settings.cache_time(CacheTime::NONE)
    /// }
    /// ```
    #[must_use]
    pub fn cache_time(mut self, time: CacheTime) -> Self {
        self.cache_time = time;
        self
    }
}

/// Why a service cannot be set up.
///
/// ```
/// use alias_resource::{Alias, Secret, Settings, SettingsError};
/// let read_from_a_file = Secret::new("2hzcd-1gV0\n".to_owned());
/// let settings = Settings::new(
///     "https://id.example.com".parse()?,
///     "bjOB6HV7cTKtxvfr2k2ucg".parse()?,
///     read_from_a_file,
/// );
/// assert!(matches!(Alias::new(settings), Err(SettingsError::ClientSecret)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Empty, or with a character that no secret of Alias has, such as the ending of a line.
    #[error("the client secret is not one of Alias: it has letters, digits, - and _ alone")]
    ClientSecret,
    /// TLS cannot be set up here.
    #[error("no HTTP client: {0}")]
    Http(reqwest::Error),
}

/// The issuer: the address that Alias calls itself (OIDC Discovery 3). `https`, unless its host is
/// `localhost`, `127.0.0.1` or `[::1]`.
///
/// ```
/// use alias_resource::{Issuer, IssuerError};
/// assert!("http://localhost:8080".parse::<Issuer>().is_ok());
/// assert_eq!("http://id.example.com".parse::<Issuer>(), Err(IssuerError::Scheme));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    loopback: bool,
}

/// Why a text is no issuer.
///
/// ```
/// use alias_resource::{Issuer, IssuerError};
/// assert_eq!("id.example.com".parse::<Issuer>(), Err(IssuerError::NotAbsolute));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// Relative, or no URL.
    #[error("an issuer is an absolute URL, such as https://id.example.com")]
    NotAbsolute,
    /// A query, a fragment or user information.
    #[error("an issuer has no query, no fragment and no user information")]
    Decorated,
    /// Tokens and the client secret would travel in the clear.
    #[error("an issuer uses https: http is for localhost, 127.0.0.1 and [::1] alone")]
    Scheme,
}

impl Issuer {
    /// The issuer as it was written.
    ///
    /// ```
    /// # use alias_resource::Issuer;
    /// assert_eq!("https://id.example.com".parse::<Issuer>()?.as_str(), "https://id.example.com");
    /// # Ok::<(), alias_resource::IssuerError>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Where it says what it offers (OIDC Discovery 4.1).
    pub(crate) fn discovery(&self) -> String {
        let base = self.text.strip_suffix('/').unwrap_or(&self.text);
        format!("{base}/.well-known/openid-configuration")
    }

    /// An endpoint that it names, if a token may be sent there.
    pub(crate) fn endpoint(&self, named: &str) -> Option<Url> {
        let url = Url::parse(named).ok()?;
        match url.scheme() {
            "https" => Some(url),
            "http" if self.loopback && is_loopback(&url) => Some(url),
            _ => None,
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

impl FromStr for Issuer {
    type Err = IssuerError;

    fn from_str(text: &str) -> Result<Self, IssuerError> {
        let url = Url::parse(text).map_err(|_| IssuerError::NotAbsolute)?;
        let loopback = is_loopback(&url);
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            _ => return Err(IssuerError::Scheme),
        }
        let user = !url.username().is_empty() || url.password().is_some();
        if user || url.query().is_some() || url.fragment().is_some() {
            return Err(IssuerError::Decorated);
        }
        Ok(Self {
            text: text.to_owned(),
            loopback,
        })
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How long an answer of Alias serves again for the same token: a second, unless told otherwise.
/// For that long, a token may be worth here what its user has already taken back.
///
/// ```
/// use std::time::Duration;
/// use alias_resource::CacheTime;
/// let time = CacheTime::try_from(Duration::from_secs(10))?;
/// assert!(CacheTime::try_from(Duration::from_secs(61)).is_err());
/// # Ok::<(), alias_resource::TooLong>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheTime(Duration);

/// More than [`CacheTime::LONGEST`].
///
/// ```
/// use std::time::Duration;
/// use alias_resource::{CacheTime, TooLong};
/// assert_eq!(CacheTime::try_from(Duration::from_secs(3600)), Err(TooLong));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an answer serves again for at most a minute: users take back what they granted")]
pub struct TooLong;

impl CacheTime {
    /// Every request asks Alias for itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use alias_resource::CacheTime;
    /// assert_eq!(CacheTime::try_from(Duration::ZERO), Ok(CacheTime::NONE));
    /// ```
    pub const NONE: Self = Self(Duration::ZERO);

    /// A minute.
    ///
    /// ```
    /// use std::time::Duration;
    /// use alias_resource::CacheTime;
    /// assert_eq!(CacheTime::try_from(Duration::from_secs(60)), Ok(CacheTime::LONGEST));
    /// ```
    pub const LONGEST: Self = Self(Duration::from_secs(60));

    pub(crate) const fn duration(self) -> Duration {
        self.0
    }
}

impl Default for CacheTime {
    fn default() -> Self {
        Self(Duration::from_secs(1))
    }
}

impl TryFrom<Duration> for CacheTime {
    type Error = TooLong;

    fn try_from(time: Duration) -> Result<Self, TooLong> {
        let short = time <= Self::LONGEST.0;
        short.then_some(Self(time)).ok_or(TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_uses_https_or_is_this_machine() {
        for (text, expected) in [
            ("https://id.example.com", Ok(false)),
            ("https://id.example.com/alias", Ok(false)),
            ("https://localhost", Ok(true)),
            ("http://localhost:8080", Ok(true)),
            ("http://127.0.0.1:8080", Ok(true)),
            ("http://[::1]:8080", Ok(true)),
            ("http://id.example.com", Err(IssuerError::Scheme)),
            ("http://localhost.example.com", Err(IssuerError::Scheme)),
            ("http://127.0.0.1.example.com", Err(IssuerError::Scheme)),
            ("ftp://localhost", Err(IssuerError::Scheme)),
            ("localhost:8080", Err(IssuerError::Scheme)),
            ("", Err(IssuerError::NotAbsolute)),
            ("/alias", Err(IssuerError::NotAbsolute)),
            ("https://", Err(IssuerError::NotAbsolute)),
            ("https://a.example/?a=1", Err(IssuerError::Decorated)),
            ("https://a.example/#a", Err(IssuerError::Decorated)),
            ("https://me@a.example/", Err(IssuerError::Decorated)),
        ] {
            let parsed = text.parse::<Issuer>().map(|it| it.is_loopback());
            assert_eq!(parsed, expected, "{text}");
        }
    }

    #[test]
    fn discovery_is_below_the_issuer_without_its_last_slash() {
        for (issuer, discovery) in [
            (
                "https://a.example",
                "https://a.example/.well-known/openid-configuration",
            ),
            (
                "https://a.example/b/",
                "https://a.example/b/.well-known/openid-configuration",
            ),
        ] {
            let issuer: Issuer = issuer.parse().expect("an issuer");
            assert_eq!(issuer.discovery(), discovery);
        }
    }

    #[test]
    fn a_token_is_sent_in_the_clear_within_this_machine_alone() {
        let far: Issuer = "https://a.example".parse().expect("an issuer");
        let near: Issuer = "http://localhost:8080".parse().expect("an issuer");
        for (endpoint, from_far, from_near) in [
            ("https://a.example/introspect", true, true),
            ("https://b.example/introspect", true, true),
            ("http://a.example/introspect", false, false),
            ("http://127.0.0.1:8080/introspect", false, true),
            ("file:///introspect", false, false),
            ("/introspect", false, false),
        ] {
            assert_eq!(far.endpoint(endpoint).is_some(), from_far, "{endpoint}");
            assert_eq!(near.endpoint(endpoint).is_some(), from_near, "{endpoint}");
        }
    }
}

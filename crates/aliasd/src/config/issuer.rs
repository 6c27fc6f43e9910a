//! The issuer: the address that the service calls itself (OIDC Discovery 3).

use std::{fmt, net::Ipv6Addr, str::FromStr};

use fluent_uri::Uri;

/// An issuer that can be served: an origin as a browser writes it, `https` unless its host is
/// loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuer(String);

/// Why a text is no issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IssuerError {
    #[error("an absolute URL is expected, such as https://id.example.com")]
    NotAbsolute,
    #[error("an issuer has neither a query nor a fragment (OpenID Connect Discovery 3)")]
    QueryOrFragment,
    #[error("an issuer has no user information (…@)")]
    UserInformation,
    #[error("an issuer ends after its host and port, without a slash or a path")]
    Path,
    #[error("https is required: http is for localhost, 127.0.0.1 and [::1] alone")]
    Scheme,
    #[error(
        "the host and port must stand as a browser writes them: lower case, no default port, \
         Punycode for other scripts"
    )]
    Spelling,
}

impl Issuer {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Whether only programs on this machine can mean this service by it.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }

    /// The host alone; that of IPv6 in brackets.
    pub(crate) fn host(&self) -> &str {
        let origin = self.0.split_once("://").map_or("", |(_, rest)| rest);
        match origin.rfind(']') {
            Some(end) => &origin[..=end],
            None => origin.split(':').next().unwrap_or_default(),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

impl FromStr for Issuer {
    type Err = IssuerError;

    fn from_str(text: &str) -> Result<Self, IssuerError> {
        let uri = Uri::parse(text).map_err(|_| IssuerError::NotAbsolute)?;
        let authority = uri.authority().ok_or(IssuerError::NotAbsolute)?;
        if authority.host().is_empty() {
            return Err(IssuerError::NotAbsolute);
        }
        if uri.has_query() || uri.has_fragment() {
            return Err(IssuerError::QueryOrFragment);
        }
        if authority.has_userinfo() {
            return Err(IssuerError::UserInformation);
        }
        if !uri.path().as_str().is_empty() {
            return Err(IssuerError::Path);
        }
        let default_port = match uri.scheme().as_str() {
            "https" => "443",
            "http" if is_loopback(authority.host()) => "80",
            _ => return Err(IssuerError::Scheme),
        };
        // Browsers compare origins byte for byte, and send their own spelling of them.
        let port_sound = authority.port().is_none_or(|port| {
            port.as_str() != default_port
                && port
                    .as_str()
                    .parse::<u16>()
                    .is_ok_and(|number| number != 0 && number.to_string() == port.as_str())
        });
        if !port_sound || !is_canonical(authority.host()) {
            return Err(IssuerError::Spelling);
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_canonical(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(address) => address
            .parse::<Ipv6Addr>()
            .is_ok_and(|it| it.to_string() == address),
        None => host
            .bytes()
            .all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-')),
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_an_issuer() {
        for text in [
            "https://id.example.com",
            "https://id.example.com:8443",
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://[::1]:8080",
            "https://[2001:db8::1]",
        ] {
            assert!(text.parse::<Issuer>().is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused_with_its_reason() {
        use IssuerError as E;
        for (text, reason) in [
            ("", E::NotAbsolute),
            ("id.example.com", E::NotAbsolute),
            ("https:id", E::NotAbsolute),
            ("https://", E::NotAbsolute),
            ("https://id.example.com?x=1", E::QueryOrFragment),
            ("https://id.example.com#x", E::QueryOrFragment),
            ("https://me@id.example.com", E::UserInformation),
            ("https://id.example.com/", E::Path),
            ("https://id.example.com/alias", E::Path),
            ("http://id.example.com", E::Scheme),
            ("http://127.0.0.2", E::Scheme),
            ("http://localhost.evil.example", E::Scheme),
            ("ftp://localhost", E::Scheme),
            ("HTTPS://id.example.com", E::Scheme),
            ("https://ID.example.com", E::Spelling),
            ("https://id.example.com:443", E::Spelling),
            ("https://id.example.com:", E::Spelling),
            ("https://id.example.com:08443", E::Spelling),
            ("https://id.example.com:99999", E::Spelling),
            ("https://id%2Eexample.com", E::Spelling),
            ("https://[2001:DB8::1]", E::Spelling),
        ] {
            assert_eq!(text.parse::<Issuer>(), Err(reason), "{text}");
        }
    }

    #[test]
    fn loopback_is_told_from_the_rest() {
        for (text, loopback) in [
            ("http://localhost:8080", true),
            ("http://[::1]:8080", true),
            ("https://localhost", true),
            ("https://localhost.example", false),
            ("https://[2001:db8::1]:8080", false),
        ] {
            let issuer: Issuer = text.parse().expect("an issuer");
            assert_eq!(issuer.is_loopback(), loopback, "{text}");
        }
    }
}

//! The parameters of a request, as a query string or a form body carries them.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Parameters in the order they were sent. Empty ones count as absent (RFC 6749 3.1, R2). Values
/// may be secret: there is no `Debug`.
///
/// ```
/// use alias_domain::Params;
/// let params = Params::parse("scope=openid%20contact&state=&nonce=n");
/// assert_eq!(params.one("scope"), Ok(Some("openid contact")));
/// assert_eq!(params.one("state"), Ok(None));
/// ```
#[derive(Clone, Default)]
pub struct Params(Vec<Param>);

#[derive(Clone)]
struct Param {
    name: String,
    /// As it was sent: a request that waits is judged again later, by the same text.
    raw: String,
    value: Result<String, ParamError>,
}

/// What is wrong with a parameter.
///
/// ```
/// use alias_domain::{ParamError, Params};
/// assert_eq!(Params::parse("a=1&a=2").one("a"), Err(ParamError::Repeated));
/// assert_eq!(Params::parse("a=%GG").one("a"), Err(ParamError::Malformed));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// It is there more than once (RFC 6749 3.1).
    #[error("a parameter is repeated")]
    Repeated,
    /// Its percent encoding is broken, or what it encodes is not UTF-8.
    #[error("a parameter is not percent-encoded UTF-8")]
    Malformed,
    /// It has a NUL or another control character.
    #[error("a parameter has a control character")]
    ControlCharacter,
}

impl Params {
    /// Takes `application/x-www-form-urlencoded` text apart. What is broken in it is told when the
    /// parameter is asked for.
    ///
    /// ```
    /// assert_eq!(alias_domain::Params::parse("a=b+c").one("a"), Ok(Some("b c")));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A name that cannot be decoded is none that we know, and unknown ones are ignored.
            let name = decode(name).unwrap_or_else(|_| name.to_owned());
            (!value.is_empty()).then(|| Param {
                name,
                raw: value.to_owned(),
                value: decode(value),
            })
        });
        Self(pairs.collect())
    }

    /// The value of a parameter that may stand there once, or `None` where it is absent.
    ///
    /// # Errors
    /// If it is repeated or malformed. Control characters are no concern of this function.
    ///
    /// ```
    /// assert_eq!(alias_domain::Params::parse("a=1").one("b"), Ok(None));
    /// ```
    pub fn one(&self, name: &str) -> Result<Option<&str>, ParamError> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(Ok(value)), None) => Ok(Some(value)),
            (Some(Err(error)), None) => Err(*error),
            (Some(_), Some(_)) => Err(ParamError::Repeated),
        }
    }

    /// The same, without control characters.
    ///
    /// # Errors
    /// If it is repeated or malformed, or has a control character.
    ///
    /// ```
    /// use alias_domain::{ParamError, Params};
    /// assert_eq!(Params::parse("a=%00").text("a"), Err(ParamError::ControlCharacter));
    /// ```
    pub fn text(&self, name: &str) -> Result<Option<&str>, ParamError> {
        let value = self.one(name)?;
        match value {
            Some(it) if it.contains(char::is_control) => Err(ParamError::ControlCharacter),
            _ => Ok(value),
        }
    }

    /// Every decodable value of a parameter, for check boxes.
    ///
    /// ```
    /// let params = alias_domain::Params::parse("scope=contact&scope=nickname");
    /// assert_eq!(params.all("scope").collect::<Vec<_>>(), ["contact", "nickname"]);
    /// ```
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values(name).filter_map(|it| it.as_deref().ok())
    }

    /// Whether the parameter is there with a value, sound or not.
    ///
    /// ```
    /// assert!(alias_domain::Params::parse("a=%GG").has("a"));
    /// ```
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The first of these parameters with which anything is wrong, and what; of those named as
    /// exceptions their own rules decide. Whatever else was sent is ignored, be it as broken as it may
    /// (RFC 6749 3.1, 3.2).
    ///
    /// ```
    /// use alias_domain::{ParamError, Params};
    /// let params = Params::parse("utm_source=50%&x=%FF");
    /// assert_eq!(params.malformed(&["x", "y"], &[]), Some(("x", ParamError::Malformed)));
    /// assert_eq!(params.malformed(&["x", "y"], &["x"]), None);
    /// ```
    #[must_use]
    pub fn malformed(
        &self,
        names: &[&'static str],
        except: &[&str],
    ) -> Option<(&'static str, ParamError)> {
        let mut names = names.iter().filter(|it| !except.contains(it));
        names.find_map(|name| {
            let fault = self.values(name).find_map(|value| match value {
                Err(error) => Some(*error),
                Ok(value) => value
                    .contains(char::is_control)
                    .then_some(ParamError::ControlCharacter),
            });
            fault.map(|error| (*name, error))
        })
    }

    /// The first of these parameters that is there more than once (RFC 6749 3.1).
    ///
    /// ```
    /// let params = alias_domain::Params::parse("a=1&a=2");
    /// assert_eq!(params.repeated(&["a"]), Some("a"));
    /// ```
    #[must_use]
    pub fn repeated(&self, names: &[&'static str]) -> Option<&'static str> {
        let mut names = names.iter().copied();
        names.find(|name| self.values(name).nth(1).is_some())
    }

    /// The named parameters as a query string, to be parsed and judged again later: what is
    /// malformed in them stays so.
    ///
    /// ```
    /// let params = alias_domain::Params::parse("scope=openid+contact&x=1");
    /// assert_eq!(params.to_query(&["scope"]), "scope=openid+contact");
    /// ```
    #[must_use]
    pub fn to_query(&self, names: &[&str]) -> String {
        let named = self.0.iter().filter(|it| names.contains(&it.name.as_str()));
        let pairs: Vec<String> = named.map(|it| format!("{}={}", it.name, it.raw)).collect();
        pairs.join("&")
    }

    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Result<String, ParamError>> {
        self.0
            .iter()
            .filter(move |it| it.name == name)
            .map(|it| &it.value)
    }
}

/// Everything but RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Adds a parameter to a query string.
pub(crate) fn push_query(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    let value = utf8_percent_encode(value, ESCAPED);
    // Writing to a String cannot fail.
    let _ = write!(query, "{name}={value}");
}

/// Form decoding (RFC 6749 appendix B), strict where the usual decoders let broken text through.
pub(crate) fn decode(text: &str) -> Result<String, ParamError> {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        let mut hex = rest.bytes().take(2).filter(u8::is_ascii_hexdigit);
        if hex.by_ref().count() != 2 {
            return Err(ParamError::Malformed);
        }
    }
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(ParamError::Malformed),
    }
}

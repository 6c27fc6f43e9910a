//! What must hold of an answer, whoever asked.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Response, Url};
use serde_json::Value;

/// An answer to a program.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) cache_control: String,
    content_type: String,
    challenge: Option<String>,
    body: String,
}

impl Answer {
    pub(crate) async fn read(answer: Response) -> Self {
        let header = |name: &str| {
            let value = answer.headers().get(name)?;
            Some(value.to_str().expect("ASCII").to_owned())
        };
        Self {
            status: answer.status().as_u16(),
            cache_control: header("cache-control").expect("it says who may keep it"),
            content_type: header("content-type").expect("it says what it is"),
            challenge: header("www-authenticate"),
            body: answer.text().await.expect("a body"),
        }
    }

    /// The body, of a status that is expected.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.content_type, "application/json");
        let value: Value = serde_json::from_str(&self.body).expect("JSON");
        assert!(value.is_object() || value.is_array(), "{value}");
        value
    }

    /// The same, of what nobody may keep.
    #[track_caller]
    pub(crate) fn private(&self, status: u16) -> Value {
        assert_eq!(self.cache_control, "no-store");
        self.json(status)
    }

    /// The same, of what everybody may keep.
    #[track_caller]
    pub(crate) fn public(&self) -> Value {
        let age = self.cache_control.strip_prefix("public, max-age=");
        let seconds: u64 = age
            .and_then(|it| it.parse().ok())
            .expect("a time to keep it");
        assert!(seconds > 0);
        self.json(200)
    }

    /// An error of the token endpoint (RFC 6749 5.2).
    #[track_caller]
    pub(crate) fn is_token_error(&self, code: &str) {
        let error = self.private(400);
        assert_eq!(error["error"], code);
        for (name, value) in error.as_object().expect("an object") {
            let value = value.as_str().expect("text");
            match name.as_str() {
                "error" | "error_description" => has_error_characters(value),
                "error_uri" => assert!(Url::parse(value).is_ok(), "{value}"),
                other => panic!("{other} in an error"),
            }
        }
    }

    /// A token that is worth nothing (RFC 6750 3.1).
    #[track_caller]
    pub(crate) fn is_invalid_token(&self) {
        assert_eq!(self.status, 401, "{}", self.body);
        let challenge = self.challenge.as_deref().unwrap_or_default();
        assert!(challenge.starts_with("Bearer"), "{challenge}");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
}

/// What `error` and `error_description` may have (RFC 6749 4.1.2.1), and no line breaks.
#[track_caller]
pub(crate) fn has_error_characters(text: &str) {
    let is_one = |it| matches!(it, ' '..='~') && it != '"' && it != '\\';
    assert!(!text.is_empty() && text.chars().all(is_one), "{text:?}");
}

/// Nobody guesses it: at least this many bits, as far as its characters tell.
#[track_caller]
pub(crate) fn has_entropy(text: &str, least: f64) {
    let mut counts = BTreeMap::new();
    for character in text.chars() {
        *counts.entry(character).or_insert(0.0) += 1.0;
    }
    let length: f64 = counts.values().sum();
    let bits: f64 = counts.values().map(|it| -it * (it / length).log2()).sum();
    assert!(bits > least, "{bits} bits in {text:?}");
}

/// What a token may have (RFC 6749 appendix A).
#[track_caller]
pub(crate) fn has_token_characters(text: &str) {
    let is_one = |it: u8| matches!(it, b' '..=b'~');
    assert!(!text.is_empty() && text.bytes().all(is_one), "{text:?}");
}

/// An address of the service, over TLS.
#[track_caller]
pub(crate) fn is_secure(address: &Value) {
    let address = address
        .as_str()
        .unwrap_or_else(|| panic!("no text: {address}"));
    let url = Url::parse(address).expect("an address");
    assert_eq!(url.scheme(), "https", "{address}");
    assert!(url.has_host() && url.fragment().is_none(), "{address}");
}

/// The subset of standard claims that Alias has, each with its type.
pub(crate) fn has_sound_claims(claims: &Value) -> Result<(), String> {
    let sub = claims["sub"].as_str().unwrap_or_default();
    let is_one = |it: u8| it.is_ascii_graphic();
    if sub.is_empty() || sub.len() > 255 || !sub.bytes().all(is_one) {
        return Err(format!("sub {:?}", claims["sub"]));
    }
    for name in ["nickname", "acr", "sid", "jti"] {
        let sound = |it: &Value| it.as_str().is_some_and(|it| !it.trim().is_empty());
        if claims.get(name).is_some_and(|it| !sound(it)) {
            return Err(format!("{name} {:?}", claims[name]));
        }
    }
    Ok(())
}

#[track_caller]
pub(crate) fn text(value: &Value, name: &str) -> String {
    let text = value[name].as_str();
    text.unwrap_or_else(|| panic!("{name} is missing in {value}"))
        .to_owned()
}

/// Whether a list of a discovery document has a value.
pub(crate) fn lists(document: &Value, name: &str, value: &str) -> bool {
    document[name]
        .as_array()
        .is_some_and(|it| it.iter().any(|it| it == value))
}

/// A random text of some of these characters.
pub(crate) fn random(length: usize, characters: &str) -> String {
    let mut bytes = vec![0; length];
    openssl::rand::rand_bytes(&mut bytes).expect("randomness");
    let characters: Vec<char> = characters.chars().collect();
    let chosen = bytes
        .iter()
        .map(|it| characters[usize::from(*it) % characters.len()]);
    chosen.collect()
}

pub(crate) const ALPHANUMERIC: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

pub(crate) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The time, in seconds since 1970.
pub(crate) fn now() -> Duration {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed();
    now.expect("a clock")
}

/// Waits until this second is over.
pub(crate) async fn second_is_over(second: u64) {
    let next = Duration::from_secs(second + 1);
    while let Some(rest) = next.checked_sub(now()).filter(|it| !it.is_zero()) {
        tokio::time::sleep(rest).await;
    }
}

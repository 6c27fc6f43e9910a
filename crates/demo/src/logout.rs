//! What Alias says when a session ended: a logout token (OpenID Connect Back-Channel Logout 1.0), and
//! whether it is believed.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::JsonWebKey;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use serde_json::Value;

use crate::session::{Session, part};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How far the clocks of the two may be apart, in seconds.
const TOLERANCE: i64 = 60;

/// A session that ended at Alias, as a proven logout token names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    sub: Option<String>,
    sid: Option<String>,
}

/// What a logout token must match.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    /// The clients of the demo.
    pub(crate) audiences: [&'a str; 2],
    pub(crate) keys: &'a CoreJsonWebKeySet,
    /// Seconds since 1970.
    pub(crate) now: i64,
}

/// Why a logout token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disbelief {
    /// No key that is known signed it: there may be newer ones.
    UnknownKey,
    /// It says something that a logout token of Alias does not say.
    Unproven,
}

impl Ended {
    /// Whether a sign-in was part of that session.
    pub(crate) fn has(&self, session: &Session) -> bool {
        match (&self.sid, &self.sub) {
            (Some(sid), _) => session.sid.as_ref() == Some(sid),
            (None, Some(sub)) => session.subject.as_str() == sub,
            (None, None) => false,
        }
    }
}

impl Expected<'_> {
    /// Believes a logout token as section 2.6 says: the signature first, then each claim.
    pub(crate) fn prove(&self, token: &str) -> Result<Ended, Disbelief> {
        let (Some(header), Some(claims)) = (part(token, 0), part(token, 1)) else {
            return Err(Disbelief::Unproven);
        };
        let (signed, signature) = token.rsplit_once('.').ok_or(Disbelief::Unproven)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature);
        let signature = signature.map_err(|_| Disbelief::Unproven)?;
        // Alias signs with RS256 for clients that are not registered otherwise.
        if header["alg"] != "RS256" || header["typ"] != "logout+jwt" {
            return Err(Disbelief::Unproven);
        }
        let kid = header["kid"].as_str().unwrap_or_default();
        let mut keys = self.keys.keys().iter();
        let key = keys.find(|it| it.key_id().is_some_and(|it| it.as_str() == kid));
        let key = key.ok_or(Disbelief::UnknownKey)?;
        let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
        key.verify_signature(&algorithm, signed.as_bytes(), &signature)
            .map_err(|_| Disbelief::Unproven)?;
        self.judged(&claims).ok_or(Disbelief::Unproven)
    }

    fn judged(&self, claims: &Value) -> Option<Ended> {
        let text = |name: &str| claims[name].as_str().map(str::to_owned);
        let is_ours = |it: &Value| it.as_str().is_some_and(|it| self.audiences.contains(&it));
        let for_us = match &claims["aud"] {
            Value::Array(several) => several.iter().any(is_ours),
            one => is_ours(one),
        };
        let in_time = claims["exp"].as_i64()? > self.now - TOLERANCE
            && claims["iat"].as_i64()? < self.now + TOLERANCE;
        let sound = claims["iss"] == self.issuer
            && for_us
            && in_time
            && claims["events"][EVENT].is_object()
            && claims.get("nonce").is_none()
            && claims["jti"].is_string();
        let ended = Ended {
            sub: text("sub"),
            sid: text("sid"),
        };
        (sound && (ended.sub.is_some() || ended.sid.is_some())).then_some(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(change: impl Fn(&mut Value)) -> Option<Ended> {
        let mut claims = json!({
            "iss": "http://localhost:8080", "aud": "confidential-client", "iat": 1000, "exp": 1120,
            "jti": "1", "sid": "session", "events": {EVENT: {}},
        });
        change(&mut claims);
        let keys = CoreJsonWebKeySet::new(Vec::new());
        let expected = Expected {
            issuer: "http://localhost:8080",
            audiences: ["confidential-client", "public-client"],
            keys: &keys,
            now: 1010,
        };
        expected.judged(&claims)
    }

    #[test]
    fn a_logout_token_names_the_session_that_ended() {
        let ended = Ended {
            sub: None,
            sid: Some("session".to_owned()),
        };
        assert_eq!(judged(|_| ()), Some(ended));
    }

    #[test]
    fn what_is_no_logout_token_of_alias_ends_nothing() {
        for (name, value) in [
            ("iss", json!("http://localhost:9090")),
            ("aud", json!("another-client")),
            ("aud", json!([])),
            ("iat", json!(2000)),
            ("exp", json!(900)),
            ("events", json!({})),
            ("nonce", json!("n")),
            ("jti", Value::Null),
            ("sid", Value::Null),
        ] {
            let refused = judged(|claims| claims[name] = value.clone());
            assert_eq!(refused, None, "{name} {value}");
        }
    }

    #[test]
    fn a_token_that_no_known_key_signed_is_not_believed() {
        let keys = CoreJsonWebKeySet::new(Vec::new());
        let expected = Expected {
            issuer: "http://localhost:8080",
            audiences: ["confidential-client", "public-client"],
            keys: &keys,
            now: 1010,
        };
        let encoded = |it: Value| BASE64_URL_SAFE_NO_PAD.encode(it.to_string());
        let signed = |header| format!("{}.{}.c2ln", encoded(header), encoded(json!({})));
        let known = signed(json!({"alg": "RS256", "typ": "logout+jwt", "kid": "k"}));
        assert_eq!(expected.prove(&known), Err(Disbelief::UnknownKey));
        let id_token = signed(json!({"alg": "RS256", "typ": "JWT", "kid": "k"}));
        assert_eq!(expected.prove(&id_token), Err(Disbelief::Unproven));
        assert_eq!(expected.prove("no token"), Err(Disbelief::Unproven));
    }
}

//! The validation of an ID token (OIDC Core 3.1.3.7), strict, and whole.

use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};

use crate::{checks, key_set::KeySet};

/// The claims that every ID token has; `nonce` is another if it was sent.
const ALWAYS: [&str; 9] = [
    "jti",
    "iss",
    "aud",
    "iat",
    "exp",
    "at_hash",
    "sub",
    "auth_time",
    "nonce",
];

const FIVE_MINUTES: u64 = 5 * 60;
const A_YEAR: u64 = 365 * 24 * 60 * 60;

/// An ID token that was found good.
#[derive(Debug)]
pub(crate) struct IdToken {
    pub(crate) text: String,
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

/// What a client knows of the ID token that it is to get.
#[derive(Clone)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) alg: &'a str,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) access_token: &'a str,
    /// What was asked for beyond what every ID token has.
    pub(crate) asked: Vec<&'a str>,
    /// The time, in seconds since 1970.
    pub(crate) now: u64,
}

impl Expected<'_> {
    /// Takes an ID token, or says what is wrong with it.
    pub(crate) fn verified(&self, token: &str, keys: &KeySet) -> Result<IdToken, String> {
        let (header, claims) = keys.verified(token, self.alg)?;
        if header.get("typ").is_some_and(|it| it != "JWT") {
            return Err(format!("typ in {header}"));
        }
        let holds = |name: &str, holds: bool| {
            holds
                .then_some(())
                .ok_or_else(|| format!("{name} in {claims}"))
        };
        holds("iss", claims["iss"] == self.issuer)?;
        holds("aud", claims["aud"] == self.client_id)?;
        holds(
            "azp",
            claims.get("azp").is_none_or(|it| it == self.client_id),
        )?;
        holds(
            "nonce",
            claims.get("nonce").and_then(Value::as_str) == self.nonce,
        )?;
        holds(
            "at_hash",
            claims["at_hash"] == half_hash(self.alg, self.access_token),
        )?;

        let seconds = |name| claims[name].as_u64();
        let within = |time: Option<u64>, past, ahead| {
            time.is_some_and(|it| it + past >= self.now && it <= self.now + ahead)
        };
        holds(
            "exp",
            within(seconds("exp"), 0, A_YEAR) && seconds("exp") != Some(self.now),
        )?;
        holds("iat", within(seconds("iat"), FIVE_MINUTES, FIVE_MINUTES))?;
        holds(
            "auth_time",
            within(seconds("auth_time"), A_YEAR, FIVE_MINUTES),
        )?;
        checks::has_sound_claims(&claims)?;
        for name in claims
            .as_object()
            .into_iter()
            .flatten()
            .map(|it| it.0.as_str())
        {
            let asked = ALWAYS.contains(&name) || self.asked.contains(&name);
            holds("what was not asked for", asked)?;
        }
        let text = token.to_owned();
        Ok(IdToken {
            text,
            header,
            claims,
        })
    }
}

impl IdToken {
    #[track_caller]
    pub(crate) fn seconds(&self, name: &str) -> u64 {
        let seconds = self.claims[name].as_u64();
        seconds.unwrap_or_else(|| panic!("no {name} in {}", self.claims))
    }

    #[track_caller]
    pub(crate) fn sub(&self) -> String {
        checks::text(&self.claims, "sub")
    }
}

/// The left half of the hash that the algorithm names (OIDC Core 3.1.3.6).
fn half_hash(alg: &str, text: &str) -> String {
    match alg {
        "EdDSA" => checks::encoded(&Sha512::digest(text)[..32]),
        _ => checks::encoded(&Sha256::digest(text)[..16]),
    }
}

#[cfg(test)]
mod tests {
    use josekit::{
        jwk::{KeyPair, alg::ec::EcCurve},
        jws::{ES256, JwsHeader, JwsSigner, serialize_compact},
    };
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://op.example";
    const NOW: u64 = 1_800_000_000;

    struct Signer(Box<dyn JwsSigner>);

    impl Signer {
        fn new() -> (Self, KeySet) {
            let mut pair = ES256.generate_key_pair().expect("a key");
            pair.set_key_id(Some("k"));
            let mut key = json!(pair.to_jwk_public_key().as_ref());
            key["use"] = json!("sig");
            key["alg"] = json!("ES256");
            assert_eq!(pair.curve(), EcCurve::P256);
            let signer = ES256
                .signer_from_jwk(&pair.to_jwk_key_pair())
                .expect("a key");
            (
                Self(Box::new(signer)),
                KeySet::sound(&json!({ "keys": [key] })),
            )
        }

        fn sign(&self, claims: &Value) -> String {
            let mut header = JwsHeader::new();
            header.set_key_id("k");
            serialize_compact(claims.to_string().as_bytes(), &header, &*self.0).expect("a JWS")
        }
    }

    fn expected() -> Expected<'static> {
        Expected {
            issuer: ISSUER,
            client_id: "client",
            alg: "ES256",
            nonce: Some("n"),
            access_token: "token",
            asked: vec!["nickname"],
            now: NOW,
        }
    }

    fn claims() -> Value {
        json!({
            "jti": "1", "iss": ISSUER, "aud": "client", "sub": "alias", "nonce": "n",
            "iat": NOW, "exp": NOW + 1800, "auth_time": NOW - 10, "nickname": "Ines",
            "at_hash": half_hash("ES256", "token"),
        })
    }

    #[test]
    fn the_relying_party_takes_a_good_id_token() {
        let (signer, keys) = Signer::new();
        let good = expected().verified(&signer.sign(&claims()), &keys);
        assert_eq!(good.expect("a good one").sub(), "alias");
    }

    #[test]
    fn the_relying_party_refuses_every_fault_by_its_name() {
        let (signer, keys) = Signer::new();
        for (name, value) in [
            ("iss", json!("https://other.example")),
            ("aud", json!("other")),
            ("aud", json!(["client", "other"])),
            ("azp", json!("other")),
            ("nonce", json!("m")),
            ("nonce", Value::Null),
            ("at_hash", json!(half_hash("EdDSA", "token"))),
            ("at_hash", json!(half_hash("ES256", "other"))),
            ("exp", json!(NOW)),
            ("exp", json!("1800001800")),
            ("iat", json!(NOW - 301)),
            ("iat", json!(NOW + 301)),
            ("iat", json!(1_800_000_000.5)),
            ("auth_time", json!(NOW + 301)),
            ("sub", json!("")),
            ("sub", json!("a b")),
            ("nickname", json!(" ")),
            ("sid", json!("s")),
            ("email", json!("ines@example.com")),
        ] {
            let mut faulty = claims();
            faulty[name] = value.clone();
            let refused = expected().verified(&signer.sign(&faulty), &keys);
            let said = refused.expect_err(name);
            let named = said.starts_with(name) || said.starts_with("what was not asked for");
            assert!(named, "{name} {value}: {said}");
        }
    }

    #[test]
    fn the_relying_party_refuses_what_no_published_key_signed() {
        let ((signer, keys), (other, _)) = (Signer::new(), Signer::new());
        let refused = |token: &str| expected().verified(token, &keys).is_err();
        assert!(refused(&other.sign(&claims())));
        let good = signer.sign(&claims());
        let (signed, signature) = good.rsplit_once('.').expect("a signature");
        assert!(refused(&format!("{signed}.")));
        let payload = signed.split_once('.').expect("a payload").1;
        let header = checks::encoded(br#"{"alg":"none","kid":"k"}"#);
        assert!(refused(&format!("{header}.{payload}.")));
        let header = checks::encoded(br#"{"alg":"ES256","kid":"l"}"#);
        assert!(refused(&format!("{header}.{payload}.{signature}")));
    }
}

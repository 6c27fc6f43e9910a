//! The keys that the service publishes (RFC 7517, RFC 8037).

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{ES256, EdDSA, JwsVerifier, RS256},
};
use serde_json::Value;

/// Members that only a private or symmetric key has.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A sound key set.
pub(crate) struct KeySet(Vec<Value>);

impl KeySet {
    #[track_caller]
    pub(crate) fn sound(document: &Value) -> Self {
        let keys = document["keys"].as_array().expect("keys");
        assert!(!keys.is_empty());
        let mut kids = BTreeSet::new();
        for key in keys {
            let kid = key["kid"].as_str().unwrap_or_default();
            assert!(!kid.trim().is_empty(), "no kid: {key}");
            assert!(kids.insert(kid), "{kid} twice");
            for name in PRIVATE {
                assert_eq!(key.get(name), None, "{name} of {kid}");
            }
            assert_eq!(key["use"], "sig", "{kid}");
            let members: &[&str] = match (&key["kty"], &key["alg"], &key["crv"]) {
                (kty, alg, Value::Null) if kty == "RSA" && alg == "RS256" => &["n", "e"],
                (kty, alg, crv) if kty == "EC" && alg == "ES256" && crv == "P-256" => &["x", "y"],
                (kty, alg, crv) if kty == "OKP" && alg == "EdDSA" && crv == "Ed25519" => &["x"],
                _ => panic!("of no known kind: {key}"),
            };
            for name in members {
                let value = key[*name].as_str().expect("text");
                let bytes = URL_SAFE_NO_PAD.decode(value).expect("base64url");
                assert!(!bytes.is_empty(), "{name} of {kid}");
                assert!(*name != "n" || bytes.len() >= 256, "{kid}: a short key");
            }
        }
        Self(keys.clone())
    }

    /// Checks a JWS in compact form by the one key that its header names; its payload.
    pub(crate) fn verified(&self, token: &str, alg: &str) -> Result<(Value, Value), String> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(format!("{} parts", parts.len()));
        };
        let decoded = |part| URL_SAFE_NO_PAD.decode(part).map_err(|it| it.to_string());
        let object = |part| -> Result<Value, String> {
            let value: Value =
                serde_json::from_slice(&decoded(part)?).map_err(|it| it.to_string())?;
            value
                .is_object()
                .then_some(value)
                .ok_or("no object".to_owned())
        };
        let (header, claims) = (object(header)?, object(payload)?);
        if header["alg"] != alg || header.get("crit").is_some() {
            return Err(format!("{header} instead of {alg}"));
        }
        let named = |it: &&Value| it["kid"] == header["kid"] && it["alg"] == header["alg"];
        let key = self
            .0
            .iter()
            .find(named)
            .ok_or(format!("no key for {header}"))?;
        let (signed, _) = token.rsplit_once('.').unwrap_or_default();
        let verifier = verifier(key, alg);
        let verdict = verifier.verify(signed.as_bytes(), &decoded(signature)?);
        verdict.map_err(|it| it.to_string())?;
        Ok((header, claims))
    }
}

fn verifier(key: &Value, alg: &str) -> Box<dyn JwsVerifier> {
    let key = Jwk::from_map(key.as_object().cloned().expect("an object")).expect("a key");
    match alg {
        "RS256" => Box::new(RS256.verifier_from_jwk(&key).expect("an RSA key")),
        "ES256" => Box::new(ES256.verifier_from_jwk(&key).expect("a key on P-256")),
        "EdDSA" => Box::new(EdDSA.verifier_from_jwk(&key).expect("an Ed25519 key")),
        other => panic!("no verifier for {other}"),
    }
}

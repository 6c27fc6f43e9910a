//! An ID token that comes back as a hint is taken for what it is exactly if it was signed here
//! (OIDC Core 3.1.2.1).

use std::{io::ErrorKind, net::TcpListener};

use alias_domain::{
    IdTokenHint, KeyAlgorithm, Lead, LogoutTokenClaims, SigningAlgorithm,
    ports::{IdTokens, Keys},
    testing::sample::{NOON, notice},
};
use alias_signing::{IdTokenSigner, Keyring};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use josekit::jws::{ES256, EdDSA, HS256, JwsHeader, JwsSigner, RS256, serialize_compact};
use openssl::{bn::BigNum, pkey::PKey, rsa::Rsa};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    fixture::{MASTER, keyring, load, store},
    id_tokens::{claims, is_signed_by},
};

async fn signed(keyring: &Keyring, algorithm: SigningAlgorithm) -> String {
    let signer = IdTokenSigner::new(keyring);
    let token = signer.sign(algorithm, &claims()).await.unwrap();
    token.expose().to_owned()
}

fn encoded(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

/// The public key that the key set has of an algorithm.
fn published(keyring: &Keyring, algorithm: &str) -> Value {
    let key_set = keyring.key_set();
    let keys = key_set["keys"].as_array().unwrap();
    let found = keys.iter().find(|it| it["alg"] == algorithm);
    found.unwrap().clone()
}

/// The public RSA key, in the forms that a careless verifier takes for an HMAC secret.
fn rsa_key_as_secrets(keyring: &Keyring) -> Vec<Vec<u8>> {
    let jwk = published(keyring, "RS256");
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap());
        BigNum::from_slice(&bytes.unwrap()).unwrap()
    };
    let rsa = Rsa::from_public_components(number("n"), number("e")).unwrap();
    let pkcs1 = rsa.public_key_to_pem_pkcs1().unwrap();
    let key = PKey::from_rsa(rsa).unwrap();
    vec![
        key.public_key_to_pem().unwrap(),
        key.public_key_to_der().unwrap(),
        pkcs1,
        jwk.to_string().into_bytes(),
        jwk["n"].as_str().unwrap().as_bytes().to_vec(),
    ]
}

#[tokio::test]
async fn an_id_token_of_each_algorithm_is_read_as_it_was_signed() {
    let keyring = keyring().await;
    let reader = IdTokenSigner::new(&keyring);
    for algorithm in SigningAlgorithm::ALL {
        // It expired in 2020, and is as good a hint as any.
        let read = reader.verified(&signed(&keyring, algorithm).await).unwrap();
        assert_eq!(read, serde_json::to_vec(&claims()).unwrap(), "{algorithm}");
        let hint = IdTokenHint::read(&read, &claims().iss).unwrap();
        assert_eq!((hint.aud, hint.sub), (claims().aud, claims().sub));
    }
}

#[tokio::test]
async fn another_nodes_token_is_read_and_a_foreign_services_is_not() {
    let ours = keyring().await;
    let node = load(&store().await, &MASTER).await.unwrap();
    let foreign = {
        let store = std::sync::Arc::new(alias_domain::testing::MemoryStore::default());
        load(&store, &MASTER).await.unwrap()
    };
    for algorithm in SigningAlgorithm::ALL {
        let reader = IdTokenSigner::new(&ours);
        assert!(reader.verified(&signed(&node, algorithm).await).is_some());
        assert!(
            reader
                .verified(&signed(&foreign, algorithm).await)
                .is_none()
        );
    }
}

#[tokio::test]
async fn a_token_is_read_for_as_long_as_the_session_may_last_in_which_it_was_issued() {
    let store = store().await;
    let keyring = load(&store, &MASTER).await.unwrap();
    let algorithm = KeyAlgorithm::Signing(SigningAlgorithm::EdDsa);
    let old = signed(&keyring, SigningAlgorithm::EdDsa).await;
    let rotated = keyring.rotate(&[algorithm], Lead::default(), || NOON).await;
    let active_from = rotated.unwrap().remove(0).active_from;
    let reader = IdTokenSigner::new(&keyring);
    let published = TimeDelta::minutes(30) + TimeDelta::seconds(60);
    let lifetime = TimeDelta::days(14) + TimeDelta::seconds(60);
    for (now, read) in [
        (NOON, true),
        (active_from, true),
        (active_from + published, true),
        (active_from + published + TimeDelta::days(1), true),
        (active_from + lifetime - TimeDelta::seconds(1), true),
        (active_from + lifetime, false),
    ] {
        keyring.refresh(now).await.unwrap();
        keyring.remove_retired(now).await.unwrap();
        assert_eq!(reader.verified(&old).is_some(), read, "{now}");
        let restarted = load(&store, &MASTER).await.unwrap();
        restarted.refresh(now).await.unwrap();
        let read_anew = IdTokenSigner::new(&restarted).verified(&old).is_some();
        assert_eq!(read_anew, read, "{now}");
        let listed = keyring.key_set()["keys"].as_array().unwrap().len();
        let expected = if now < active_from + published { 4 } else { 3 };
        assert_eq!(listed, expected, "{now}");
    }
    assert_eq!(store.keys().await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_forged_token_is_no_hint() {
    let keyring = keyring().await;
    let reader = IdTokenSigner::new(&keyring);
    for algorithm in SigningAlgorithm::ALL {
        let token = signed(&keyring, algorithm).await;
        let [header, payload, signature] = parts(&token);
        let other = encoded(r#"{"sub":"somebody else"}"#);
        let kid = published(&keyring, algorithm.name())["kid"].clone();
        let named = |header: Value| encoded(header.to_string());
        for (what, forged) in [
            ("other claims", format!("{header}.{other}.{signature}")),
            ("no signature", format!("{header}.{payload}.")),
            ("two parts", format!("{header}.{payload}")),
            ("four parts", format!("{token}.{signature}")),
            (
                "five parts",
                format!("{header}.{payload}.{payload}.{payload}.{signature}"),
            ),
            ("padding", format!("{token}=")),
            ("a space", format!(" {token}")),
            ("a line", format!("{token}\n")),
            (
                "another signature",
                format!("{header}.{payload}.{}", encoded([0; 64])),
            ),
            (
                "alg none",
                format!(
                    "{}.{payload}.",
                    named(json!({"typ": "JWT", "alg": "none", "kid": kid}))
                ),
            ),
            (
                "alg none, no kid",
                format!("{}.{payload}.", encoded(r#"{"alg":"none"}"#)),
            ),
            (
                "a header in another order",
                format!(
                    "{}.{payload}.{signature}",
                    named(json!({"kid": kid, "alg": algorithm}))
                ),
            ),
        ] {
            assert_eq!(reader.verified(&forged), None, "{algorithm}: {what}");
        }
    }
}

#[tokio::test]
async fn hs256_with_the_public_rsa_key_is_no_hint() {
    let keyring = keyring().await;
    let reader = IdTokenSigner::new(&keyring);
    let kid = published(&keyring, "RS256")["kid"].clone();
    let token = signed(&keyring, SigningAlgorithm::Rs256).await;
    let [rs256, payload, _] = parts(&token);
    for secret in rsa_key_as_secrets(&keyring) {
        let signer = HS256.signer_from_bytes(&secret).unwrap();
        let hs256 = encoded(json!({"typ": "JWT", "alg": "HS256", "kid": kid}).to_string());
        for header in [&hs256, rs256] {
            let signed = format!("{header}.{payload}");
            let signature = encoded(signer.sign(signed.as_bytes()).unwrap());
            assert_eq!(reader.verified(&format!("{signed}.{signature}")), None);
        }
    }
}

/// Whoever can make us fetch, or take, a key of theirs signs whatever they like.
#[tokio::test]
async fn a_header_that_brings_or_points_to_a_key_is_not_followed() {
    let keyring = keyring().await;
    let reader = IdTokenSigner::new(&keyring);
    let own = RS256.generate_key_pair(2048).unwrap();
    let signer = RS256.signer_from_der(own.to_der_private_key()).unwrap();
    let jwk = serde_json::to_value(own.to_jwk_public_key().as_ref()).unwrap();
    let claims = serde_json::to_vec(&claims()).unwrap();
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = trap.local_addr().unwrap();
    for (name, value) in [
        ("jku", json!(format!("http://{address}/keys"))),
        ("x5u", json!(format!("http://{address}/chain"))),
        ("jwk", jwk),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!("")),
        ("kid", json!("k".repeat(100_000))),
        ("kid", published(&keyring, "RS256")["kid"].clone()),
        ("kid", published(&keyring, "ES256")["kid"].clone()),
    ] {
        let mut header = JwsHeader::new();
        header.set_token_type("JWT");
        header.set_key_id(published(&keyring, "RS256")["kid"].as_str().unwrap());
        header.set_claim(name, Some(value)).unwrap();
        let token = serialize_compact(&claims, &header, &signer).unwrap();
        assert_eq!(reader.verified(&token), None, "{name}");
    }
    trap.set_nonblocking(true).unwrap();
    let came = trap.accept().map(drop).map_err(|it| it.kind());
    assert_eq!(came, Err(ErrorKind::WouldBlock), "nothing is fetched");
}

/// Only the algorithm that a key is published for fits its `kid`.
#[tokio::test]
async fn a_key_of_one_algorithm_verifies_no_token_of_another() {
    let keyring = keyring().await;
    let reader = IdTokenSigner::new(&keyring);
    let claims = encoded(serde_json::to_vec(&claims()).unwrap());
    let foreign: [Box<dyn JwsSigner>; 2] = [
        Box::new(signer_of(
            ES256.generate_key_pair().unwrap().to_der_private_key(),
        )),
        Box::new({
            let pair = EdDSA
                .generate_key_pair(josekit::jwk::alg::ed::EdCurve::Ed25519)
                .unwrap();
            EdDSA.signer_from_der(pair.to_der_private_key()).unwrap()
        }),
    ];
    for kid in ["RS256", "ES256", "EdDSA"].map(|it| published(&keyring, it)["kid"].clone()) {
        for signer in &foreign {
            for algorithm in SigningAlgorithm::ALL {
                let header = format!(r#"{{"typ":"JWT","alg":"{algorithm}","kid":{kid}}}"#);
                let signed = format!("{}.{claims}", encoded(header));
                let signature = encoded(signer.sign(signed.as_bytes()).unwrap());
                assert_eq!(reader.verified(&format!("{signed}.{signature}")), None);
            }
        }
    }
}

fn signer_of(der: Vec<u8>) -> impl JwsSigner {
    ES256.signer_from_der(der).unwrap()
}

#[tokio::test]
async fn a_huge_token_is_not_looked_at() {
    let keyring = keyring().await;
    let huge = alias_domain::IdTokenClaims {
        nonce: Some("n".repeat(9000)),
        ..claims()
    };
    let signer = IdTokenSigner::new(&keyring);
    let token = signer.sign(SigningAlgorithm::Rs256, &huge).await.unwrap();
    assert_eq!(signer.verified(token.expose()), None);
    assert_eq!(signer.verified(&"a.".repeat(1_000_000)), None);
}

proptest! {
    #[test]
    fn a_token_with_any_byte_changed_is_no_hint(at in 0usize..4096, byte in 33u8..127) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let keyring = keyring().await;
            let token = signed(&keyring, SigningAlgorithm::Es256).await;
            let mut changed = token.into_bytes();
            let at = at % changed.len();
            prop_assume!(changed[at] != byte);
            changed[at] = byte;
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(IdTokenSigner::new(&keyring).verified(&changed), None);
            Ok(())
        })?;
    }

    #[test]
    fn no_text_makes_the_reader_fail(text in "\\PC{0,200}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let keyring = runtime.block_on(keyring());
        prop_assert_eq!(IdTokenSigner::new(&keyring).verified(&text), None);
    }
}

#[tokio::test]
async fn a_logout_token_is_no_hint() {
    let keyring = keyring().await;
    let signer = IdTokenSigner::new(&keyring);
    for algorithm in SigningAlgorithm::ALL {
        let claims = LogoutTokenClaims::new(
            "https://projectalias.com",
            &notice(),
            "DCZ2_7Se3ziXdcdSscAL0w",
            NOON,
        );
        let token = signer.sign_logout(algorithm, &claims).await.unwrap();
        assert!(is_signed_by(token.expose(), &keyring.key_set()));
        assert_eq!(signer.verified(token.expose()), None, "{algorithm}");
    }
}

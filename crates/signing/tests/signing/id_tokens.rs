//! R18: the ID token has the header and the claims of the seed's example.

use alias_domain::{
    Assurance, IdTokenClaims, Secret, SigningAlgorithm, UserClaims,
    ports::IdTokens,
    testing::sample::{self, NOON},
};
use alias_signing::{IdTokenSigner, Keyring};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{ES256, EdDSA, JwsVerifier, RS256},
};
use openidconnect::{
    AccessToken, AccessTokenHash, ClientId, IssuerUrl, Nonce,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm},
};
use openssl::{bn::BigNum, hash::MessageDigest, pkey::PKey, rsa::Rsa, sign::Verifier};
use serde_json::Value;

use crate::fixture::{keyring, rsa_key};

async fn signer() -> IdTokenSigner {
    IdTokenSigner::new(&keyring().await)
}

/// Those of the seed's example.
pub(crate) fn claims() -> IdTokenClaims {
    IdTokenClaims {
        jti: "DCZ2_7Se3ziXdcdSscAL0w".to_owned(),
        iss: "https://projectalias.com".to_owned(),
        aud: sample::client().id,
        iat: 1_593_519_330,
        exp: 1_593_521_130,
        nonce: Some("rgnxaHF9zIHaafVo4_8Pdw".to_owned()),
        at_hash: "iMuKaVovQSoj4ue0szDidg".to_owned(),
        sub: "epGEcGfc6LQMmKTqffWW2g".parse().unwrap(),
        user: UserClaims {
            nickname: "Fred".parse().ok(),
            ..UserClaims::default()
        },
        auth_time: 1_593_518_730,
        acr: None,
        amr: None,
        sid: None,
    }
}

/// The three parts, as they are before base64url.
async fn parts(signer: &IdTokenSigner, claims: &IdTokenClaims) -> [Vec<u8>; 3] {
    let token = signer.sign(SigningAlgorithm::Rs256, claims).await.unwrap();
    let parts = token
        .expose()
        .split('.')
        .map(|it| URL_SAFE_NO_PAD.decode(it).unwrap());
    parts.collect::<Vec<_>>().try_into().unwrap()
}

async fn claims_text(claims: &IdTokenClaims) -> String {
    let [_, claims, _] = parts(&signer().await, claims).await;
    String::from_utf8(claims).unwrap()
}

/// The published keys, by their algorithm.
fn published(key_set: &Value, algorithm: SigningAlgorithm) -> &serde_json::Map<String, Value> {
    let keys = key_set["keys"].as_array().unwrap();
    let found = keys.iter().find(|it| it["alg"] == algorithm.name());
    found.unwrap().as_object().unwrap()
}

/// Verifies with the key of a set that a token names, as a client of our own stack does.
pub(crate) fn is_signed_by(token: &str, key_set: &Value) -> bool {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let header = URL_SAFE_NO_PAD
        .decode(token.split('.').next().unwrap())
        .unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    let keys = key_set["keys"].as_array().unwrap();
    let Some(key) = keys.iter().find(|it| it["kid"] == header["kid"]) else {
        return false;
    };
    assert_eq!(key["alg"], header["alg"]);
    let key = Jwk::from_map(key.as_object().unwrap().clone()).unwrap();
    let verifier: Box<dyn JwsVerifier> = match header["alg"].as_str().unwrap() {
        "RS256" => Box::new(RS256.verifier_from_jwk(&key).unwrap()),
        "ES256" => Box::new(ES256.verifier_from_jwk(&key).unwrap()),
        _ => Box::new(EdDSA.verifier_from_jwk(&key).unwrap()),
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    verifier.verify(signed.as_bytes(), &signature).is_ok()
}

/// Verifies an RSA signature with OpenSSL alone, from what a client has: the token and the key.
fn is_signed_by_rsa(token: &str, key_set: &Value) -> bool {
    let number = |name: &str| {
        let member = &published(key_set, SigningAlgorithm::Rs256)[name];
        let bytes = URL_SAFE_NO_PAD.decode(member.as_str().unwrap());
        BigNum::from_slice(&bytes.unwrap()).unwrap()
    };
    let rsa = Rsa::from_public_components(number("n"), number("e")).unwrap();
    let key = PKey::from_rsa(rsa).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    verifier.update(signed.as_bytes()).unwrap();
    verifier
        .verify(&URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap()
}

/// Verifies a token with a client library whose cryptography is not OpenSSL's, `at_hash` included.
fn is_accepted_by_a_client(token: &str, keyring: &Keyring, user_token: &str) -> bool {
    let keys: CoreJsonWebKeySet = serde_json::from_value(keyring.key_set()).unwrap();
    let verifier = CoreIdTokenVerifier::new_public_client(
        ClientId::new(claims().aud.to_string()),
        IssuerUrl::new(claims().iss).unwrap(),
        keys,
    )
    .set_allowed_algs([
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EdDsa,
    ])
    .set_time_fn(|| NOON);
    let token: CoreIdToken = token.parse().unwrap();
    let nonce = Nonce::new(claims().nonce.unwrap());
    let Ok(accepted) = token.claims(&verifier, &nonce) else {
        return false;
    };
    let hash = AccessTokenHash::from_token(
        &AccessToken::new(user_token.to_owned()),
        token.signing_alg().unwrap(),
        token.signing_key(&verifier).unwrap(),
    );
    accepted.access_token_hash() == Some(&hash.unwrap())
}

#[tokio::test]
async fn r18_a_client_library_accepts_each_algorithm_and_its_at_hash() {
    let keyring = keyring().await;
    let user_token = Secret::new("a user token".to_owned());
    for algorithm in SigningAlgorithm::ALL {
        let claims = IdTokenClaims {
            at_hash: IdTokenClaims::at_hash(algorithm, &user_token),
            ..claims()
        };
        let signer = IdTokenSigner::new(&keyring);
        let token = signer.sign(algorithm, &claims).await.unwrap();
        assert!(
            is_signed_by(token.expose(), &keyring.key_set()),
            "{algorithm}"
        );
        assert!(
            is_accepted_by_a_client(token.expose(), &keyring, user_token.expose()),
            "{algorithm}"
        );
    }
}

#[tokio::test]
async fn the_header_names_the_algorithm_that_was_asked_for() {
    for algorithm in SigningAlgorithm::ALL {
        let token = signer().await.sign(algorithm, &claims()).await.unwrap();
        let header = URL_SAFE_NO_PAD.decode(token.expose().split('.').next().unwrap());
        let header = String::from_utf8(header.unwrap()).unwrap();
        let expected = format!(r#"{{"typ":"JWT","alg":"{algorithm}","kid":""#);
        assert!(header.starts_with(&expected), "{header}");
    }
}

#[tokio::test]
async fn r18_the_header_is_that_of_the_seed() {
    let [header, ..] = parts(&signer().await, &claims()).await;
    let expected = format!(
        r#"{{"typ":"JWT","alg":"RS256","kid":"{}"}}"#,
        rsa_key().await.kid
    );
    assert_eq!(String::from_utf8(header).unwrap(), expected);
}

#[tokio::test]
async fn r18_the_claims_are_those_of_the_seed_in_its_order_with_whole_seconds() {
    assert_eq!(
        claims_text(&claims()).await,
        concat!(
            r#"{"jti":"DCZ2_7Se3ziXdcdSscAL0w","iss":"https://projectalias.com","#,
            r#""aud":"bjOB6HV7cTKtxvfr2k2ucg","iat":1593519330,"exp":1593521130,"#,
            r#""nonce":"rgnxaHF9zIHaafVo4_8Pdw","at_hash":"iMuKaVovQSoj4ue0szDidg","#,
            r#""sub":"epGEcGfc6LQMmKTqffWW2g","nickname":"Fred","auth_time":1593518730}"#,
        )
    );
}

#[tokio::test]
async fn r18_nonce_and_nickname_are_left_out_if_there_are_none() {
    let text = claims_text(&IdTokenClaims {
        nonce: None,
        user: UserClaims::default(),
        ..claims()
    })
    .await;
    assert!(
        !text.contains("nonce") && !text.contains("nickname"),
        "{text}"
    );
}

#[tokio::test]
async fn r18_acr_and_amr_come_last_if_they_were_asked_for() {
    let text = claims_text(&IdTokenClaims {
        acr: Some(Assurance::Password.acr()),
        amr: Some(Assurance::Password.amr()),
        ..claims()
    })
    .await;
    let expected = concat!(
        r#","auth_time":1593518730,"#,
        r#""acr":"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport","#,
        r#""amr":["pwd"]}"#
    );
    assert!(text.ends_with(expected), "{text}");
}

#[tokio::test]
async fn r18_the_signature_is_that_of_a_published_3072_bit_key() {
    let key_set = keyring().await.key_set();
    let signer = signer().await;
    let token = signer
        .sign(SigningAlgorithm::Rs256, &claims())
        .await
        .unwrap();
    assert!(is_signed_by_rsa(token.expose(), &key_set));
    let [.., signature] = parts(&signer, &claims()).await;
    assert_eq!(signature.len() * 8, 3072);
}

#[tokio::test]
async fn a_token_with_other_claims_is_not_signed_by_that_key() {
    let keyring = keyring().await;
    for algorithm in SigningAlgorithm::ALL {
        let token = signer().await.sign(algorithm, &claims()).await.unwrap();
        let mut parts: Vec<&str> = token.expose().split('.').collect();
        let forged = URL_SAFE_NO_PAD.encode(r#"{"sub":"somebody else"}"#);
        parts[1] = &forged;
        assert!(!is_signed_by(&parts.join("."), &keyring.key_set()));
    }
}

#[tokio::test]
async fn the_key_set_has_public_members_alone() {
    let key_set = keyring().await.key_set();
    for (algorithm, expected) in [
        (
            SigningAlgorithm::Rs256,
            &["kty", "use", "alg", "kid", "n", "e"][..],
        ),
        (
            SigningAlgorithm::Es256,
            &["kty", "use", "alg", "kid", "crv", "x", "y"],
        ),
        (
            SigningAlgorithm::EdDsa,
            &["kty", "use", "alg", "kid", "crv", "x"],
        ),
    ] {
        let members: Vec<&String> = published(&key_set, algorithm).keys().collect();
        assert_eq!(members, expected);
    }
    assert_eq!(key_set.as_object().unwrap().len(), 1);
    assert_eq!(
        key_set["keys"].as_array().unwrap().len(),
        3,
        "no sealing key"
    );
}

//! R18: the ID token has the header and the claims of the seed's example.

use std::sync::{Arc, LazyLock};

use alias_domain::{
    IdTokenClaims,
    ports::{Failure, IdTokens, Keys, MockKeys, StoreError, StoredKey},
    testing::{
        MemoryStore,
        sample::{self, NOON},
    },
};
use alias_signing::{IdTokenSigner, MasterKey, SigningError};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use openssl::{bn::BigNum, hash::MessageDigest, pkey::PKey, rsa::Rsa, sign::Verifier};
use serde_json::Value;
use tokio::sync::OnceCell;

static MASTER: LazyLock<MasterKey> = LazyLock::new(MasterKey::generate);

/// Making an RSA key takes a while: the tests share one.
static KEY: OnceCell<StoredKey> = OnceCell::const_new();

async fn load(store: &Arc<MemoryStore>, master: &MasterKey) -> Result<IdTokenSigner, SigningError> {
    IdTokenSigner::load_or_create(Arc::clone(store) as _, master, NOON).await
}

async fn key() -> StoredKey {
    let make = || async {
        let store = Arc::new(MemoryStore::default());
        load(&store, &MASTER).await.unwrap();
        store.keys().await.unwrap().remove(0)
    };
    KEY.get_or_init(make).await.clone()
}

async fn store_with(key: &StoredKey) -> Arc<MemoryStore> {
    let store = MemoryStore::default();
    assert!(store.add_first_key(key).await.unwrap());
    Arc::new(store)
}

async fn signer() -> IdTokenSigner {
    load(&store_with(&key().await).await, &MASTER)
        .await
        .unwrap()
}

/// Those of the seed's example.
fn claims() -> IdTokenClaims {
    IdTokenClaims {
        jti: "DCZ2_7Se3ziXdcdSscAL0w".to_owned(),
        iss: "https://projectalias.com".to_owned(),
        aud: sample::client().id,
        iat: 1_593_519_330,
        exp: 1_593_521_130,
        nonce: Some("rgnxaHF9zIHaafVo4_8Pdw".to_owned()),
        at_hash: "iMuKaVovQSoj4ue0szDidg".to_owned(),
        sub: "epGEcGfc6LQMmKTqffWW2g".parse().unwrap(),
        nickname: "Fred".parse().ok(),
        auth_time: 1_593_518_730,
    }
}

/// The three parts, as they are before base64url.
async fn parts(signer: &IdTokenSigner, claims: &IdTokenClaims) -> [Vec<u8>; 3] {
    let token = signer.sign(claims).await.unwrap();
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

fn published(key_set: &Value) -> &serde_json::Map<String, Value> {
    let keys = key_set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    keys[0].as_object().unwrap()
}

/// Verifies with OpenSSL alone, from what a client has: the token and the published key.
fn is_signed_by(token: &str, key_set: &Value) -> bool {
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(published(key_set)[name].as_str().unwrap());
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

#[tokio::test]
async fn r18_the_header_is_that_of_the_seed() {
    let [header, ..] = parts(&signer().await, &claims()).await;
    let expected = format!(
        r#"{{"typ":"JWT","alg":"RS256","kid":"{}"}}"#,
        key().await.kid
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
        nickname: None,
        ..claims()
    })
    .await;
    assert!(
        !text.contains("nonce") && !text.contains("nickname"),
        "{text}"
    );
}

#[tokio::test]
async fn r18_the_signature_is_that_of_a_published_3072_bit_key() {
    let signer = signer().await;
    let token = signer.sign(&claims()).await.unwrap();
    assert!(is_signed_by(token.expose(), &signer.key_set()));
    let [.., signature] = parts(&signer, &claims()).await;
    assert_eq!(signature.len() * 8, 3072);
}

#[tokio::test]
async fn a_token_with_other_claims_is_not_signed_by_that_key() {
    let signer = signer().await;
    let token = signer.sign(&claims()).await.unwrap().expose().to_owned();
    let mut parts: Vec<&str> = token.split('.').collect();
    let forged = URL_SAFE_NO_PAD.encode(r#"{"sub":"somebody else"}"#);
    parts[1] = &forged;
    assert!(!is_signed_by(&parts.join("."), &signer.key_set()));
}

#[tokio::test]
async fn the_key_set_has_public_members_alone() {
    let key_set = signer().await.key_set();
    let members: Vec<&String> = published(&key_set).keys().collect();
    assert_eq!(members, ["kty", "use", "alg", "kid", "n", "e"]);
    assert_eq!(key_set.as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn a_kid_is_an_identifier_like_the_seed_s() {
    assert!(key().await.kid.parse::<alias_domain::AliasId>().is_ok());
}

#[tokio::test]
async fn a_restart_signs_with_the_same_key() {
    let store = store_with(&key().await).await;
    let before = load(&store, &MASTER).await.unwrap();
    let after = load(&store, &MASTER).await.unwrap();
    let token = after.sign(&claims()).await.unwrap();
    assert!(is_signed_by(token.expose(), &before.key_set()));
    assert_eq!(store.keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_first_key_is_created_at_the_time_that_was_given() {
    assert_eq!(key().await.created_at, NOON);
}

#[tokio::test]
async fn a_wrong_master_key_is_refused_by_its_setting_s_name() {
    let store = store_with(&key().await).await;
    let error = load(&store, &MasterKey::generate()).await.unwrap_err();
    let expected = format!(
        "keys.master does not open the stored signing key {}",
        key().await.kid
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_stored_key_does_not_open_under_another_kid() {
    let store = store_with(&StoredKey {
        kid: "RIpbfh4fpqMpHn2C7WxrKQ".to_owned(),
        ..key().await
    })
    .await;
    let error = load(&store, &MASTER).await.unwrap_err();
    assert!(matches!(error, SigningError::WrongMaster { .. }));
}

#[tokio::test]
async fn a_newer_node_s_algorithm_is_left_alone() {
    let genuine = key().await;
    let store = store_with(&genuine).await;
    let newer = StoredKey {
        kid: "newer".to_owned(),
        algorithm: "EdDSA".to_owned(),
        sealed: "another way of sealing".to_owned(),
        ..genuine
    };
    assert!(store.add_first_key(&newer).await.unwrap());
    let signer = load(&store, &MASTER).await.unwrap();
    assert_eq!(published(&signer.key_set())["alg"], "RS256");
}

#[tokio::test]
async fn of_rivals_that_make_a_first_key_all_end_with_the_same() {
    let store = Arc::new(MemoryStore::default());
    // Both find the store empty before either has made a key: that happens on other threads.
    let (one, other) = tokio::join!(load(&store, &MASTER), load(&store, &MASTER));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(store.keys().await.unwrap().len(), 1);
    let token = one.sign(&claims()).await.unwrap();
    assert!(is_signed_by(token.expose(), &other.key_set()));
}

#[tokio::test]
async fn a_store_that_is_away_is_said_to_be() {
    let away = StoreError::Unavailable("disk full".to_owned());
    let mut store = MockKeys::new();
    let answer = away.clone();
    store.expect_keys().returning(move || Err(answer.clone()));
    let error = IdTokenSigner::load_or_create(Arc::new(store), &MASTER, NOON).await;
    assert_eq!(
        error.unwrap_err(),
        SigningError::Failed(Failure::Store(away))
    );
}

#[tokio::test]
async fn a_store_that_keeps_no_key_is_no_signer() {
    let mut store = MockKeys::new();
    store.expect_keys().returning(|| Ok(vec![]));
    store.expect_add_first_key().returning(|_| Ok(true));
    let later = NOON + TimeDelta::days(1);
    let error = IdTokenSigner::load_or_create(Arc::new(store), &MASTER, later).await;
    assert_eq!(error.unwrap_err(), SigningError::NoKey);
}

#[tokio::test]
async fn a_signer_prints_nothing_but_its_kid() {
    let expected = format!("IdTokenSigner {{ kid: {:?}, .. }}", key().await.kid);
    assert_eq!(format!("{:?}", signer().await), expected);
}

#[tokio::test]
async fn what_the_store_keeps_of_a_private_key_is_sealed() {
    let stored = key().await;
    let modulus = published(&signer().await.key_set())["n"]
        .as_str()
        .unwrap()
        .to_owned();
    let header = stored.sealed.split('.').next().unwrap();
    assert_eq!(
        String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap(),
        format!(
            r#"{{"typ":"signing-key","alg":"dir","enc":"A256GCM","kid":"{}"}}"#,
            stored.kid
        )
    );
    // A private key holds its modulus; in base64url it shows in one of three alignments.
    let modulus = URL_SAFE_NO_PAD.decode(modulus).unwrap();
    for skip in 0..3 {
        let piece = URL_SAFE_NO_PAD.encode(&modulus[skip..skip + 30]);
        assert!(!stored.sealed.contains(&piece));
    }
}

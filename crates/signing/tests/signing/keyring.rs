//! Keys turn over: published before they are used, kept until nothing that they made is alive.

use std::sync::Arc;

use alias_domain::{
    Capsule, KeyAlgorithm, Lead, NotRotated, SigningAlgorithm,
    ports::{Failure, IdTokens, Keys, MockKeys, Sealer, StoreError, StoredKey},
    testing::{
        MemoryStore,
        sample::{self, NOON},
    },
};
use alias_signing::{IdTokenSigner, Keyring, MasterKey, RsaSize, SigningError, TokenSealer};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use pollster::block_on;
use serde_json::Value;

use crate::{
    fixture::{MASTER, key, keyring, keys, load, of, rsa_key, store, store_with},
    id_tokens::{claims, is_signed_by},
};

const ES256: KeyAlgorithm = KeyAlgorithm::Signing(SigningAlgorithm::Es256);
const EDDSA: KeyAlgorithm = KeyAlgorithm::Signing(SigningAlgorithm::EdDsa);
/// All that are quick to make.
const QUICK: [KeyAlgorithm; 3] = [ES256, EDDSA, KeyAlgorithm::Sealing];

fn seconds(number: i64) -> DateTime<Utc> {
    NOON + TimeDelta::seconds(number)
}

fn code() -> Capsule {
    Capsule::Code {
        authorization: sample::redemption().authorization,
    }
}

/// The `kid` in a token's header.
fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
    let header: Value = serde_json::from_slice(&header.unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn published(keyring: &Keyring) -> Vec<String> {
    let key_set = keyring.key_set();
    let kids = key_set["keys"].as_array().unwrap().iter();
    kids.map(|it| it["kid"].as_str().unwrap().to_owned())
        .collect()
}

async fn signed_by(keyring: &Keyring, algorithm: SigningAlgorithm) -> String {
    let signer = IdTokenSigner::new(keyring);
    let token = signer.sign(algorithm, &claims()).await.unwrap();
    assert!(is_signed_by(token.expose(), &keyring.key_set()));
    kid(token.expose())
}

/// Makes a new key of each quick algorithm, active ten minutes later.
async fn rotate(keyring: &Keyring, now: DateTime<Utc>) -> Vec<StoredKey> {
    keyring
        .rotate(&QUICK, Lead::default(), || now)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_first_start_makes_a_key_of_each_algorithm_active_at_once() {
    let keys = keys().await;
    let mut algorithms: Vec<&str> = keys.iter().map(|it| it.algorithm.as_str()).collect();
    algorithms.sort_unstable();
    assert_eq!(algorithms, ["A256GCM", "ES256", "EdDSA", "RS256"]);
    for key in keys {
        assert_eq!((key.created_at, key.active_from), (NOON, NOON));
    }
    assert_eq!(key(KeyAlgorithm::Sealing).await.kid, "1");
}

/// The algorithms of a key set, in its order.
fn algorithms(keyring: &Keyring) -> Vec<String> {
    let key_set = keyring.key_set();
    let keys = key_set["keys"].as_array().unwrap().iter();
    keys.map(|it| it["alg"].as_str().unwrap().to_owned())
        .collect()
}

/// All keys of a first start have one date, and stores list those by their random IDs.
#[tokio::test]
async fn a_key_set_lists_rs256_es256_and_eddsa_in_this_order_after_any_first_start() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let signing = SigningAlgorithm::ALL.map(KeyAlgorithm::Signing);
        let mut stored = vec![key(KeyAlgorithm::Sealing).await];
        for at in order {
            stored.push(key(signing[at]).await);
        }
        let mut store = MockKeys::new();
        store.expect_keys().returning(move || Ok(stored.clone()));
        let (lifetimes, rsa) = (alias_domain::Lifetimes::default(), RsaSize::default());
        let keyring = Keyring::load_or_create(Arc::new(store), &MASTER, lifetimes, rsa, NOON).await;
        let keyring = keyring.unwrap();
        assert_eq!(
            algorithms(&keyring),
            ["RS256", "ES256", "EdDSA"],
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn a_key_set_lists_the_older_key_of_an_algorithm_first_and_no_other_type_between() {
    let keyring = keyring().await;
    let made = rotate(&keyring, seconds(0)).await;
    keyring.refresh(seconds(0)).await.unwrap();
    let expected = ["RS256", "ES256", "ES256", "EdDSA", "EdDSA"];
    assert_eq!(algorithms(&keyring), expected);
    let lead = Lead::default();
    let rs256 = [KeyAlgorithm::Signing(SigningAlgorithm::Rs256)];
    let rsa = keyring.rotate(&rs256, lead, || seconds(60)).await.unwrap();
    keyring.refresh(seconds(60)).await.unwrap();
    let expected = ["RS256", "RS256", "ES256", "ES256", "EdDSA", "EdDSA"];
    assert_eq!(algorithms(&keyring), expected);
    let kids = [
        rsa_key().await.kid,
        rsa[0].kid.clone(),
        key(ES256).await.kid,
        of(&made, ES256).remove(0).kid,
        key(EDDSA).await.kid,
        of(&made, EDDSA).remove(0).kid,
    ];
    assert_eq!(published(&keyring), kids);
}

#[tokio::test]
async fn a_kid_is_an_identifier_like_the_seed_s() {
    assert!(rsa_key().await.kid.parse::<alias_domain::AliasId>().is_ok());
}

#[tokio::test]
async fn a_restart_goes_on_with_the_same_keys() {
    let store = store().await;
    let before = load(&store, &MASTER).await.unwrap();
    let after = load(&store, &MASTER).await.unwrap();
    assert_eq!(before.key_set(), after.key_set());
    let token = IdTokenSigner::new(&after)
        .sign(SigningAlgorithm::Rs256, &claims())
        .await
        .unwrap();
    assert!(is_signed_by(token.expose(), &before.key_set()));
    let sealed = TokenSealer::new(&before).seal(&code()).unwrap();
    assert_eq!(TokenSealer::new(&after).open(sealed.expose()), Some(code()));
    assert_eq!(store.keys().await.unwrap(), keys().await);
}

/// The first version knew one signing key.
#[tokio::test]
async fn what_is_missing_is_made_beside_what_is_there() {
    let store = store_with(&[rsa_key().await]).await;
    let keyring = load(&store, &MASTER).await.unwrap();
    assert_eq!(
        signed_by(&keyring, SigningAlgorithm::Rs256).await,
        rsa_key().await.kid
    );
    signed_by(&keyring, SigningAlgorithm::Es256).await;
    signed_by(&keyring, SigningAlgorithm::EdDsa).await;
    assert_eq!(store.keys().await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_wrong_master_key_is_refused_by_its_setting_s_name_and_seals_nothing() {
    for algorithm in KeyAlgorithm::ALL {
        let key = key(algorithm).await;
        let store = store_with(std::slice::from_ref(&key)).await;
        let error = load(&store, &MasterKey::generate()).await.unwrap_err();
        let expected = format!("keys.master does not open the stored key {}", key.kid);
        assert_eq!(error.to_string(), expected);
        assert_eq!(store.keys().await.unwrap(), [key]);
    }
}

#[tokio::test]
async fn a_stored_key_does_not_open_under_another_kid_or_algorithm() {
    for algorithm in KeyAlgorithm::ALL {
        let genuine = key(algorithm).await;
        let renamed = StoredKey {
            kid: "RIpbfh4fpqMpHn2C7WxrKQ".to_owned(),
            ..genuine.clone()
        };
        let others = KeyAlgorithm::ALL.into_iter().filter(|it| *it != algorithm);
        let disguised = others.map(|other| StoredKey {
            algorithm: other.to_string(),
            ..genuine.clone()
        });
        for altered in disguised.chain([renamed]) {
            let error = load(&store_with(&[altered]).await, &MASTER)
                .await
                .unwrap_err();
            assert!(matches!(error, SigningError::WrongMaster { .. }), "{error}");
        }
    }
}

#[tokio::test]
async fn a_newer_node_s_algorithm_is_left_alone() {
    let store = store().await;
    let newer = StoredKey {
        kid: "newer".to_owned(),
        algorithm: "ML-DSA-65".to_owned(),
        sealed: "another way of sealing".to_owned(),
        ..rsa_key().await
    };
    assert!(store.add_first_key(&newer).await.unwrap());
    let keyring = load(&store, &MASTER).await.unwrap();
    keyring.refresh(seconds(1_000_000_000)).await.unwrap();
    assert!(!published(&keyring).contains(&newer.kid));
    assert!(store.keys().await.unwrap().contains(&newer));
}

#[tokio::test]
async fn of_rivals_that_make_first_keys_all_end_with_the_same() {
    let store = Arc::new(MemoryStore::default());
    // Both find the store empty before either has made a key: that happens on other threads.
    let (one, other) = tokio::join!(load(&store, &MASTER), load(&store, &MASTER));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(store.keys().await.unwrap().len(), 4);
    assert_eq!(one.key_set(), other.key_set());
    let sealed = TokenSealer::new(&one).seal(&code()).unwrap();
    assert_eq!(TokenSealer::new(&other).open(sealed.expose()), Some(code()));
}

#[tokio::test]
async fn a_new_rsa_key_has_the_size_that_is_asked_for() {
    let store = Arc::new(MemoryStore::default());
    let (lifetimes, rsa) = (alias_domain::Lifetimes::default(), RsaSize::Bits2048);
    let keyring = Keyring::load_or_create(store, &MASTER, lifetimes, rsa, NOON).await;
    let key_set = keyring.unwrap().key_set();
    let keys = key_set["keys"].as_array().unwrap();
    let modulus = keys.iter().find_map(|it| it["n"].as_str()).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(modulus).unwrap().len() * 8, 2048);
}

#[tokio::test]
async fn a_store_that_is_away_is_said_to_be() {
    let away = StoreError::Unavailable("disk full".to_owned());
    let mut store = MockKeys::new();
    let answer = away.clone();
    store.expect_keys().returning(move || Err(answer.clone()));
    let lifetimes = alias_domain::Lifetimes::default();
    let error = Keyring::load_or_create(
        Arc::new(store),
        &MASTER,
        lifetimes,
        RsaSize::default(),
        NOON,
    )
    .await;
    assert_eq!(
        error.unwrap_err(),
        SigningError::Failed(Failure::Store(away))
    );
}

#[tokio::test]
async fn a_store_that_keeps_no_key_makes_no_keyring() {
    let mut store = MockKeys::new();
    store.expect_keys().returning(|| Ok(vec![]));
    store.expect_add_first_key().returning(|_| Ok(true));
    let lifetimes = alias_domain::Lifetimes::default();
    let error = Keyring::load_or_create(
        Arc::new(store),
        &MASTER,
        lifetimes,
        RsaSize::default(),
        NOON,
    )
    .await;
    assert!(matches!(error.unwrap_err(), SigningError::NoKey(_)));
}

// Turning over.

#[tokio::test]
async fn a_new_key_is_published_at_once_and_used_after_the_lead() {
    let keyring = keyring().await;
    for (algorithm, name) in [
        (SigningAlgorithm::Es256, ES256),
        (SigningAlgorithm::EdDsa, EDDSA),
    ] {
        let old = key(name).await.kid;
        assert_eq!(signed_by(&keyring, algorithm).await, old);
    }
    let made = rotate(&keyring, seconds(60)).await;
    for key in &made {
        assert_eq!(key.active_from, seconds(60 + 600));
    }
    for (now, new_ones_sign) in [(60, false), (659, false), (660, true)] {
        keyring.refresh(seconds(now)).await.unwrap();
        for (algorithm, name) in [
            (SigningAlgorithm::Es256, ES256),
            (SigningAlgorithm::EdDsa, EDDSA),
        ] {
            let (old, new) = (key(name).await.kid, of(&made, name).remove(0).kid);
            let expected = if new_ones_sign { &new } else { &old };
            assert_eq!(signed_by(&keyring, algorithm).await, *expected);
            let all = published(&keyring);
            assert!(all.contains(&old) && all.contains(&new));
        }
        let sealed = TokenSealer::new(&keyring).seal(&code()).unwrap();
        let by_first = kid(sealed.expose()).starts_with("1.");
        assert_eq!(by_first, !new_ones_sign);
    }
    assert_eq!(
        signed_by(&keyring, SigningAlgorithm::Rs256).await,
        rsa_key().await.kid
    );
}

#[tokio::test]
async fn a_token_names_the_key_that_sealed_it_shortly() {
    let keyring = keyring().await;
    let made = rotate(&keyring, seconds(0)).await;
    keyring.refresh(seconds(600)).await.unwrap();
    let name = of(&made, KeyAlgorithm::Sealing).remove(0).kid;
    assert_eq!(name.len(), 8);
    let sealed = TokenSealer::new(&keyring).seal(&code()).unwrap();
    assert_eq!(
        kid(sealed.expose()),
        format!("{name}.AAAAAAAAACgAAAAAAAAAAA")
    );
}

#[tokio::test]
async fn tokens_sealed_before_two_rotations_still_open_on_every_node() {
    let store = store().await;
    let [one, other] = [
        load(&store, &MASTER).await.unwrap(),
        load(&store, &MASTER).await.unwrap(),
    ];
    let mut sealed = vec![TokenSealer::new(&one).seal(&code()).unwrap()];
    for start in [0, 1000] {
        rotate(&one, seconds(start)).await;
        for node in [&one, &other] {
            node.refresh(seconds(start + 600)).await.unwrap();
        }
        sealed.push(TokenSealer::new(&one).seal(&code()).unwrap());
    }
    let restarted = load(&store, &MASTER).await.unwrap();
    for node in [&one, &other, &restarted] {
        for token in &sealed {
            assert_eq!(TokenSealer::new(node).open(token.expose()), Some(code()));
        }
    }
    let mut names: Vec<String> = sealed.iter().map(|it| kid(it.expose())).collect();
    names.dedup();
    assert_eq!(names.len(), 3);
}

#[tokio::test]
async fn a_node_whose_clock_is_ahead_seals_what_others_open() {
    let store = store().await;
    let [ahead, behind] = [
        load(&store, &MASTER).await.unwrap(),
        load(&store, &MASTER).await.unwrap(),
    ];
    rotate(&ahead, seconds(0)).await;
    ahead.refresh(seconds(600)).await.unwrap();
    behind.refresh(seconds(570)).await.unwrap();
    let sealed = TokenSealer::new(&ahead).seal(&code()).unwrap();
    assert_eq!(
        TokenSealer::new(&behind).open(sealed.expose()),
        Some(code())
    );
}

#[tokio::test]
async fn a_key_goes_when_nothing_that_it_made_is_alive_and_no_earlier() {
    let store = store().await;
    let keyring = load(&store, &MASTER).await.unwrap();
    rotate(&keyring, seconds(0)).await;
    keyring.refresh(seconds(600)).await.unwrap();
    let sealed_before = {
        // Sealed by another node a moment ago.
        let late = load(&store, &MASTER).await.unwrap();
        TokenSealer::new(&late).seal(&code()).unwrap()
    };
    let opens = || {
        TokenSealer::new(&keyring)
            .open(sealed_before.expose())
            .is_some()
    };
    let [es, ed] = [key(ES256).await.kid, key(EDDSA).await.kid];
    let id_tokens_end = 600 + 1800 + 60;
    let refresh_tokens_end = 600 + 90 * 86_400 + 3600 + 60;

    let tidy = async |now| {
        keyring.refresh(seconds(now)).await.unwrap();
        keyring.remove_retired(seconds(now)).await.unwrap();
    };
    tidy(id_tokens_end - 1).await;
    assert!(published(&keyring).contains(&es) && published(&keyring).contains(&ed));
    assert_eq!(store.keys().await.unwrap().len(), 7);

    tidy(id_tokens_end).await;
    assert!(!published(&keyring).contains(&es) && !published(&keyring).contains(&ed));
    let left: Vec<_> = store.keys().await.unwrap();
    let public = left.iter().filter(|it| it.algorithm.ends_with("-public"));
    assert_eq!(
        (left.len(), public.count()),
        (7, 2),
        "the private halves are gone"
    );

    let sessions_end = 600 + 14 * 86_400 + 60;
    tidy(sessions_end - 1).await;
    assert_eq!(store.keys().await.unwrap().len(), 7);
    tidy(sessions_end).await;
    assert_eq!(store.keys().await.unwrap().len(), 5);

    tidy(refresh_tokens_end - 1).await;
    assert!(opens());
    tidy(refresh_tokens_end).await;
    assert!(!opens());
    let left = store.keys().await.unwrap();
    assert_eq!(left.len(), 4);
    assert!(!left.iter().any(|it| it.kid == "1"));
    // Twice, and by another node, is harmless.
    tidy(refresh_tokens_end).await;
    assert_eq!(store.keys().await.unwrap(), left);
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_for_a_moment_costs_no_key() {
    let store = store().await;
    let keyring = load(&store, &MASTER).await.unwrap();
    let sealed = TokenSealer::new(&keyring).seal(&code()).unwrap();
    rotate(&keyring, seconds(0)).await;
    keyring.refresh(seconds(600)).await.unwrap();
    let before = (store.keys().await.unwrap(), keyring.key_set());

    keyring.refresh(seconds(400 * 86_400)).await.unwrap();
    assert_eq!(TokenSealer::new(&keyring).open(sealed.expose()), None);
    keyring.refresh(seconds(601)).await.unwrap();
    assert_eq!(
        TokenSealer::new(&keyring).open(sealed.expose()),
        Some(code())
    );
    assert_eq!((store.keys().await.unwrap(), keyring.key_set()), before);
}

/// The first keys, as a clock that is ahead makes them.
async fn store_of_a_clock_ahead(by: TimeDelta) -> Arc<MemoryStore> {
    let ahead = |it: StoredKey| StoredKey {
        created_at: NOON + by,
        active_from: NOON + by,
        ..it
    };
    let keys: Vec<_> = keys().await.into_iter().map(ahead).collect();
    store_with(&keys).await
}

#[tokio::test]
async fn keys_of_a_clock_that_was_ahead_serve_and_a_rotation_succeeds_them() {
    for by in [
        TimeDelta::seconds(45),
        TimeDelta::hours(2),
        TimeDelta::days(3 * 365),
    ] {
        let store = store_of_a_clock_ahead(by).await;
        let keyring = load(&store, &MASTER).await.unwrap();
        for algorithm in SigningAlgorithm::ALL {
            let kid = signed_by(&keyring, algorithm).await;
            assert_eq!(kid, key(KeyAlgorithm::Signing(algorithm)).await.kid);
        }
        let sealed = TokenSealer::new(&keyring).seal(&code()).unwrap();

        let made = rotate(&keyring, seconds(0)).await;
        keyring.refresh(seconds(1)).await.unwrap();
        let old = signed_by(&keyring, SigningAlgorithm::EdDsa).await;
        assert_eq!(old, key(EDDSA).await.kid, "the new one is published first");
        for now in [
            seconds(600),
            NOON + by + TimeDelta::minutes(20),
            NOON + by + TimeDelta::days(365),
        ] {
            keyring.refresh(now).await.unwrap();
            let kid = signed_by(&keyring, SigningAlgorithm::EdDsa).await;
            assert_eq!(kid, of(&made, EDDSA).remove(0).kid, "{now}");
        }
        keyring.refresh(seconds(600)).await.unwrap();
        let opened = TokenSealer::new(&keyring).open(sealed.expose());
        assert_eq!(opened, Some(code()), "what the old one sealed is honoured");
    }
}

#[tokio::test]
async fn a_key_that_waits_gets_no_successor_and_then_nothing_is_made() {
    let store = store().await;
    let keyring = load(&store, &MASTER).await.unwrap();
    let lead = Lead::default();
    let waiting = keyring
        .rotate(&[ES256], lead, || NOON)
        .await
        .unwrap()
        .remove(0);
    let error = keyring
        .rotate(&QUICK, lead, || seconds(599))
        .await
        .unwrap_err();
    let expected = NotRotated::Waits {
        algorithm: ES256,
        kid: waiting.kid,
        active_from: seconds(600),
    };
    assert_eq!(error, SigningError::NotRotated(expected));
    assert_eq!(store.keys().await.unwrap().len(), 5);
    assert_eq!(rotate(&keyring, seconds(600)).await.len(), 3);
}

#[tokio::test]
async fn of_two_rotations_at_once_one_wins() {
    let store = store().await;
    let keyring = load(&store, &MASTER).await.unwrap();
    let rotation = || keyring.rotate(&[EDDSA], Lead::default(), || NOON);
    let (one, other) = tokio::join!(rotation(), rotation());
    let lost = one.as_ref().err().or(other.as_ref().err()).unwrap();
    assert!(matches!(
        lost,
        SigningError::NotRotated(NotRotated::Waits { .. })
    ));
    assert!(one.is_ok() || other.is_ok());
    assert_eq!(store.keys().await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_rotation_that_lost_a_race_in_the_store_names_the_winner_s_key() {
    let store = store().await;
    let mut raced = MockKeys::new();
    let inner = Arc::clone(&store);
    raced
        .expect_keys()
        .returning(move || block_on(inner.keys()));
    let inner = Arc::clone(&store);
    raced
        .expect_add_key()
        .times(1)
        .returning(move |key, after| {
            let rivals = StoredKey {
                kid: "rival".to_owned(),
                ..key.clone()
            };
            assert!(block_on(inner.add_key(&rivals, after)).unwrap());
            block_on(inner.add_key(key, after))
        });
    let lifetimes = alias_domain::Lifetimes::default();
    let keyring = Keyring::load_or_create(
        Arc::new(raced),
        &MASTER,
        lifetimes,
        RsaSize::default(),
        NOON,
    );
    let keyring = keyring.await.unwrap();
    let error = keyring
        .rotate(&[EDDSA], Lead::default(), || NOON)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("rival"), "{error}");
}

// What goes wrong while the service runs.

#[tokio::test]
async fn a_key_that_does_not_open_is_named_and_all_stays_as_it_was() {
    let store = store().await;
    let keyring = load(&store, &MASTER).await.unwrap();
    let before = keyring.key_set();
    let planted = StoredKey {
        kid: "planted".to_owned(),
        created_at: seconds(1),
        active_from: seconds(1),
        ..key(EDDSA).await
    };
    assert!(
        store
            .add_key(&planted, &key(EDDSA).await.kid)
            .await
            .unwrap()
    );
    let error = keyring.refresh(seconds(2)).await.unwrap_err();
    let kid = "planted".to_owned();
    assert_eq!(error, SigningError::WrongMaster { kid });
    assert_eq!(keyring.key_set(), before);
    signed_by(&keyring, SigningAlgorithm::EdDsa).await;

    assert!(store.remove_key("planted").await.unwrap());
    keyring.refresh(seconds(2)).await.unwrap();
}

#[tokio::test]
async fn a_store_without_keys_leaves_those_in_use() {
    let store = store().await;
    let keyring = load(&store, &MASTER).await.unwrap();
    for key in keys().await {
        assert!(store.remove_key(&key.kid).await.unwrap());
    }
    let error = keyring.refresh(seconds(1)).await.unwrap_err();
    assert!(matches!(error, SigningError::NoKey(_)));
    signed_by(&keyring, SigningAlgorithm::Rs256).await;
}

#[tokio::test]
async fn a_compromised_key_that_an_operator_removes_is_honoured_no_more() {
    let store = store().await;
    let keyring = load(&store, &MASTER).await.unwrap();
    let sealed = TokenSealer::new(&keyring).seal(&code()).unwrap();
    rotate(&keyring, seconds(0)).await;
    keyring.refresh(seconds(600)).await.unwrap();
    assert!(store.remove_key("1").await.unwrap());
    keyring.refresh(seconds(601)).await.unwrap();
    assert_eq!(TokenSealer::new(&keyring).open(sealed.expose()), None);
}

#[tokio::test]
async fn a_keyring_prints_nothing_but_the_ids_of_its_keys() {
    let kids: Vec<String> = keys().await.into_iter().map(|it| it.kid).collect();
    let expected = format!("Keyring {{ keys: {kids:?}, .. }}");
    assert_eq!(format!("{:?}", keyring().await), expected);
}

#[tokio::test]
async fn what_the_store_keeps_of_a_key_is_sealed() {
    for key in keys().await {
        let header = key.sealed.split('.').next().unwrap();
        let typ = if key.algorithm == "A256GCM" {
            "sealing-key"
        } else {
            "signing-key"
        };
        assert_eq!(
            String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap(),
            format!(
                r#"{{"typ":"{typ}","alg":"dir","enc":"A256GCM","kid":"{}"}}"#,
                key.kid
            )
        );
    }
    // A private key holds its public half; in base64url it shows in one of three alignments.
    let key_set = keyring().await.key_set();
    for published in key_set["keys"].as_array().unwrap() {
        let public = published.get("n").or(published.get("x")).unwrap();
        let public = URL_SAFE_NO_PAD.decode(public.as_str().unwrap()).unwrap();
        for skip in 0..3 {
            let piece = URL_SAFE_NO_PAD.encode(&public[skip..skip + 27]);
            assert!(!keys().await.iter().any(|it| it.sealed.contains(&piece)));
        }
    }
}

//! Keys turn over in service, and no client sees a failed signature.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use alias_domain::{
    SigningAlgorithm,
    ports::{Store, StoredKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{TimeDelta, Utc};
use josekit::{
    jwk::Jwk,
    jws::{ES256, EdDSA, JwsVerifier, RS256},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{sync::Notify, task};

use crate::{
    page::{Page, param, part, text},
    running::Running,
    store::TestStore,
};

const ROTATIONS: usize = 10;

/// How many at a time sign in at each client.
const USERS_AT_ONCE: usize = 2;

const QUERY: &str = "response_type=code&scope=openid+offline_access\
    &redirect_uri=https%3A%2F%2Fexample.com%2Falias-callback";

/// The published keys, and for how long they may be kept.
pub(crate) async fn key_set(page: &Page) -> (Value, Duration) {
    let address = format!("{}/.well-known/jwks.json", page.alias.issuer);
    let answer = page.http.get(address).send().await.expect("an answer");
    let cache = answer.headers()["cache-control"].to_str().expect("ASCII");
    let seconds = cache.rsplit_once("max-age=").expect("a time to keep it").1;
    let max_age = Duration::from_secs(seconds.parse().expect("seconds"));
    (answer.json().await.expect("JSON"), max_age)
}

/// Whether the key of a set that an ID token names signed it.
pub(crate) fn is_signed_by(id_token: &str, keys: &Value) -> bool {
    let header: Value = serde_json::from_str(&part(id_token, 0)).expect("JSON");
    let keys = keys["keys"].as_array().expect("keys");
    let Some(key) = keys.iter().find(|it| it["kid"] == header["kid"]) else {
        return false;
    };
    assert_eq!(key["alg"], header["alg"]);
    let key = Jwk::from_map(key.as_object().cloned().expect("an object")).expect("a key");
    let verifier: Box<dyn JwsVerifier> = match text(&header, "alg").as_str() {
        "RS256" => Box::new(RS256.verifier_from_jwk(&key).expect("an RSA key")),
        "ES256" => Box::new(ES256.verifier_from_jwk(&key).expect("a key on P-256")),
        _ => Box::new(EdDSA.verifier_from_jwk(&key).expect("an Ed25519 key")),
    };
    let (signed, signature) = id_token.rsplit_once('.').expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    verifier.verify(signed.as_bytes(), &signature).is_ok()
}

/// A client that keeps a key set for exactly as long as it may, and never fetches it for a `kid`
/// that it does not know.
struct RelyingParty {
    page: Page,
    algorithm: SigningAlgorithm,
    kept: RefCell<Option<(Value, Instant)>>,
    verified: Cell<usize>,
    /// The keys by which it verified.
    kids: RefCell<BTreeSet<String>>,
    verified_by_another: Notify,
}

impl RelyingParty {
    fn register(page: &Page, algorithm: SigningAlgorithm) -> Rc<Self> {
        Rc::new(Self {
            page: page.with_client(&["--id-token-alg", algorithm.name()]),
            algorithm,
            kept: RefCell::default(),
            verified: Cell::default(),
            kids: RefCell::default(),
            verified_by_another: Notify::new(),
        })
    }

    /// Fred signs in: the tokens, the ID token verified.
    async fn sign_in(&self) -> Value {
        let (status, tokens) = self.page.exchange(&self.page.code(QUERY).await).await;
        assert_eq!(status, 200, "{tokens}");
        let id_token = text(&tokens, "id_token");
        let keys = self.keys().await;
        assert!(
            is_signed_by(&id_token, &keys),
            "{}: {} by none of {keys}",
            self.algorithm,
            part(&id_token, 0)
        );
        let header: Value = serde_json::from_str(&part(&id_token, 0)).expect("JSON");
        assert_eq!(header["alg"], self.algorithm.name());
        self.verified.set(self.verified.get() + 1);
        if self.kids.borrow_mut().insert(text(&header, "kid")) {
            self.verified_by_another.notify_waiters();
        }
        tokens
    }

    async fn keys(&self) -> Value {
        let fresh = |kept: &&(Value, Instant)| Instant::now() < kept.1;
        let kept = self.kept.borrow().as_ref().filter(fresh).cloned();
        if let Some((keys, _)) = kept {
            return keys;
        }
        let (keys, max_age) = key_set(&self.page).await;
        self.kept
            .replace(Some((keys.clone(), Instant::now() + max_age)));
        keys
    }

    /// Returns once an ID token was verified by this key.
    async fn has_verified_by(&self, kid: &str) {
        loop {
            let another = self.verified_by_another.notified();
            if self.kids.borrow().contains(kid) {
                return;
            }
            another.await;
        }
    }

    /// Refreshes once: the next refresh token.
    async fn refresh(&self, refresh_token: &str) -> String {
        let (status, tokens) = self.page.refresh(refresh_token).await;
        assert_eq!(status, 200, "{tokens}");
        text(&tokens, "refresh_token")
    }
}

/// Makes new keys, and returns what the command said once all of them are active.
async fn rotate(page: &Page) -> Value {
    let alias = page.alias.clone();
    let rotated = task::spawn_blocking(move || {
        let made = alias.cli(&["key", "rotate"], "");
        let mut waiting: BTreeSet<String> = kids(&made, |_| true);
        while !waiting.is_empty() {
            let active = kids(&alias.cli(&["key", "list"], ""), |it| {
                it["stage"] == "active"
            });
            waiting.retain(|it| !active.contains(it));
        }
        made
    });
    rotated.await.expect("new keys")
}

fn kids(keys: &Value, which: impl Fn(&&Value) -> bool) -> BTreeSet<String> {
    let keys = keys.as_array().expect("an array").iter();
    keys.filter(which).map(|it| text(it, "kid")).collect()
}

#[actix_web::test]
async fn a_caching_client_sees_no_failed_signature_through_ten_rotations_under_load() {
    let folder = TempDir::new().expect("a folder");
    let variables = [("ALIAS_KEYS__LEAD", "2s"), ("RUST_LOG", "info")];
    let page = Page::open_at(Running::serve_in(folder, TestStore::chosen(), &variables)).await;
    let parties = SigningAlgorithm::ALL.map(|it| RelyingParty::register(&page, it));
    let mut tokens_before = Vec::new();
    for party in &parties {
        tokens_before.push(party.sign_in().await);
    }

    let over = Rc::new(Cell::new(false));
    let mut load = Vec::new();
    for party in parties.iter().cycle().take(USERS_AT_ONCE * parties.len()) {
        let (party, over) = (Rc::clone(party), Rc::clone(&over));
        load.push(task::spawn_local(async move {
            let mut refresh_token = text(&party.sign_in().await, "refresh_token");
            while !over.get() {
                party.sign_in().await;
                refresh_token = party.refresh(&refresh_token).await;
            }
        }));
    }
    let turn_over = async {
        for _ in 0..ROTATIONS {
            let made = rotate(&page).await;
            for party in &parties {
                let of_its_own = |it: &&Value| it["algorithm"] == party.algorithm.name();
                for kid in kids(&made, of_its_own) {
                    party.has_verified_by(&kid).await;
                }
            }
        }
        over.set(true);
        Ok(())
    };
    // A client that fails ends all of it at once.
    let working = futures_util::future::try_join_all(load);
    tokio::try_join!(working, turn_over).expect("no client fails");

    for (party, before) in parties.iter().zip(tokens_before) {
        assert_eq!(party.kids.borrow().len(), 1 + ROTATIONS);
        assert!(party.verified.get() > 10 * ROTATIONS, "there is load");
        // What was sealed before the first rotation.
        let user_token = text(&before, "access_token");
        let form = [("token", user_token.as_str())];
        let (_, worth) = party.page.post("/api/oauth2/introspect", &form).await;
        assert_eq!(worth["active"], true);
        let next = party.refresh(&text(&before, "refresh_token")).await;
        party.refresh(&next).await;
    }
}

#[actix_web::test]
async fn a_new_key_is_published_within_a_second() {
    let page = Page::open().await;
    let made = page
        .alias
        .cli(&["key", "rotate", "--algorithm", "ES256"], "");
    let rotated = Instant::now();
    let kid = &made[0]["kid"];
    loop {
        let (keys, max_age) = key_set(&page).await;
        assert_eq!(max_age, Duration::from_secs(300));
        let published = keys["keys"].as_array().expect("keys");
        if published.iter().any(|it| it["kid"] == *kid) {
            let algorithms: Vec<_> = published.iter().map(|it| text(it, "alg")).collect();
            assert_eq!(algorithms, ["RS256", "ES256", "ES256", "EdDSA"]);
            return;
        }
        assert!(rotated.elapsed() < Duration::from_secs(1));
    }
}

/// Makes it so that a key of the algorithm was succeeded that long ago.
async fn was_succeeded(store: &dyn Store, algorithm: &str, ago: TimeDelta) {
    let keys = store.keys().await.expect("keys");
    let of_it = keys.iter().filter(|it| it.algorithm.starts_with(algorithm));
    let of_it: Vec<&StoredKey> = of_it.collect();
    let [old, new] = of_it[..] else {
        panic!("two keys: {of_it:?}");
    };
    let (since, day) = (Utc::now() - ago, TimeDelta::days(1));
    let made = [
        (old, since - day * 2, since - day * 2),
        (new, since - day, since),
    ];
    for (key, _, _) in made {
        assert_eq!(store.remove_key(&key.kid).await, Ok(true));
    }
    for (key, created_at, active_from) in made {
        let key = StoredKey {
            created_at,
            active_from,
            ..key.clone()
        };
        let is_first = store.add_first_key(&key).await.expect("an answer");
        assert!(is_first || store.add_key(&key, &old.kid).await == Ok(true));
    }
}

/// Where a request leads with an ID token as its hint: at authorize, where nobody may be asked, and at
/// the sign-out of a browser at which nobody is signed in.
async fn led_by(page: &Page, hint: &str) -> [String; 2] {
    let query = format!("{QUERY}&prompt=none&id_token_hint={hint}");
    let at_authorize = page.authorize(&query).await;
    let address = format!(
        "{}/oauth2/logout?id_token_hint={hint}&post_logout_redirect_uri={BYE}",
        page.alias.issuer
    );
    let answer = page.http.get(address).send().await.expect("an answer");
    let left = answer.headers().get("location").expect("a redirect");
    [at_authorize, left.to_str().expect("ASCII").to_owned()]
}

const BYE: &str = "https://example.com/bye";

/// OIDC Core 3.1.2.1 and RP-Initiated Logout 2: the times of the keys are set, not waited for.
#[actix_web::test]
async fn an_id_token_is_a_hint_after_its_key_is_retired_for_as_long_as_sessions_live() {
    let first = Page::open().await;
    let mut page = first.with_client(&["--post-logout-redirect-uri", BYE]);
    drop(first);
    let (status, tokens) = page.exchange(&page.code(QUERY).await).await;
    assert_eq!(status, 200, "{tokens}");
    let hint = text(&tokens, "id_token");
    let rotate = ["key", "rotate", "--algorithm", "RS256"];
    page.alias.cli(&rotate, "");
    for (ago, stage) in [
        (TimeDelta::days(13), Some("remembered")),
        (TimeDelta::days(15), None),
    ] {
        let alias = Arc::get_mut(&mut page.alias).expect("no other page");
        alias.stop();
        let store = alias.open_store().await;
        was_succeeded(store.as_ref(), "RS256", ago).await;
        drop(store);
        alias.start_again();
        let (keys, _) = key_set(&page).await;
        assert!(!is_signed_by(&hint, &keys), "it is not published: {keys}");
        let led = led_by(&page, &hint).await;
        let listed = page.alias.cli(&["key", "list"], "");
        match stage {
            Some(stage) => {
                assert_eq!(listed[0]["stage"], stage);
                assert!(param(&led[0], "code").is_some(), "{led:?}");
                assert_eq!(led[1], BYE);
            }
            None => {
                let error = param(&led[0], "error");
                assert_eq!(error.as_deref(), Some("invalid_request"), "{led:?}");
                assert!(!led[1].starts_with(BYE), "{led:?}");
            }
        }
    }
}

//! Sign-ins while a stored password hash is of an earlier day, and is replaced by one of today.

use std::sync::Arc;

use alias_domain::{
    User,
    ports::{PasswordHash, Store},
};
use serde_json::json;
use tokio::{sync::Barrier, task::JoinSet};

use crate::sandbox::{Sandbox, ready_to_serve};

const PASSWORD: &str = "correct horse battery";

/// Of the same password, as no hash is made today.
const EARLIER: &str = "$argon2id$v=19$m=64,t=1,p=1$mXD4DnmBXEChhmmFRGEatw\
                       $9XG70khx/1h0qjBZ9F4ntRSms+//8Z3s2ZQCNx2QPM4";

const RIVALS: usize = 4;
const ROUNDS: usize = 5;

async fn fred(sandbox: &Sandbox) -> (Arc<dyn Store>, User) {
    let create = [
        "user",
        "create",
        "--email",
        "fred@example.com",
        "--password-stdin",
    ];
    sandbox
        .run_with_input(&create, PASSWORD.as_bytes())
        .succeeded();
    let store = sandbox.open_store().await;
    let users = store.users().await.expect("an answer");
    (store, users.into_iter().next().expect("Fred"))
}

/// All begin together; the status of each one's answer.
async fn sign_in_together(listening: &str) -> Vec<u16> {
    let barrier = Arc::new(Barrier::new(RIVALS));
    let rivals = (0..RIVALS).map(|_| {
        let (barrier, address) = (
            Arc::clone(&barrier),
            format!("http://{listening}/api/session"),
        );
        async move {
            let credentials = json!({ "email": "fred@example.com", "password": PASSWORD });
            let asked = reqwest::Client::new().post(address).json(&credentials);
            barrier.wait().await;
            asked.send().await.expect("an answer").status().as_u16()
        }
    });
    rivals.collect::<JoinSet<_>>().join_all().await
}

#[tokio::test]
async fn whoever_signs_in_while_another_sign_in_replaces_the_hash_is_signed_in_too() {
    let sandbox = ready_to_serve();
    let (store, fred) = fred(&sandbox).await;
    let (_service, announced) = sandbox.start(&["serve"]);
    let listening = announced["listening"].as_str().expect("an address");
    for _ in 0..ROUNDS {
        let earlier = PasswordHash::new(EARLIER);
        let set = store.reset_password(fred.id, &earlier).await;
        assert_eq!(set, Ok(true));
        assert_eq!(sign_in_together(listening).await, [200; RIVALS]);
        let stored = store.user_by_email(&fred.email).await.expect("an answer");
        let (_, hash) = stored.expect("Fred");
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,"));
    }
}

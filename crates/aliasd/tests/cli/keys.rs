//! The commands about keys.

use std::time::{Duration, Instant};

use alias_domain::ports::StoredKey;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    clients::{URI, text},
    sandbox::{MASTER_KEY, Sandbox, ready_to_serve},
};

/// The first keys are there, and a new one waits for a day.
fn with_keys() -> Sandbox {
    let mut sandbox = Sandbox::migrated();
    sandbox
        .set("ALIAS_KEYS__MASTER", MASTER_KEY)
        .set("ALIAS_KEYS__LEAD", "1d");
    sandbox
}

/// The keys of an algorithm, by their stages.
fn stages(keys: &Value, algorithm: &str) -> Vec<String> {
    let keys = keys.as_array().expect("an array").iter();
    let of_it = keys.filter(|it| it["algorithm"] == algorithm);
    of_it.map(|it| text(it, "stage").to_owned()).collect()
}

#[test]
fn before_the_first_start_there_are_no_keys() {
    let sandbox = Sandbox::migrated();
    assert_eq!(sandbox.json(&["key", "list"]), json!([]));
    let said = sandbox.run(&["key", "list"]).succeeded().out;
    assert_eq!(said, "no keys: the service makes them\n");
}

#[test]
fn a_rotation_makes_a_key_of_each_algorithm_to_be_active_after_the_lead() {
    let sandbox = with_keys();
    let made = sandbox.json(&["key", "rotate"]);
    let described: Vec<Value> = made
        .as_array()
        .expect("an array")
        .iter()
        .map(|it| json!([it["algorithm"], it["use"], it["stage"], it["retires_at"]]))
        .collect();
    assert_eq!(
        described,
        [
            json!(["RS256", "sig", "published", null]),
            json!(["ES256", "sig", "published", null]),
            json!(["EdDSA", "sig", "published", null]),
            json!(["A256GCM", "enc", "published", null]),
        ]
    );
    let day = |it: &Value, name: &str| text(it, name).split_once('T').map(|it| it.0.to_owned());
    for key in made.as_array().expect("an array") {
        assert_ne!(
            day(key, "created_at"),
            day(key, "active_from"),
            "a day later"
        );
    }
    let listed = sandbox.json(&["key", "list"]);
    for algorithm in ["RS256", "ES256", "EdDSA", "A256GCM"] {
        assert_eq!(stages(&listed, algorithm), ["active", "published"]);
    }
}

#[test]
fn a_rotation_may_be_of_some_algorithms() {
    let sandbox = with_keys();
    let made = sandbox.json(&[
        "key",
        "rotate",
        "--algorithm",
        "A256GCM",
        "--algorithm",
        "ES256",
        "--algorithm",
        "ES256",
    ]);
    assert_eq!(made.as_array().map(Vec::len), Some(2));
    let listed = sandbox.json(&["key", "list"]);
    assert_eq!(stages(&listed, "A256GCM"), ["active", "published"]);
    assert_eq!(stages(&listed, "ES256"), ["active", "published"]);
    assert_eq!(stages(&listed, "RS256"), ["active"]);
}

#[test]
fn while_a_key_waits_a_rotation_is_refused_and_makes_nothing() {
    let sandbox = with_keys();
    let made = sandbox.json(&["key", "rotate", "--algorithm", "EdDSA"]);
    let listed = sandbox.json(&["key", "list"]);
    let refused = sandbox.run(&["key", "rotate"]).refused();
    let (kid, until) = (text(&made[0], "kid"), text(&made[0], "active_from"));
    let said = format!("the EdDSA key {kid} waits to become active at ");
    assert!(refused.starts_with(&said), "{refused}");
    assert!(refused.contains(until.trim_end_matches('Z')), "{refused}");
    assert_eq!(sandbox.json(&["key", "list"]), listed);
    sandbox
        .run(&["key", "rotate", "--algorithm", "RS256"])
        .succeeded();
}

#[test]
fn a_rotation_needs_the_master_key_that_sealed_the_others() {
    let sandbox = Sandbox::migrated();
    let refused = sandbox.run(&["key", "rotate"]).refused();
    assert!(refused.starts_with("keys.master is not set"), "{refused}");

    let mut sandbox = with_keys();
    sandbox.run(&["key", "rotate"]).succeeded();
    let listed = sandbox.json(&["key", "list"]);
    sandbox.set("ALIAS_KEYS__MASTER", &MASTER_KEY.replace("AAEC", "BBEC"));
    let refused = sandbox.run(&["key", "rotate"]).refused();
    assert!(
        refused.starts_with("keys.master does not open"),
        "{refused}"
    );
    assert_eq!(sandbox.json(&["key", "list"]), listed);
}

#[test]
fn a_key_is_listed_in_a_line_without_what_is_secret_of_it() {
    let sandbox = with_keys();
    let made = sandbox.json(&["key", "rotate", "--algorithm", "RS256"]);
    let listed = sandbox.run(&["key", "list"]).succeeded().out;
    let kid = text(&made[0], "kid");
    let line = listed
        .lines()
        .find(|it| it.contains(kid))
        .expect("its line");
    assert!(line.contains("RS256    sig  published  created "), "{line}");
    assert!(!listed.contains("eyJ"), "{listed}");
}

#[test]
fn a_key_can_be_removed_at_once() {
    let sandbox = with_keys();
    let made = sandbox.json(&["key", "rotate", "--algorithm", "EdDSA"]);
    let kid = text(&made[0], "kid");
    let removed = sandbox.run(&["key", "remove", kid]).succeeded().out;
    assert_eq!(
        removed,
        format!("removed key {kid}: what it made is worth nothing\n")
    );
    assert_eq!(stages(&sandbox.json(&["key", "list"]), "EdDSA"), ["active"]);
    let gone = format!("there is no key {kid}");
    assert_eq!(sandbox.run(&["key", "remove", kid]).refused(), gone);
}

#[test]
fn a_key_that_no_other_can_replace_is_not_removed() {
    let sandbox = with_keys();
    sandbox.run(&["key", "rotate"]).succeeded();
    let listed = sandbox.json(&["key", "list"]);
    let refused = sandbox.run(&["key", "remove", "1"]).refused();
    assert!(
        refused.starts_with("no other key can take the place of 1: rotate"),
        "{refused}"
    );
    assert_eq!(sandbox.json(&["key", "list"]), listed);
}

/// Dates the keys as a clock that is ahead would have.
async fn date_ahead(sandbox: &Sandbox, by: TimeDelta) {
    let store = sandbox.open_store().await;
    for key in store.keys().await.expect("an answer") {
        assert_eq!(store.remove_key(&key.kid).await, Ok(true));
        let ahead = StoredKey {
            created_at: key.created_at + by,
            active_from: key.active_from + by,
            ..key
        };
        assert_eq!(store.add_first_key(&ahead).await, Ok(true));
    }
}

#[tokio::test]
async fn a_service_whose_first_start_was_by_a_clock_ahead_serves_and_a_rotation_mends_it() {
    for by in [
        TimeDelta::seconds(45),
        TimeDelta::hours(2),
        TimeDelta::days(3 * 365),
    ] {
        let mut sandbox = ready_to_serve();
        sandbox
            .run(&["key", "rotate", "--algorithm", "EdDSA"])
            .succeeded();
        let waiting = sandbox.json(&["key", "list"]);
        let waiting = waiting.as_array().expect("an array").iter();
        for key in waiting.filter(|it| it["stage"] == "published") {
            sandbox
                .run(&["key", "remove", text(key, "kid")])
                .succeeded();
        }
        date_ahead(&sandbox, by).await;
        let (mut running, announced) = sandbox.start(&["serve"]);
        let line = running.logged("by this machine's clock no key is active yet");
        assert!(line.contains("WARN"), "{line}");
        assert!(line.contains("aliasd key rotate"), "{line}");
        let address = text(&announced, "listening");
        let ready = reqwest::get(format!("http://{address}/readyz")).await;
        assert_eq!(ready.expect("an answer").status(), 200);
        let listed = sandbox.json(&["key", "list"]);
        for algorithm in ["RS256", "ES256", "EdDSA", "A256GCM"] {
            assert_eq!(stages(&listed, algorithm), ["active"], "{by}");
        }

        sandbox.set("ALIAS_KEYS__LEAD", "2s");
        let made = sandbox.json(&["key", "rotate"]);
        assert_eq!(stages(&made, "RS256"), ["published"]);
        let deadline = Instant::now() + Duration::from_secs(60);
        while stages(&sandbox.json(&["key", "list"]), "A256GCM") != ["retiring", "active"] {
            assert!(
                Instant::now() < deadline,
                "the new key never becomes active"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        running.stop().succeeded();
    }
}

#[tokio::test]
async fn a_service_names_a_key_that_does_not_open_and_says_when_all_is_well_again() {
    let mut sandbox = Sandbox::migrated();
    sandbox
        .set("ALIAS_KEYS__MASTER", MASTER_KEY)
        .set("ALIAS_HTTP__LISTEN", "127.0.0.1:0");
    let (mut running, _) = sandbox.start(&["serve"]);
    let store = sandbox.open_store().await;
    let keys = store.keys().await.expect("an answer");
    let sound = keys.iter().find(|it| it.algorithm == "EdDSA");
    let sound = sound.expect("a key");
    let planted = StoredKey {
        kid: "planted".to_owned(),
        created_at: sound.created_at + TimeDelta::milliseconds(1),
        ..sound.clone()
    };
    let added = store.add_key(&planted, &sound.kid).await;
    assert_eq!(added, Ok(true));
    let line = running.logged("refreshing the keys failed");
    assert!(line.contains("ERROR"), "{line}");
    assert!(
        line.contains("keys.master does not open the stored key planted"),
        "{line}"
    );
    sandbox.run(&["key", "remove", "planted"]).succeeded();
    running.logged("the keys are up to date again");
    running.stop().succeeded();
}

#[test]
fn a_client_is_registered_for_an_algorithm_and_may_change_it() {
    let sandbox = Sandbox::migrated();
    let create = ["client", "create", "--name", "F", "--redirect-uri", URI];
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let client = sandbox.json(&[&create[..], &["--id-token-alg", algorithm]].concat());
        assert_eq!(client["id_token_alg"], algorithm);
    }
    let client = sandbox.json(&create);
    assert_eq!(client["id_token_alg"], "RS256");
    let id = text(&client, "client_id");
    let updated = sandbox.json(&["client", "update", id, "--id-token-alg", "EdDSA"]);
    assert_eq!(updated["id_token_alg"], "EdDSA");
    let renamed = sandbox.json(&["client", "update", id, "--name", "G"]);
    assert_eq!(renamed["id_token_alg"], "EdDSA");
    let shown = sandbox.run(&["client", "show", id]).succeeded().out;
    assert!(shown.contains("ID tokens       EdDSA\n"), "{shown}");
    for unknown in ["HS256", "none", "rs256"] {
        let refused = sandbox.run(&[&create[..], &["--id-token-alg", unknown]].concat());
        assert_eq!(refused.status, Some(2));
    }
}

#[test]
fn new_keys_that_could_not_be_printed_are_said_to_be_made() {
    let sandbox = with_keys();
    let refused = sandbox.on_a_full_disk(&["key", "rotate"], b"");
    assert!(refused.contains("all the same, new keys were made"));
    assert_ne!(sandbox.json(&["key", "list"]), json!([]));
}

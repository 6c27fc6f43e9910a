//! What the command line changes holds at every running node: clients and keys, which a node
//! remembers, within a second, and all else at once. All the while both nodes are asked, so that
//! they remember what was.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    cluster::{Cluster, EMAIL, EVERYTHING, PASSWORD, REDIRECT_URI, create_user},
    peer::{Party, Peer, text},
};

/// The promise, from the end of the command.
const PROMPTLY: Duration = Duration::from_secs(1);

/// Runs a command while both nodes are asked, and gives what it prints and when it ended.
async fn run(
    cluster: &Cluster,
    arguments: &[&str],
    ask: impl AsyncFn(&Peer) -> bool,
) -> (Value, Instant) {
    let peers = cluster.peers();
    for peer in &peers {
        assert!(!ask(peer).await, "it holds already");
    }
    let mut command = cluster.sandbox.command(&[arguments, &["--json"]].concat());
    let running = spawn_blocking(move || (command.output(), Instant::now()));
    while !running.is_finished() {
        for peer in &peers {
            ask(peer).await;
        }
    }
    let (output, ended) = running.await.expect("no panic");
    let output = output.expect("aliasd runs");
    assert!(output.status.success(), "{output:?}");
    let printed = serde_json::from_slice(&output.stdout);
    (printed.expect("one JSON value"), ended)
}

/// Waits until something holds at both nodes, which it must within a second of the command's end.
async fn hold(cluster: &Cluster, ended: Instant, holds: impl AsyncFn(&Peer) -> bool) {
    for peer in &cluster.peers() {
        while !holds(peer).await {
            assert!(ended.elapsed() < PROMPTLY, "it does not hold yet");
        }
        assert!(ended.elapsed() < PROMPTLY, "{:?}", ended.elapsed());
    }
}

/// Where the client sends users.
async fn serves(peer: &Peer, redirect_uri: &str) -> bool {
    let answer = peer.authorize_towards("scope=openid", redirect_uri).await;
    assert!([303, 400].contains(&answer.status), "{answer:?}");
    answer.status == 303
}

#[tokio::test]
async fn a_redirect_uri_serves_or_does_not_within_a_second() {
    let cluster = Cluster::start().await;
    let (id, other) = (&cluster.party.client_id, "https://example.com/other");
    let update = ["client", "update", id, "--redirect-uri", other];
    let moved = async |it: &Peer| serves(it, other).await && !serves(it, REDIRECT_URI).await;
    let (_, ended) = run(&cluster, &update, moved).await;
    hold(&cluster, ended, moved).await;
}

#[tokio::test]
async fn r30_a_channel_withdrawn_counts_nowhere_at_once_and_is_asked_for_in_vain_within_a_second() {
    let cluster = Cluster::start().await;
    let tokens = cluster.peer(0).tokens(EVERYTHING).await;
    let id = &cluster.party.client_id;
    let update = ["client", "update", id, "--remove-channel", "events"];
    let refused = async |it: &Peer| {
        it.authorize(EVERYTHING).await.error().as_deref() == Some("invalid_channel")
    };
    let (_, ended) = run(&cluster, &update, refused).await;
    for peer in &cluster.peers() {
        let worth = peer.introspect(&tokens.access).await.json();
        assert_eq!(worth["channels"], "tips");
        let refreshed = peer.refresh(&tokens.refresh).await.json();
        assert_eq!(refreshed["channels"], "tips");
    }
    hold(&cluster, ended, refused).await;
}

#[tokio::test]
async fn a_new_secret_serves_and_the_old_one_does_not_within_a_second() {
    let cluster = Cluster::start().await;
    let rotate = ["client", "rotate-secret", &cluster.party.client_id];
    let old_is_refused = async |it: &Peer| it.introspect("x").await.is_invalid_client();
    let (printed, ended) = run(&cluster, &rotate, old_is_refused).await;
    let party = Party {
        client_secret: text(&printed, "client_secret"),
        ..(*cluster.party).clone()
    };
    let changed = async |it: &Peer| {
        let renewed = it.of(party.clone());
        old_is_refused(it).await && renewed.introspect("x").await.status == 200
    };
    hold(&cluster, ended, changed).await;
}

#[tokio::test]
async fn an_old_secret_that_is_kept_serves_beside_the_new_one() {
    let cluster = Cluster::start().await;
    let id = &cluster.party.client_id;
    let rotate = ["client", "rotate-secret", id, "--keep-old", "1h"];
    let old_is_refused = async |it: &Peer| it.introspect("x").await.is_invalid_client();
    let (printed, ended) = run(&cluster, &rotate, old_is_refused).await;
    let party = Party {
        client_secret: text(&printed, "client_secret"),
        ..(*cluster.party).clone()
    };
    let serves = async |it: &Peer| {
        assert!(!old_is_refused(it).await);
        it.of(party.clone()).introspect("x").await.status == 200
    };
    hold(&cluster, ended, serves).await;
}

#[tokio::test]
async fn r30_a_deleted_clients_tokens_end_at_once_and_it_is_unknown_within_a_second() {
    let cluster = Cluster::start().await;
    let tokens = cluster.peer(0).tokens(EVERYTHING).await;
    let id = &cluster.party.client_id;
    let unknown = async |it: &Peer| {
        it.introspect("x").await.is_invalid_client() && !serves(it, REDIRECT_URI).await
    };
    let (_, ended) = run(&cluster, &["client", "delete", id], unknown).await;
    for peer in &cluster.peers() {
        assert_eq!(peer.userinfo(&tokens.access).await.status, 401);
        assert_ne!(peer.refresh(&tokens.refresh).await.status, 200);
        let grants = peer.as_user(Method::GET, "/api/grants").await.json();
        assert_eq!(grants, json!({"grants": []}));
        // A node that still knows the client issues nothing for it.
        let answer = peer.authorize(EVERYTHING).await;
        assert_eq!(answer.code(), None, "{answer:?}");
    }
    hold(&cluster, ended, unknown).await;
}

#[tokio::test]
async fn a_new_client_and_a_new_user_are_known_at_once() {
    let cluster = Cluster::start().await;
    let create = ["client", "create", "--name", "New", "--redirect-uri"];
    let client = cluster.json(&[&create, [REDIRECT_URI].as_slice()].concat());
    create_user(&cluster.sandbox, "new@example.com");
    for peer in &cluster.peers() {
        let party = peer.signed_in("new@example.com", PASSWORD).await;
        let party = Party {
            client_id: text(&client, "client_id"),
            client_secret: text(&client, "client_secret"),
            ..party
        };
        let peer = peer.of(party);
        let code = peer.approved("scope=openid&prompt=consent").await;
        assert_eq!(peer.exchange(&code).await.status, 200);
    }
}

#[tokio::test]
async fn a_new_signing_key_is_published_within_a_second() {
    let cluster = Cluster::start().await;
    let keys = async |it: &Peer| {
        let published = it.get("/.well-known/jwks.json").await.json();
        published["keys"].as_array().map_or(0, Vec::len)
    };
    let before = keys(&cluster.peer(0)).await;
    let published = async |it: &Peer| keys(it).await > before;
    let (_, ended) = run(&cluster, &["key", "rotate"], published).await;
    hold(&cluster, ended, published).await;
}

/// Whether Fred's session lives at a node.
async fn knows_fred(peer: &Peer) -> bool {
    peer.as_user(Method::GET, "/api/grants").await.status == 200
}

#[tokio::test]
async fn r30_a_locked_users_session_and_tokens_are_worth_nothing_at_once() {
    let cluster = Cluster::start().await;
    let tokens = cluster.peer(0).tokens(EVERYTHING).await;
    let code = cluster.peer(0).code(EVERYTHING).await;
    let ended = async |it: &Peer| !knows_fred(it).await;
    run(&cluster, &["user", "lock", EMAIL], ended).await;
    for peer in &cluster.peers() {
        assert!(!knows_fred(peer).await);
        assert!(peer.finds_dead(&tokens).await);
        assert!(peer.exchange(&code).await.is_invalid_grant());
        assert_eq!(peer.begins_session(EMAIL, PASSWORD).await.status, 401);
    }
    // Unlocking restores authorizations, and no session.
    cluster.json(&["user", "unlock", EMAIL]);
    let [first, second] = &cluster.peers();
    assert!(!knows_fred(first).await && !knows_fred(second).await);
    assert_eq!(first.userinfo(&tokens.access).await.status, 200);
    assert_eq!(second.exchange(&code).await.status, 200);
    assert_eq!(second.begins_session(EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn r30_a_deleted_user_is_gone_at_once() {
    let cluster = Cluster::start().await;
    let tokens = cluster.peer(0).tokens(EVERYTHING).await;
    let code = cluster.peer(0).code(EVERYTHING).await;
    let ended = async |it: &Peer| !knows_fred(it).await;
    run(&cluster, &["user", "delete", EMAIL], ended).await;
    for peer in &cluster.peers() {
        assert!(!knows_fred(peer).await);
        assert!(peer.exchange(&code).await.is_invalid_grant());
        assert!(peer.finds_dead(&tokens).await);
        assert_eq!(peer.begins_session(EMAIL, PASSWORD).await.status, 401);
    }
}

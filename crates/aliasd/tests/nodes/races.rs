//! What becomes of rivals that come to both nodes at once: 50 start together, 200 times over.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::Value;

use crate::{
    cluster::{Cluster, EVERYTHING},
    peer::{Answer, Peer, race},
};

const ROUNDS: usize = 200;

#[tokio::test]
async fn r17_of_rivals_with_one_code_one_gets_tokens_and_their_replay_ends_them() {
    let cluster = Cluster::start().await;
    let (rivals, peers) = (cluster.rivals().await, cluster.peers());
    for round in 0..ROUNDS {
        let code = peers[round % 2].code(EVERYTHING).await;
        let told = race(&rivals, async |_, it| it.exchange(&code).await).await;
        let (granted, refused): (Vec<_>, Vec<_>) = told.iter().partition(|it| it.status == 200);
        assert!(refused.iter().all(|it| it.is_invalid_grant()), "{told:?}");
        let [granted] = granted.as_slice() else {
            panic!("one gets tokens: {told:?}");
        };
        let tokens = granted.tokens();
        for peer in &peers {
            assert!(peer.finds_dead(&tokens).await);
        }
    }
}

#[tokio::test]
async fn r23_rivals_with_one_refresh_token_get_the_same_next_generation() {
    let cluster = Cluster::start().await;
    let (rivals, peers) = (cluster.rivals().await, cluster.peers());
    let first = peers[0].tokens(EVERYTHING).await.refresh;
    // Each rival goes on with what it was given itself, or another by its number.
    let mut newest = vec![first.clone(); rivals.len()];
    for round in 0..ROUNDS {
        let told = race(&rivals, async |number, it| {
            it.refresh(&newest[(number + round) % newest.len()]).await
        });
        let told = told.await;
        newest = told.iter().map(|it| it.tokens().refresh).collect();
        let generation = "SELECT max(refresh_generation) FROM authorizations";
        assert_eq!(cluster.ask(generation), (round + 2).to_string());
    }
    assert!(peers[1].refresh(&first).await.is_invalid_grant());
    assert!(peers[0].refresh(&newest[0]).await.is_invalid_grant());
}

#[tokio::test]
async fn r33_of_rivals_that_answer_one_form_one_answer_counts_and_one_code_serves() {
    let cluster = Cluster::start().await;
    let (rivals, peers) = (cluster.rivals().await, cluster.peers());
    let asked = format!("{EVERYTHING}&prompt=consent");
    for round in 0..ROUNDS {
        let page = peers[round % 2].authorize(&asked).await.location();
        let form = peers[round % 2].form_token(&page).await;
        let told = race(&rivals, async |number, it| {
            let decision = if number % 5 == 4 {
                "deny"
            } else {
                "approve_all"
            };
            it.answers(&page, &form, decision).await
        });
        let told = told.await;
        let (heard, late): (Vec<_>, Vec<_>) = told.iter().partition(|it| it.status == 303);
        assert!(late.iter().all(|it| it.status == 409), "{told:?}");
        let codes: Vec<_> = heard.iter().filter_map(|it| it.code()).collect();
        if codes.is_empty() {
            let denied = |it: &&Answer| it.error().as_deref() == Some("access_denied");
            assert!(!heard.is_empty() && heard.iter().all(denied), "{told:?}");
            continue;
        }
        // Whoever gave the same answer gets the same: a code of the one authorization.
        assert_eq!(codes.len(), heard.len(), "{told:?}");
        let told = race(&rivals, async |number, it| {
            it.exchange(&codes[number % codes.len()]).await.status
        });
        let served = told.await.into_iter().filter(|status| *status == 200);
        assert_eq!(served.count(), 1);
    }
}

/// Asks until an answer is to a question that was asked after the event, and gives the last one.
async fn until_after(event: &AtomicBool, ask: impl AsyncFn() -> Answer) -> Answer {
    loop {
        let after = event.load(Ordering::SeqCst);
        let answer = ask().await;
        if after {
            return answer;
        }
    }
}

fn has_nickname(answer: &Answer) -> bool {
    let told = answer.json();
    let scope = told["scope"].as_str().unwrap_or_default();
    told.get("nickname").is_some_and(Value::is_string)
        || scope.split(' ').any(|it| it == "nickname")
}

#[tokio::test]
async fn r24_nobody_who_asks_after_a_revocation_is_told_of_what_was_revoked() {
    let cluster = Cluster::start().await;
    let (rivals, peers) = (cluster.rivals().await, cluster.peers());
    let mut tokens = peers[0].tokens(EVERYTHING).await;
    for round in 0..ROUNDS {
        for peer in &peers {
            assert!(has_nickname(&peer.userinfo(&tokens.access).await));
        }
        let revoked = AtomicBool::new(false);
        let told = race(&rivals, async |number, it| match number % 3 {
            _ if number == round % rivals.len() => {
                let answer = it.takes_back("/scopes/nickname").await;
                revoked.store(true, Ordering::SeqCst);
                assert_eq!(answer.status, 204, "{answer:?}");
                it.introspect(&tokens.access).await
            }
            0 => until_after(&revoked, async || it.userinfo(&tokens.access).await).await,
            1 => until_after(&revoked, async || it.introspect(&tokens.access).await).await,
            _ => until_after(&revoked, async || it.refresh(&tokens.refresh).await).await,
        });
        for answer in told.await {
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(!has_nickname(&answer), "{answer:?}");
        }
        // R20: granted again, it is there again.
        peers[round % 2].approved(EVERYTHING).await;
        tokens = peers[0].refresh(&tokens.refresh).await.tokens();
    }
}

#[tokio::test]
async fn r25_nothing_that_stems_from_before_a_disconnect_outlives_it() {
    let cluster = Cluster::start().await;
    let (rivals, peers) = (cluster.rivals().await, cluster.peers());
    for round in 0..ROUNDS {
        let tokens = peers[round % 2].tokens(EVERYTHING).await;
        let done = AtomicBool::new(false);
        let told = race(&rivals, async |number, it: &Peer| {
            if number == round % rivals.len() {
                let answer = it.takes_back("").await;
                done.store(true, Ordering::SeqCst);
                assert_eq!(answer.status, 204, "{answer:?}");
                return it.authorize(EVERYTHING).await;
            }
            match number % 2 {
                0 => until_after(&done, async || it.refresh(&tokens.refresh).await).await,
                _ => until_after(&done, async || it.authorize(EVERYTHING).await).await,
            }
        });
        for answer in told.await {
            let is_asked = || answer.location().starts_with("/interaction/");
            assert!(
                answer.status == 303 && is_asked() || answer.is_invalid_grant(),
                "{answer:?}"
            );
        }
        assert_eq!(cluster.ask("SELECT count(*) FROM authorizations"), "0");
        for peer in &peers {
            assert!(peer.finds_dead(&tokens).await);
            let grants = peer.as_user(Method::GET, "/api/grants").await.json();
            assert_eq!(grants["grants"], Value::Array(Vec::new()));
        }
        peers[round % 2].approved(EVERYTHING).await;
    }
}

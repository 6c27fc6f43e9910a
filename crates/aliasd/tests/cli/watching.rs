use std::net::TcpListener;

use reqwest::StatusCode;
use serde_json::json;

use crate::sandbox::{Sandbox, free_address, ready_to_serve};

async fn get(address: &str, path: &str) -> (StatusCode, String) {
    let answer = reqwest::get(format!("http://{address}{path}")).await;
    let answer = answer.expect("an answer");
    (answer.status(), answer.text().await.expect("a body"))
}

/// Ready to serve, with an address for those who watch.
fn watched() -> Sandbox {
    let mut sandbox = ready_to_serve();
    sandbox.set("ALIAS_HTTP__INTERNAL_LISTEN", "127.0.0.1:0");
    sandbox
}

#[tokio::test]
async fn health_and_metrics_have_an_address_of_their_own() {
    let sandbox = watched();
    let (running, announced) = sandbox.start(&["serve"]);
    let address = |name: &str| announced[name].as_str().expect("an address").to_owned();
    let (public, internal) = (address("listening"), address("internal"));
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(get(&internal, path).await.0, 200, "{path}");
        assert_eq!(get(&public, path).await.0, 404, "{path}");
    }
    assert_eq!(get(&internal, "/sign-in").await.0, 404);
    running.stop().succeeded();
}

#[tokio::test]
async fn without_such_an_address_there_are_no_metrics() {
    let sandbox = ready_to_serve();
    let (running, announced) = sandbox.start(&["serve"]);
    let public = announced["listening"].as_str().expect("an address");
    assert_eq!(announced.get("internal"), None);
    assert_eq!(get(public, "/livez").await.0, 200);
    assert_eq!(get(public, "/readyz").await.0, 200);
    assert_eq!(get(public, "/metrics").await.0, 404);
    running.stop().succeeded();
}

#[tokio::test]
async fn metrics_move_with_requests_and_never_name_an_address_as_sent() {
    let sandbox = watched();
    let (running, announced) = sandbox.start(&["serve"]);
    let public = announced["listening"].as_str().expect("an address");
    let internal = announced["internal"].as_str().expect("an address");
    let http = reqwest::Client::new();
    let url = |path: &str| format!("http://{public}{path}");
    let credentials = json!({ "email": "fred@example.com", "password": "guess" });
    for request in [
        http.post(url("/api/session")).json(&credentials),
        http.post(url("/api/session")).json(&credentials),
        http.post(url("/api/oauth2/token"))
            .form(&[("client_id", "x")]),
        http.get(url("/interaction/zebra/consent?yak=1")),
        http.get(url("/zebra")),
        http.get(url("/api/zebra")),
        http.request("ZEBRA".parse().expect("a method"), url("/account")),
    ] {
        request.send().await.expect("an answer");
    }
    let (_, text) = get(internal, "/metrics").await;
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        &*format!("alias_build_info{{version=\"{version}\"}} 1"),
        "alias_http_requests_total{route=\"/api/session\",method=\"POST\",status=\"4xx\"} 2",
        "alias_http_requests_total{route=\"/interaction/{id}/consent\",method=\"GET\",status=\"4xx\"} 1",
        "alias_http_requests_total{route=\"none\",method=\"GET\",status=\"4xx\"} 2",
        "alias_http_requests_total{route=\"/account\",method=\"other\",status=\"4xx\"} 1",
        "alias_http_request_duration_seconds_count{route=\"/api/session\",method=\"POST\"} 2",
        "alias_http_requests_in_flight 0",
        "alias_sign_ins_total{outcome=\"done\"} 0",
        "alias_sign_ins_total{outcome=\"refused\"} 2",
        "alias_tokens_refused_total{error=\"invalid_client\"} 1",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert!(text.contains("# HELP alias_http_requests_total "), "{text}");
    for sent in ["zebra", "ZEBRA", "yak"] {
        assert!(!text.contains(sent), "{text}");
    }
    running.stop().succeeded();
}

#[test]
fn an_internal_address_that_is_taken_is_said_in_plain_words() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let mut sandbox = ready_to_serve();
    sandbox.set("ALIAS_HTTP__INTERNAL_LISTEN", &address.to_string());
    let refused = sandbox.run(&["serve"]).refused();
    let port = address.port();
    let said = format!("port {port} is in use; set http.internal_listen");
    assert!(refused.starts_with(&said), "{refused}");
}

#[test]
fn the_internal_address_is_another_one() {
    let mut sandbox = ready_to_serve();
    let address = free_address();
    sandbox
        .set("ALIAS_HTTP__LISTEN", &address)
        .set("ALIAS_HTTP__INTERNAL_LISTEN", &address);
    let refused = sandbox.run(&["serve"]).refused();
    assert!(
        refused.starts_with("http.internal_listen (ALIAS_HTTP__INTERNAL_LISTEN): "),
        "{refused}"
    );
}

#[tokio::test]
async fn the_log_has_the_address_that_a_trusted_proxy_names() {
    for (proxies, client) in [
        ("", "127.0.0.1"),
        ("10.0.0.0/8", "127.0.0.1"),
        ("10.0.0.0/8, 127.0.0.1", "192.0.2.7"),
    ] {
        let mut sandbox = ready_to_serve();
        sandbox
            .set("RUST_LOG", "info,alias_http=debug")
            .set("ALIAS_HTTP__TRUSTED_PROXIES", proxies);
        let (mut running, announced) = sandbox.start(&["serve"]);
        let address = announced["listening"].as_str().expect("an address");
        let answer = reqwest::Client::new()
            .get(format!("http://{address}/livez"))
            .header("x-forwarded-for", "198.51.100.1, 192.0.2.7, 10.0.0.2")
            .send();
        assert_eq!(answer.await.expect("an answer").status(), 200);
        let line = running.logs("answered");
        assert_eq!(line["span"]["source"], client, "{line}");
        running.stop().succeeded();
    }
}

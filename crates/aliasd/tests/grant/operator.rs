//! What an operator does about a user holds at once, while the service runs, by the rules that hold for
//! the user.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    logout::{BackChannel, First, connects, serve_allowing, verified},
    page::{PASSWORD, Page, QUERY, text},
};

const FRED: &str = "fred@example.com";
const EVERYTHING: &str = "openid offline_access contact nickname";

/// Fred has allowed the client everything, and it has these tokens.
async fn connected() -> (Page, Value) {
    let page = Page::open().await;
    let (status, tokens) = page.exchange(&page.code(QUERY).await).await;
    assert_eq!(status, 200);
    (page, tokens)
}

async fn worth(page: &Page, tokens: &Value) -> Value {
    let token = text(tokens, "access_token");
    let (status, worth) = page
        .post("/api/oauth2/introspect", &[("token", &token)])
        .await;
    assert_eq!(status, 200, "{worth}");
    worth
}

fn revoke(page: &Page, words: &[&str]) -> Value {
    page.alias
        .cli(&[&["user", "revoke", FRED], words].concat(), "")
}

/// What the sign-in with a password is answered.
async fn signs_in(page: &Page, email: &str, password: &str) -> StatusCode {
    let credentials = json!({"email": email, "password": password});
    let address = format!("{}/api/session", page.alias.issuer);
    let answer = page.http.post(address).json(&credentials).send().await;
    answer.expect("an answer").status()
}

/// Whether Fred's session token is one still.
async fn is_signed_in(page: &Page) -> bool {
    let address = format!("{}/api/grants", page.alias.issuer);
    let request = page.http.get(address).bearer_auth(&page.session_token);
    let status = request.send().await.expect("an answer").status();
    assert!([StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&status));
    status == StatusCode::OK
}

#[actix_web::test]
async fn r24_what_an_operator_takes_back_bites_at_once() {
    let (page, tokens) = connected().await;
    assert_eq!(worth(&page, &tokens).await["scope"], EVERYTHING);
    let id = page.client_id.as_str();

    let left = revoke(&page, &[id, "--channel", "notifications"]);
    assert_eq!(
        left,
        json!([{
            "client_id": id, "client_name": "Example", "connected": true,
            "scopes": EVERYTHING.split(' ').collect::<Vec<_>>(),
            "channels": ["_meta", "product_updates"],
        }])
    );
    assert_eq!(worth(&page, &tokens).await["channels"], "product_updates");

    let left = revoke(&page, &["--scope", "contact"]);
    assert_eq!(left[0]["channels"], json!([]));
    let worth_now = worth(&page, &tokens).await;
    assert_eq!(worth_now["scope"], "openid offline_access nickname");
    assert_eq!(worth_now.get("channels"), None);

    let left = revoke(&page, &[]);
    assert_eq!(left[0]["connected"], false);
    assert_eq!(worth(&page, &tokens).await, json!({"active": false}));
    let (status, refused) = page.refresh(&text(&tokens, "refresh_token")).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(revoke(&page, &[]), json!([]), "nothing is left");
}

#[actix_web::test]
async fn an_operator_sees_what_a_user_allows_which_client_and_since_when() {
    let (page, _) = connected().await;
    let id = page.client_id.as_str();
    let shown = page.alias.cli(&["user", "show", FRED], "");
    let connection = &shown["connections"][0];
    let since = text(connection, "connected_since");
    assert_eq!(
        shown["connections"],
        json!([{
            "client_id": id, "client_name": "Example",
            "scopes": EVERYTHING.split(' ').collect::<Vec<_>>(),
            "channels": ["_meta", "notifications", "product_updates"],
            "connected_since": since, "changed_at": since,
        }])
    );
    revoke(&page, &[id, "--scope", "contact"]);
    let shown = page.alias.cli(&["user", "show", FRED], "");
    let left = &shown["connections"][0];
    assert_eq!(
        left["scopes"],
        json!(["openid", "offline_access", "nickname"])
    );
    assert_eq!(left["connected_since"], since.as_str());
    revoke(&page, &[id]);
    let shown = page.alias.cli(&["user", "show", FRED], "");
    assert_eq!(shown["connections"], json!([]));
}

#[actix_web::test]
async fn r25_revoking_openid_for_a_user_disconnects() {
    let (page, tokens) = connected().await;
    let left = revoke(&page, &[&page.client_id, "--scope", "openid"]);
    assert_eq!(left[0]["connected"], false);
    assert_eq!(worth(&page, &tokens).await, json!({"active": false}));
}

#[actix_web::test]
async fn r30_a_session_that_an_operator_ends_is_over_at_once_and_its_clients_are_told() {
    let allowed = ("ALIAS_OUTBOUND__ALLOW_PRIVATE", "127.0.0.1");
    let mut page = Page::open_at(serve_allowing(&[allowed])).await;
    let mut client = BackChannel::open(First::Takes);
    let id_token = connects(&mut page, &client.uri("http"), "RS256").await;
    let mut elsewhere = page.clone();
    elsewhere.sign_in().await;

    let sessions = page.alias.cli(&["user", "sessions", FRED], "");
    let ids: Vec<String> = sessions
        .as_array()
        .expect("sessions")
        .iter()
        .map(|it| text(it, "session_id"))
        .collect();
    assert_eq!(ids.len(), 2, "{sessions}");
    let end = ["user", "sessions", FRED, "--end", &ids[1]];
    let left = page.alias.cli(&end, "");
    assert_eq!(left, json!([sessions[0]]));
    assert!(!is_signed_in(&page).await, "the first one");
    assert!(is_signed_in(&elsewhere).await);
    let claims = verified(&page, &client.token().await, "RS256").await;
    assert_eq!(claims["sid"], id_token["sid"]);

    let end_all = ["user", "sessions", FRED, "--end-all"];
    assert_eq!(page.alias.cli(&end_all, ""), json!([]));
    assert!(!is_signed_in(&elsewhere).await);
}

#[actix_web::test]
async fn r30_a_password_that_an_operator_sets_ends_every_session_and_no_token() {
    let (page, tokens) = connected().await;
    assert_eq!(signs_in(&page, FRED, PASSWORD).await, StatusCode::OK);
    let reset = ["user", "reset-password", FRED, "--password-stdin"];
    let user = page.alias.cli(&reset, "another password\n");
    assert_eq!(user["email"], FRED);
    assert!(!is_signed_in(&page).await);
    let refused = signs_in(&page, FRED, PASSWORD).await;
    assert_eq!(refused, StatusCode::UNAUTHORIZED);
    let accepted = signs_in(&page, FRED, "another password").await;
    assert_eq!(accepted, StatusCode::OK);
    assert_eq!(worth(&page, &tokens).await["scope"], EVERYTHING);
}

#[actix_web::test]
async fn an_address_that_an_operator_changes_serves_at_once_and_clients_know_the_user_still() {
    let (page, tokens) = connected().await;
    let before = worth(&page, &tokens).await;
    let update = |words: &[&str]| {
        let words = [&["user", "update", FRED], words].concat();
        page.alias.cli(&words, "")
    };
    assert_eq!(update(&["--nickname", "Freddie"])["nickname"], "Freddie");
    let next = "frederick@example.com";
    assert_eq!(
        update(&["--email", next, "--no-nickname"])["nickname"],
        Value::Null
    );
    assert!(is_signed_in(&page).await);
    assert_eq!(signs_in(&page, next, PASSWORD).await, StatusCode::OK);
    let refused = signs_in(&page, FRED, PASSWORD).await;
    assert_eq!(refused, StatusCode::UNAUTHORIZED);
    assert_eq!(worth(&page, &tokens).await["sub"], before["sub"]);
}

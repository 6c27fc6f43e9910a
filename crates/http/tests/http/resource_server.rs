//! A resource server may introspect every token, and nothing else.

use alias_domain::testing::sample::{self, LOOPBACK_URI, REDIRECT_URI};
use serde_json::{Value, json};

use crate::support::{Alias, SECRET, SEED, VERIFIER, json as ask, public_request, text};

async fn post(alias: &Alias, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let id = sample::resource_server().id.to_string();
    let request = alias.post(path).basic_auth(id, Some(SECRET));
    ask(request.form(form)).await
}

async fn introspect(alias: &Alias, token: &str) -> Value {
    let (status, answer) = post(alias, "/api/oauth2/introspect", &[("token", token)]).await;
    assert_eq!(status, 200);
    answer
}

fn names(answer: &Value) -> Vec<&str> {
    let members = answer.as_object().expect("an object");
    let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[actix_web::test]
async fn a_resource_server_is_told_of_every_clients_tokens() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    for name in ["access_token", "refresh_token"] {
        let token = text(&tokens, name);
        let worth = introspect(&alias, &token).await;
        assert_eq!(worth, alias.introspect(&token).await, "{name}");
        assert_eq!(worth["client_id"], sample::client().id.to_string());
    }
    let code = alias.code(&public_request()).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", LOOPBACK_URI),
        ("client_id", &sample::public_client().id.to_string()),
        ("code_verifier", VERIFIER),
    ];
    let (_, tokens) = ask(alias.post("/api/oauth2/token").form(&form)).await;
    let worth = introspect(&alias, &text(&tokens, "access_token")).await;
    assert_eq!(worth["client_id"], sample::public_client().id.to_string());
}

#[actix_web::test]
async fn r27_what_a_resource_server_is_told_has_no_meta() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let worth = introspect(&alias, &text(&tokens, "access_token")).await;
    let expected = [
        "active",
        "channels",
        "client_id",
        "exp",
        "iat",
        "iss",
        "scope",
        "sub",
        "token_type",
    ];
    assert_eq!(names(&worth), expected);
    assert_eq!(worth["channels"], "notifications product_updates");
    assert!(!worth.to_string().contains("_meta"), "{worth}");
    let refresh = introspect(&alias, &text(&tokens, "refresh_token")).await;
    assert_eq!(refresh.get("token_type"), None, "it is no bearer token");
}

#[actix_web::test]
async fn r24_what_a_user_takes_back_a_resource_server_is_not_told() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let token = text(&tokens, "access_token");
    let mut fred = alias.freds_browser().await;
    let client = sample::client().id;
    let path = format!("/api/grants/{client}/channels/notifications");
    assert_eq!(fred.delete(&path).await.status, 204);
    let worth = introspect(&alias, &token).await;
    assert_eq!(worth["channels"], "product_updates");
    fred.delete(&format!("/api/grants/{client}")).await;
    assert_eq!(introspect(&alias, &token).await, json!({"active": false}));
}

#[actix_web::test]
async fn a_resource_server_may_neither_exchange_nor_refresh_nor_revoke() {
    let alias = Alias::start().await;
    let code = alias.code(SEED).await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let user_token = text(&tokens, "access_token");
    let refresh_token = text(&tokens, "refresh_token");
    for (path, form) in [
        (
            "/api/oauth2/token",
            vec![
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", REDIRECT_URI),
            ],
        ),
        (
            "/api/oauth2/token",
            vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh_token.as_str()),
            ],
        ),
        ("/api/oauth2/revoke", vec![("token", user_token.as_str())]),
        (
            "/api/oauth2/revoke",
            vec![("token", refresh_token.as_str())],
        ),
    ] {
        let (status, answer) = post(&alias, path, &form).await;
        assert_eq!(status, 400, "{form:?}");
        assert_eq!(answer["error"], "unauthorized_client", "{form:?}");
    }
    assert_eq!(alias.introspect(&user_token).await["active"], true);
    assert_eq!(alias.exchange(&code).await.0, 200, "the code is unused");
}

#[actix_web::test]
async fn a_resource_server_at_the_authorization_endpoint_is_an_error_page() {
    let alias = Alias::start().await;
    let id = sample::resource_server().id;
    let mut browser = alias.freds_browser().await;
    for uri in [REDIRECT_URI, LOOPBACK_URI, ""] {
        let request = format!("response_type=code&scope=openid&client_id={id}&redirect_uri={uri}");
        let page = browser.authorize(&request).await;
        assert_eq!((page.status, page.location), (400, None), "{uri}");
    }
}

#[actix_web::test]
async fn a_resource_server_authenticates_to_introspect() {
    let alias = Alias::start().await;
    let id = sample::resource_server().id.to_string();
    let form = [("token", "x"), ("client_id", id.as_str())];
    let path = "/api/oauth2/introspect";
    let (status, answer) = ask(alias.post(path).form(&form)).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
    let wrong = alias.post(path).basic_auth(&id, Some("a guess"));
    assert_eq!(ask(wrong.form(&[("token", "x")])).await.0, 401);
}

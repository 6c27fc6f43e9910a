//! What OpenID Connect lets a client ask for: `acr_values`, `claims`, `display`, locales; and what
//! discovery says of it.

use std::collections::BTreeSet;

use alias_domain::{AuthorizationRequest, ClientChange, NicknameClaims, testing::sample};
use serde_json::{Value, json};

use crate::support::{Alias, ISSUER, SEED, claims_of, param, request, text};

const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

fn encoded(text: &str) -> String {
    text.bytes().map(|it| format!("%{it:02X}")).collect()
}

fn claims(value: &Value) -> String {
    format!("&claims={}", encoded(&value.to_string()))
}

/// The claims of the ID token that a request leads to, where Fred allows all of it.
async fn claims_for(alias: &Alias, extra: &str) -> Value {
    let code = alias.code(&format!("{SEED}{extra}")).await;
    claims_of(&alias.exchange(&code).await.1)
}

async fn discovery(alias: &Alias) -> Value {
    let (status, document) =
        crate::support::json(alias.get("/.well-known/openid-configuration")).await;
    assert_eq!(status, 200);
    document
}

fn listed(document: &Value, name: &str) -> Vec<String> {
    let list = document[name].as_array();
    let list = list.unwrap_or_else(|| panic!("{name} is missing"));
    let texts = list
        .iter()
        .map(|it| it.as_str().expect("a text").to_owned());
    texts.collect()
}

// R18: `acr` and `amr`.

#[actix_web::test]
async fn r18_an_id_token_has_neither_acr_nor_amr_unless_asked() {
    let alias = Alias::start().await;
    let claims = claims_for(&alias, "").await;
    assert_eq!(claims.get("acr").or(claims.get("amr")), None);
}

#[actix_web::test]
async fn r18_acr_values_are_answered_by_what_the_sign_in_was() {
    let alias = Alias::start().await;
    // The first time Fred is asked, then nobody is, then he signs in once more.
    for extra in [
        "&acr_values=1+2".to_owned(),
        format!("&acr_values=phr+{PASSWORD}"),
        "&acr_values=phr&prompt=consent".to_owned(),
    ] {
        let claims = claims_for(&alias, &extra).await;
        assert_eq!(claims["acr"], PASSWORD, "{extra}");
        assert_eq!(claims["amr"], json!(["pwd"]), "{extra}");
    }
}

#[actix_web::test]
async fn r18_claims_bring_what_they_name_and_no_other() {
    let alias = Alias::start().await;
    for (asked, acr, amr) in [
        (json!({"id_token": {"acr": null}}), true, false),
        (
            json!({"id_token": {"amr": {"essential": true}}}),
            false,
            true,
        ),
        (
            json!({"id_token": {"acr": {"essential": true, "value": PASSWORD}}}),
            true,
            false,
        ),
        (
            json!({"id_token": {"auth_time": {"essential": true}}}),
            false,
            false,
        ),
        (
            json!({"userinfo": {"acr": null, "amr": null}}),
            false,
            false,
        ),
        (
            json!({"id_token": {"name": {"essential": true}, "email": null}}),
            false,
            false,
        ),
        (json!({}), false, false),
    ] {
        let got = claims_for(&alias, &claims(&asked)).await;
        assert_eq!(got.get("acr").is_some(), acr, "{asked}");
        assert_eq!(got.get("amr").is_some(), amr, "{asked}");
        assert!(got["auth_time"].is_i64(), "{asked}");
        let usual = 10 + usize::from(acr) + usize::from(amr);
        assert_eq!(
            got.as_object().map(serde_json::Map::len),
            Some(usual),
            "{got}"
        );
    }
}

#[actix_web::test]
async fn an_essential_acr_that_nobody_meets_is_told_before_anyone_signs_in() {
    let alias = Alias::start().await;
    let asked = json!({"id_token": {"acr": {"essential": true, "values": ["phr", "phrh"]}}});
    for prompt in ["", "&prompt=none", "&prompt=login"] {
        let query = request(&format!("&scope=openid{}{prompt}", claims(&asked)));
        let page = alias.browser().authorize(&query).await;
        let error = page.error();
        assert_eq!(error.as_deref(), Some("unmet_authentication_requirements"));
    }
    let voluntary = json!({"id_token": {"acr": {"values": ["phr", "phrh"]}}});
    assert_eq!(
        claims_for(&alias, &claims(&voluntary)).await["acr"],
        PASSWORD
    );
}

// `claims` and permissions.

#[actix_web::test]
async fn a_permission_is_the_scope_and_not_the_claim() {
    let alias = Alias::start().await;
    let asked = json!({
        "userinfo": {"nickname": {"essential": true}, "name": {"essential": true}},
        "id_token": {"nickname": {"value": "Fred"}},
    });
    for (scope, nickname) in [("openid", None), ("openid+nickname", Some("Fred"))] {
        let query = request(&format!("&scope={scope}{}", claims(&asked)));
        let code = alias.code(&query).await;
        let (_, tokens) = alias.exchange(&code).await;
        let told = claims_of(&tokens);
        assert_eq!(told.get("nickname").and_then(Value::as_str), nickname);
        let userinfo = alias.get("/api/oauth2/userinfo");
        let userinfo = userinfo.bearer_auth(text(&tokens, "access_token"));
        let (status, info) = crate::support::json(userinfo).await;
        assert_eq!(status, 200);
        assert_eq!(info.get("nickname").and_then(Value::as_str), nickname);
        assert_eq!(info["sub"], told["sub"]);
        assert_eq!(info.get("name"), None);
    }
}

#[actix_web::test]
async fn claims_may_have_lines_and_survive_a_sign_in() {
    let alias = Alias::start().await;
    let text = "{\r\n\t\"id_token\": {\n \"acr\": null }\n}";
    let claims = claims_for(&alias, &format!("&claims={}", encoded(text))).await;
    assert_eq!(claims["acr"], PASSWORD);
}

// Wishes.

#[actix_web::test]
async fn display_locales_and_hints_change_no_outcome() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    for extra in [
        "display=page",
        "display=popup",
        "display=touch",
        "display=wap",
        "display=hologram",
        "ui_locales=se",
        "ui_locales=de-CH+en+%2A",
        "claims_locales=se",
        "login_hint=buffy@example.org",
        "acr_values=1+2",
        "extra=foobar",
    ] {
        let page = browser.authorize(&format!("{SEED}&{extra}")).await;
        let location = page.location.expect("a redirect");
        assert!(param(&location, "code").is_some(), "{extra}: {location}");
    }
}

// Discovery.

#[actix_web::test]
async fn discovery_lists_what_a_request_may_ask_for() {
    let alias = Alias::start().await;
    let document = discovery(&alias).await;
    for (name, expected) in [
        ("response_types_supported", vec!["code"]),
        ("response_modes_supported", vec!["query", "form_post"]),
        ("acr_values_supported", vec![PASSWORD]),
        (
            "display_values_supported",
            vec!["page", "popup", "touch", "wap"],
        ),
        ("ui_locales_supported", vec!["en"]),
        ("subject_types_supported", vec!["pairwise"]),
        ("claim_types_supported", vec!["normal"]),
        (
            "prompt_values_supported",
            vec!["none", "login", "consent", "select_account"],
        ),
    ] {
        assert_eq!(listed(&document, name), expected, "{name}");
    }
    for (name, expected) in [
        ("claims_parameter_supported", true),
        ("request_parameter_supported", false),
        ("request_uri_parameter_supported", false),
        ("authorization_response_iss_parameter_supported", true),
    ] {
        assert_eq!(document[name], expected, "{name}");
    }
    assert_eq!(
        document.get("request_object_signing_alg_values_supported"),
        None
    );
    let (_, oauth) =
        crate::support::json(alias.get("/.well-known/oauth-authorization-server")).await;
    assert_eq!(
        listed(&oauth, "response_modes_supported"),
        ["query", "form_post"]
    );
}

fn every_nickname_claim() -> ClientChange {
    let wish = |name: &str| (name.to_owned(), "nickname".to_owned());
    ClientChange {
        claims: Some(NicknameClaims::NAMES.map(wish).into()),
        ..ClientChange::default()
    }
}

/// What the ID token and userinfo tell of Fred, where he grants a client these scopes.
async fn told(alias: &Alias, scope: &str) -> [Value; 2] {
    let query = request(&format!("&scope={scope}"));
    let code = alias.code(&query).await;
    let (_, tokens) = alias.exchange(&code).await;
    let userinfo = alias.get("/api/oauth2/userinfo");
    let userinfo = userinfo.bearer_auth(text(&tokens, "access_token"));
    let (status, info) = crate::support::json(userinfo).await;
    assert_eq!(status, 200);
    [claims_of(&tokens), info]
}

#[actix_web::test]
async fn r35_a_nickname_is_told_under_other_names_where_it_was_granted_and_nowhere_else() {
    let alias = Alias::start().await;
    for told in told(&alias, "openid+nickname").await {
        assert_eq!(told["nickname"], "Fred");
        assert_eq!(
            (told.get("name"), told.get("preferred_username")),
            (None, None)
        );
    }
    alias.changes_client(every_nickname_claim()).await;
    for told in told(&alias, "openid+nickname").await {
        for name in ["nickname", "name", "preferred_username"] {
            assert_eq!(told[name], "Fred", "{name}");
        }
        assert_eq!(
            (told.get("email"), told.get("email_verified")),
            (None, None)
        );
    }
    for told in told(&alias, "openid").await {
        for name in ["nickname", "name", "preferred_username"] {
            assert_eq!(told.get(name), None, "{name}");
        }
    }
}

#[actix_web::test]
async fn r35_the_consent_page_says_what_else_a_nickname_is_told_as() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let said = "as <code>name</code> and <code>preferred_username</code>, too";
    assert!(!browser.authorize(SEED).await.html.contains(said));
    alias.changes_client(every_nickname_claim()).await;
    assert!(browser.authorize(SEED).await.html.contains(said));
    let without = request("&scope=openid");
    assert!(!browser.authorize(&without).await.html.contains(said));
}

#[actix_web::test]
async fn every_claim_that_discovery_lists_is_given_and_no_other() {
    // To a client that is registered for back-channel logout, a session ID among them (R18).
    let alias = crate::logout::start().await;
    let asked = json!({"id_token": {"acr": null, "amr": null}});
    let claims = claims_for(&alias, &claims(&asked)).await;
    let given: BTreeSet<String> = claims
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    let listed = listed(&discovery(&alias).await, "claims_supported");
    assert_eq!(given, listed.into_iter().collect());
}

#[actix_web::test]
async fn what_discovery_lists_works_and_what_it_does_not_list_is_refused() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let document = discovery(&alias).await;
    let mut browser = alias.freds_browser().await;
    for (name, parameter) in [
        ("response_modes_supported", "response_mode"),
        ("acr_values_supported", "acr_values"),
        ("display_values_supported", "display"),
        ("ui_locales_supported", "ui_locales"),
    ] {
        for value in listed(&document, name) {
            let page = browser
                .authorize(&format!("{SEED}&{parameter}={value}"))
                .await;
            let code = match &page.location {
                Some(location) => param(location, "code"),
                None => page.posted().1.remove("code"),
            };
            assert!(code.is_some(), "{parameter}={value}");
        }
    }
    for (extra, error) in [
        ("&response_mode=fragment", "invalid_request"),
        ("&prompt=create", "invalid_request"),
        ("&request=eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
        (
            "&request_uri=https://example.com/r",
            "request_uri_not_supported",
        ),
        ("&registration=%7B%7D", "registration_not_supported"),
    ] {
        let page = browser.authorize(&format!("{SEED}{extra}")).await;
        assert_eq!(page.error().as_deref(), Some(error), "{extra}");
    }
    let query = SEED.replace("response_type=code", "response_type=id_token");
    let error = browser.authorize(&query).await.error();
    assert_eq!(error.as_deref(), Some("unsupported_response_type"));
}

/// A redirect URI is judged before anything that could change it.
#[actix_web::test]
async fn a_request_object_with_a_bad_redirect_uri_outside_is_a_page() {
    let alias = Alias::start().await;
    let query = request("&scope=openid&request=eyJhbGciOiJub25lIn0.e30.");
    let query = query.replace("alias-callback", "alias-callback_invalid");
    let page = alias.browser().authorize(&query).await;
    assert_eq!((page.status, page.location), (400, None));
}

// Bad input.

/// RFC 6749 4.1.2.1: what an `error_description` may hold.
fn is_plain(description: &str) -> bool {
    let mut bytes = description.bytes();
    bytes.all(|it| matches!(it, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

#[actix_web::test]
async fn no_value_of_any_parameter_is_answered_by_5xx() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    let long = "x".repeat(5000);
    let deep = encoded(&"[".repeat(4000));
    let values = [
        "",
        "x",
        "%00",
        "%FF",
        "%GG",
        "%",
        "a.b.c",
        "%7B",
        "%7B%7D",
        "%5B%5D",
        "%7B%22id_token%22%3A%7B%22sub%22%3A%7B%22value%22%3A%22x%22%7D%7D%7D",
        "%7B%22id_token%22%3A7%7D",
        "eyJhbGciOiJub25lIn0.e30.",
        "..",
        "....",
        "%F0%9F%A6%A9",
        "%E2%80%AE",
        "%22%27%3C%3E%26",
        "-1",
        "99999999999999999999",
        long.as_str(),
        deep.as_str(),
    ];
    for name in AuthorizationRequest::parameters() {
        for value in values {
            for mode in ["", "&response_mode=form_post"] {
                let query = if *name == "client_id" || *name == "redirect_uri" {
                    format!("{name}={value}&response_type=code&scope=openid{mode}")
                } else {
                    let rest: Vec<&str> = SEED
                        .split('&')
                        .map(str::trim)
                        .filter(|it| it.split('=').next() != Some(*name))
                        .collect();
                    format!("{}&{name}={value}{mode}", rest.join("&"))
                };
                let page = browser.authorize(&query).await;
                let what = format!("{name}={value:.60}{mode}: {}", page.status);
                assert!(page.status < 500, "{what}");
                if let Some(location) = page.location {
                    assert!(location.starts_with(sample::REDIRECT_URI), "{what}");
                    assert_eq!(param(&location, "iss").as_deref(), Some(ISSUER), "{what}");
                    let told = param(&location, "error_description").unwrap_or_default();
                    assert!(is_plain(&told), "{what}: {told}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn malformed_claims_are_an_invalid_request() {
    let alias = Alias::start().await;
    let long = format!(r#"{{"x":"{}"}}"#, "x".repeat(4096));
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(50), "]".repeat(50));
    for text in [
        "x",
        "null",
        "[]",
        "{",
        r#"{"id_token":{},"id_token":{}}"#,
        r#"{"id_token":{"acr":null,"acr":null}}"#,
        r#"{"id_token":{"acr":1}}"#,
        r#"{"userinfo":[]}"#,
        r#"{"id_token":{"sub":{"value":"nobody"}}}"#,
        "{\"a\u{1}\":1}",
        &long,
        &deep,
    ] {
        let query = request(&format!("&scope=openid&claims={}", encoded(text)));
        let page = alias.browser().authorize(&query).await;
        assert_eq!(
            page.error().as_deref(),
            Some("invalid_request"),
            "{text:.60}"
        );
    }
    for raw in ["%FF", "%GG", "%7B%7D&claims=%7B%7D"] {
        let query = request(&format!("&scope=openid&claims={raw}"));
        let page = alias.browser().authorize(&query).await;
        assert_eq!(page.error().as_deref(), Some("invalid_request"), "{raw}");
    }
}

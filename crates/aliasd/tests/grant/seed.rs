//! The page that describes the system, sentence by sentence: its examples work as printed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{JwsVerifier, RS256},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::page::{PASSWORD, Page, QUERY, REDIRECT_URI, param, part, text};

#[actix_web::test]
async fn the_example_of_the_authorization_request_ends_at_the_callback() {
    let page = Page::open().await;
    page.code(QUERY).await;
    let callback = page.authorize(QUERY).await;
    assert!(callback.starts_with("https://example.com/alias-callback?code="));
    assert_eq!(
        param(&callback, "state").as_deref(),
        Some("4bqlMpbTFb_yXBkHNL6R1Q")
    );
    assert!(
        param(&callback, "code").is_some_and(|code| code.len() >= 40),
        "R17"
    );
}

#[actix_web::test]
async fn the_example_of_the_token_response_has_each_of_its_fields() {
    let page = Page::open().await;
    let (status, tokens) = page.exchange(&page.code(QUERY).await).await;
    assert_eq!(status, 200);
    let mut names: Vec<&String> = tokens.as_object().expect("an object").keys().collect();
    names.sort();
    let expected = [
        "access_token",
        "channels",
        "expires_in",
        "id_token",
        "refresh_token",
        "scope",
        "token_type",
    ];
    assert_eq!(names, expected);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 1800);
    assert_eq!(tokens["scope"], "openid offline_access contact nickname");
    assert_eq!(tokens["channels"], "notifications product_updates");
}

#[actix_web::test]
async fn r18_the_id_token_has_the_header_and_claims_of_the_example() {
    let page = Page::open().await;
    let (_, tokens) = page.exchange(&page.code(QUERY).await).await;
    let id_token = text(&tokens, "id_token");
    let header = part(&id_token, 0);
    assert!(
        header.starts_with("{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\""),
        "{header}"
    );
    let claims = part(&id_token, 1);
    let order = [
        "jti",
        "iss",
        "aud",
        "iat",
        "exp",
        "nonce",
        "at_hash",
        "sub",
        "nickname",
        "auth_time",
    ];
    let at = order.map(|name| claims.find(&format!("\"{name}\":")).unwrap_or(usize::MAX));
    assert!(at.is_sorted() && at[9] < usize::MAX, "{claims}");
    let claims: Value = serde_json::from_str(&claims).expect("JSON");
    assert_eq!(
        claims.as_object().map(serde_json::Map::len),
        Some(order.len())
    );
    let seconds = |name: &str| claims[name].as_i64().expect("an integer");
    assert_eq!(seconds("exp") - seconds("iat"), 1800);
    assert!(seconds("auth_time") <= seconds("iat"));
    assert_eq!(claims["iss"], page.alias.issuer);
    assert_eq!(claims["aud"], page.client_id);
    assert_eq!(claims["nonce"], "rgnxaHF9zIHaafVo4_8Pdw");
    assert_eq!(claims["nickname"], "Fred");
    let digest = Sha256::digest(text(&tokens, "access_token"));
    assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(&digest[..16]));
}

#[actix_web::test]
async fn r18_the_key_set_verifies_the_id_token_with_a_3072_bit_key() {
    let page = Page::open().await;
    let (_, tokens) = page.exchange(&page.code(QUERY).await).await;
    let discovery = format!("{}/.well-known/openid-configuration", page.alias.issuer);
    let discovery: Value = page
        .http
        .get(discovery)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let keys = page
        .http
        .get(text(&discovery, "jwks_uri"))
        .send()
        .await
        .expect("an answer");
    let keys: Value = keys.json().await.expect("JSON");
    let id_token = text(&tokens, "id_token");
    let header: Value = serde_json::from_str(&part(&id_token, 0)).expect("JSON");
    let listed = keys["keys"].as_array().expect("keys");
    let key = listed
        .iter()
        .find(|it| it["kid"] == header["kid"])
        .expect("its key");
    let modulus = URL_SAFE_NO_PAD.decode(text(key, "n")).expect("base64url");
    assert_eq!(modulus.len() * 8, 3072);
    let key = Jwk::from_map(key.as_object().cloned().expect("an object")).expect("a key");
    let verifier = RS256.verifier_from_jwk(&key).expect("a verifier");
    let (signed, signature) = id_token.rsplit_once('.').expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    verifier
        .verify(signed.as_bytes(), &signature)
        .expect("a good signature");
}

#[actix_web::test]
async fn the_example_of_a_refresh_returns_new_user_and_refresh_tokens() {
    let page = Page::open().await;
    let (_, tokens) = page.exchange(&page.code(QUERY).await).await;
    let (status, refreshed) = page.refresh(&text(&tokens, "refresh_token")).await;
    assert_eq!(status, 200);
    for name in ["scope", "channels", "token_type", "expires_in"] {
        assert_eq!(refreshed[name], tokens[name], "{name}");
    }
    for name in ["access_token", "refresh_token"] {
        assert_ne!(refreshed[name], tokens[name], "{name}");
    }
    assert_eq!(refreshed.get("id_token"), None);
}

#[actix_web::test]
async fn r3_r6_progressive_requests_keep_what_was_granted() {
    let page = Page::open().await;
    let base = format!("response_type=code&redirect_uri={REDIRECT_URI}");
    page.code(&format!(
        "{base}&scope=openid+contact&channels=notifications"
    ))
    .await;
    let more = "scope=openid+nickname&include_granted_scopes=true\
        &channels=product_updates&include_granted_channels=true";
    let (_, tokens) = page
        .exchange(&page.code(&format!("{base}&{more}")).await)
        .await;
    assert_eq!(tokens["scope"], "openid contact nickname");
    assert_eq!(tokens["channels"], "notifications product_updates");
    assert_eq!(
        tokens.get("refresh_token"),
        None,
        "R19: offline_access was not granted"
    );
}

#[actix_web::test]
async fn r27_meta_is_in_no_token_response_and_no_discovery_document() {
    let page = Page::open().await;
    let (_, tokens) = page.exchange(&page.code(QUERY).await).await;
    let form = [("token", tokens["access_token"].as_str().unwrap_or_default())];
    let (_, worth) = page.post("/api/oauth2/introspect", &form).await;
    let discovery = format!("{}/.well-known/openid-configuration", page.alias.issuer);
    let discovery = page
        .http
        .get(discovery)
        .send()
        .await
        .expect("an answer")
        .text()
        .await;
    let claims = part(&text(&tokens, "id_token"), 1);
    for said in [
        tokens.to_string(),
        worth.to_string(),
        discovery.expect("a document"),
        claims,
    ] {
        assert!(!said.contains("_meta"), "{said}");
    }
    let grants = page.http.get(format!("{}/api/grants", page.alias.issuer));
    let grants = grants
        .bearer_auth(&page.session_token)
        .send()
        .await
        .expect("an answer");
    let grants: Value = grants.json().await.expect("JSON");
    assert_eq!(grants["grants"][0]["channels"][0], "_meta");
}

#[actix_web::test]
async fn each_client_sees_an_alias_id_of_its_own() {
    let page = Page::open().await;
    let (_, tokens) = page.exchange(&page.code(QUERY).await).await;
    let sub = |tokens: &Value| {
        let claims: Value =
            serde_json::from_str(&part(&text(tokens, "id_token"), 1)).expect("JSON");
        text(&claims, "sub")
    };
    let (_, again) = page.exchange(&page.code(QUERY).await).await;
    assert_eq!(sub(&tokens), sub(&again));
    let other = page.with_client(&[]);
    let narrow = QUERY.replace("&channels=notifications%20product_updates", "");
    let (_, elsewhere) = other.exchange(&other.code(&narrow).await).await;
    assert_ne!(sub(&tokens), sub(&elsewhere));
}

#[actix_web::test]
async fn no_secret_is_left_in_the_log_or_in_plain_in_the_database() {
    let page = Page::open().await;
    let code = page.code(QUERY).await;
    let (_, tokens) = page.exchange(&code).await;
    let (_, refreshed) = page.refresh(&text(&tokens, "refresh_token")).await;
    page.exchange(&code).await;
    let left = page.alias.left_behind();
    assert!(
        left.len() > 10_000,
        "there is a log and a database to look at"
    );
    for (what, secret) in [
        ("the code", code.clone()),
        ("the user token", text(&tokens, "access_token")),
        ("the ID token", text(&tokens, "id_token")),
        ("the refresh token", text(&refreshed, "refresh_token")),
        ("the client secret", page.client_secret.clone()),
        ("the session token", page.session_token.clone()),
        ("the password", PASSWORD.to_owned()),
    ] {
        let found = left.windows(secret.len()).any(|it| it == secret.as_bytes());
        assert!(!found, "{what} was left behind");
    }
}

#[actix_web::test]
async fn nothing_that_a_grant_carries_is_in_the_most_detailed_log() {
    let page = Page::open().await;
    let (_, tokens) = page.exchange(&page.code(QUERY).await).await;
    page.refresh(&text(&tokens, "refresh_token")).await;
    page.authorize(QUERY).await;
    let log = page.alias.log();
    assert!(log.contains("\"TRACE\"") || log.contains("\"DEBUG\""));
    for (what, carried) in [
        ("the state", "4bqlMpbTFb_yXBkHNL6R1Q"),
        ("the nonce", "rgnxaHF9zIHaafVo4_8Pdw"),
        ("the address of the user", "fred@example.com"),
        ("the redirect URI", REDIRECT_URI),
    ] {
        assert!(!log.contains(carried), "{what} is in the log");
    }
    for secret in [&page.session_token, &page.client_secret] {
        let digest = Sha256::digest(secret);
        let numbers = format!("{:?}", &digest[..8]);
        let hexadecimal: String = digest[..8].iter().map(|it| format!("{it:02x}")).collect();
        for written in [numbers.trim_matches(['[', ']']), &hexadecimal] {
            assert!(!log.contains(written), "a digest is in the log");
        }
    }
}

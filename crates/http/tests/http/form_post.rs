//! OAuth 2.0 Form Post Response Mode: codes and errors alike are posted by the browser.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use openssl::sha::sha256;

use crate::support::{Alias, ISSUER, Page, SEED, param, request};
use alias_domain::testing::sample::REDIRECT_URI;

const FORM_POST: &str = "&response_mode=form_post";

/// What a page posts to the sample client: in no address, and kept by nobody.
fn told(page: &Page) -> std::collections::BTreeMap<String, String> {
    assert_eq!((page.status, page.location.as_ref()), (200, None));
    let (action, fields) = page.posted();
    assert_eq!(action, REDIRECT_URI);
    assert_eq!(fields["iss"], ISSUER, "RFC 9207");
    fields
}

#[actix_web::test]
async fn a_code_is_posted_with_state_and_issuer_and_serves() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let consent = browser.authorize(&format!("{SEED}{FORM_POST}")).await;
    let form = consent.form();
    let approve = [("decision", "approve_all")];
    let page = browser.submit(&form, &approve).await;
    let fields = told(&page);
    let names: Vec<&String> = fields.keys().collect();
    assert_eq!(names, ["code", "iss", "state"]);
    assert_eq!(fields["state"], "4bqlMpbTFb_yXBkHNL6R1Q");
    assert_eq!(alias.exchange(&fields["code"]).await.0, 200);
    // Reloading the page does not hand out another code.
    assert_eq!(browser.submit(&form, &approve).await.status, 409);
}

#[actix_web::test]
async fn r9_a_code_is_posted_where_nobody_is_asked_too() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    let fields = told(&browser.authorize(&format!("{SEED}{FORM_POST}")).await);
    assert_eq!(alias.exchange(&fields["code"]).await.0, 200);
}

#[actix_web::test]
async fn errors_are_posted_before_anyone_has_signed_in() {
    let alias = Alias::start().await;
    for (extra, error) in [
        ("", "invalid_scope"),
        ("&scope=openid&prompt=none", "login_required"),
        ("&scope=openid&prompt=none+login", "invalid_request"),
        ("&scope=openid&request=x", "request_not_supported"),
        ("&scope=openid&nonce=%FF", "invalid_request"),
        ("&scope=openid+contact&channels=_meta", "invalid_channel"),
        ("&scope=openid&response_type=token", "invalid_request"),
    ] {
        let query = request(&format!("{FORM_POST}{extra}"));
        let fields = told(&alias.browser().authorize(&query).await);
        assert_eq!(fields["error"], error, "{extra}");
        assert_eq!(fields["state"], "s", "{extra}");
        assert!(fields.contains_key("error_description"), "{extra}");
        assert!(!fields.contains_key("code"), "{extra}");
    }
    // The mode is known though the response type is missing.
    let query = request(FORM_POST).replace("response_type=code&", "");
    let fields = told(&alias.browser().authorize(&query).await);
    assert_eq!(fields["error"], "invalid_request");
}

#[actix_web::test]
async fn r12_denying_is_posted() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser.authorize(&format!("{SEED}{FORM_POST}")).await;
    let answer = browser.submit(&page.form(), &[("decision", "deny")]).await;
    assert_eq!(told(&answer)["error"], "access_denied");
}

#[actix_web::test]
async fn an_unknown_mode_is_told_by_a_query() {
    let alias = Alias::start().await;
    for mode in [
        "fragment",
        "form_post.jwt",
        "form_post&response_mode=form_post",
        "%00",
    ] {
        let query = request(&format!("&scope=openid&response_mode={mode}"));
        let page = alias.browser().authorize(&query).await;
        assert_eq!(page.error().as_deref(), Some("invalid_request"), "{mode}");
    }
}

#[actix_web::test]
async fn a_post_is_answered_by_a_post() {
    let alias = Alias::start().await;
    let mut browser = alias.browser();
    let query = request("&prompt=none&scope=openid&response_mode=form_post");
    let fields: Vec<(&str, &str)> = query
        .split('&')
        .filter_map(|it| it.split_once('='))
        .collect();
    let page = browser.post("/oauth2/authorize", &fields).await;
    let page = browser.get(&page.location.expect("a redirect")).await;
    assert_eq!(told(&page)["error"], "login_required");
}

#[actix_web::test]
async fn a_bad_redirect_uri_is_posted_nothing() {
    let alias = Alias::start().await;
    let query = request("&scope=openid&response_mode=form_post").replace("-callback", "-elsewhere");
    let page = alias.browser().authorize(&query).await;
    assert_eq!((page.status, page.location), (400, None));
    assert!(!page.html.contains("<form"), "{}", page.html);
}

/// A request of which only what must stand outside of its object does (OIDC Core 6.1).
fn by_object(claims: &str) -> String {
    let outside = request("&scope=openid").replace("&state=s", "");
    format!("{outside}&request=e30.{}.", URL_SAFE_NO_PAD.encode(claims))
}

#[actix_web::test]
async fn r14_a_refused_request_object_says_how_and_with_which_state() {
    let alias = Alias::start().await;
    let query = by_object(r#"{"response_mode":"form_post","state":"inner"}"#);
    let fields = told(&alias.browser().authorize(&query).await);
    assert_eq!(fields["error"], "request_not_supported");
    assert_eq!(fields["state"], "inner");
    // What stands outside wins.
    let outer = format!("{query}&state=outer");
    let fields = told(&alias.browser().authorize(&outer).await);
    assert_eq!(fields["state"], "outer");
    let outer = format!("{query}&response_mode=query");
    let page = alias.browser().authorize(&outer).await;
    assert_eq!(page.error().as_deref(), Some("request_not_supported"));
    // Nothing but this error is told so.
    let faulty = format!("{query}&nonce=%FF");
    let page = alias.browser().authorize(&faulty).await;
    assert_eq!(page.error().as_deref(), Some("invalid_request"));
    let location = page.location.expect("a redirect");
    assert_eq!(param(&location, "state"), None);
}

#[actix_web::test]
async fn r14_a_request_object_that_cannot_be_read_is_refused_by_a_query() {
    let alias = Alias::start().await;
    let filler = "x".repeat(9000);
    for claims in [
        "",
        "\u{0}",
        r#"["form_post","s"]"#,
        r#"{"response_mode":"form_post""#,
        &format!(r#"{{"response_mode":"form_post","state":"s","x":"{filler}"}}"#),
    ] {
        let page = alias.browser().authorize(&by_object(claims)).await;
        let error = page.error();
        assert_eq!(error.as_deref(), Some("request_not_supported"), "{claims}");
        let location = page.location.expect("a redirect");
        assert_eq!(param(&location, "state"), None, "{claims}");
    }
}

#[actix_web::test]
async fn r29_a_request_object_brings_no_redirect_uri() {
    let alias = Alias::start().await;
    let claims = format!(r#"{{"response_mode":"form_post","redirect_uri":"{REDIRECT_URI}"}}"#);
    let query = by_object(&claims);
    let missing = query.replace(&format!("&redirect_uri={REDIRECT_URI}"), "");
    for query in [query.replace("-callback", "-elsewhere"), missing] {
        let page = alias.browser().authorize(&query).await;
        assert_eq!((page.status, page.location), (400, None), "{query}");
        assert!(!page.html.contains("<form"), "{}", page.html);
    }
    // Nor another one than that from outside.
    let evil = r#"{"response_mode":"form_post","redirect_uri":"https://evil.example/"}"#;
    let fields = told(&alias.browser().authorize(&by_object(evil)).await);
    assert_eq!(fields["error"], "request_not_supported");
}

#[actix_web::test]
async fn what_a_client_sent_comes_back_exactly_and_as_text() {
    let alias = Alias::start().await;
    let state = "\"><script>alert(1)</script>&amp; ' ö\u{202e}";
    let encoded: String = state.bytes().map(|it| format!("%{it:02X}")).collect();
    let query = request("&prompt=none&scope=openid&response_mode=form_post")
        .replace("state=s", &format!("state={encoded}"));
    let page = alias.browser().authorize(&query).await;
    assert_eq!(told(&page)["state"], state);
    assert_eq!(page.html.matches("<script").count(), 1);
}

#[actix_web::test]
async fn the_page_runs_its_own_script_alone_and_lets_the_callback_lead_on() {
    let alias = Alias::start().await;
    let query = request("&prompt=none&scope=openid&response_mode=form_post");
    let page = alias.browser().authorize(&query).await;
    let script = page.html.split_once("<script>").expect("a script").1;
    let script = script.split_once("</script>").expect("its end").0;
    let hash = STANDARD.encode(sha256(script.as_bytes()));
    assert_eq!(
        page.policy.as_deref(),
        Some(
            format!(
                "default-src 'none'; style-src 'self'; img-src 'self'; \
                 script-src 'sha256-{hash}'; base-uri 'none'; \
                 frame-ancestors 'none'"
            )
            .as_str()
        )
    );
    let answer = alias
        .get(&format!("/oauth2/authorize?{query}"))
        .send()
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    // Another page still runs none.
    let page = alias.browser().authorize(SEED).await;
    assert!(page.policy.is_some_and(|it| !it.contains("script-src")));
}

#[actix_web::test]
async fn a_query_is_still_what_is_answered_by_when_nothing_is_asked_for() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    for extra in ["", "&response_mode=", "&response_mode=query"] {
        let page = browser.authorize(&format!("{SEED}{extra}")).await;
        let location = page.location.expect("a redirect");
        assert!(param(&location, "code").is_some(), "{extra}");
    }
}

//! The authorization endpoint.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use alias_domain::{
    Client, ClientKind, RedirectUri,
    flows::Ports,
    ports::Limits,
    testing::sample::{self, REDIRECT_URI},
};
use chrono::TimeDelta;
use reqwest::{Method, header::HeaderName};

use crate::support::{
    Alias, ISSUER, Page, SEED, VERIFIER, client, json, param, public_request, request,
};

#[actix_web::test]
async fn a_bad_client_or_redirect_uri_is_a_page_and_never_a_redirect() {
    let alias = Alias::start().await;
    let id = "client_id=bjOB6HV7cTKtxvfr2k2ucg";
    let uri = format!("redirect_uri={REDIRECT_URI}");
    for query in [
        String::new(),
        uri.clone(),
        id.to_owned(),
        format!("client_id=nobody&{uri}"),
        format!("client_id=AAAAAAAAAAAAAAAAAAAAAA&{uri}"),
        format!("{id}&{id}&{uri}"),
        format!("{id}&{uri}&{uri}"),
        format!("{id}&redirect_uri=https://evil.example/"),
        format!("{id}&{uri}/"),
        format!("{id}&{uri}%00"),
        format!("{id}%GG&{uri}"),
        format!("{id}&redirect_uri=%FF"),
    ] {
        let query = format!("{query}&response_type=code&scope=openid&state=s");
        let page = alias
            .browser()
            .get(&format!("/oauth2/authorize?{query}"))
            .await;
        assert_eq!((page.status, page.location), (400, None), "{query}");
        assert!(page.html.contains("<h1>"), "{query}");
    }
}

#[actix_web::test]
async fn every_other_error_goes_to_the_client_with_state_and_issuer() {
    let alias = Alias::start().await;
    let long_nonce = format!("&scope=openid&nonce={}", "n".repeat(513));
    for (extra, error) in [
        ("", "invalid_scope"),
        ("&scope=contact", "invalid_scope"),
        ("&scope=openid%00", "invalid_scope"),
        ("&scope=openid&response_type=code", "invalid_request"),
        ("&scope=openid&nonce=%00", "invalid_request"),
        ("&scope=openid&nonce=%FF", "invalid_request"),
        ("&scope=openid&prompt=none+login", "invalid_request"),
        ("&scope=openid&max_age=-1", "invalid_request"),
        ("&scope=openid&request=x", "request_not_supported"),
        ("&scope=openid&request_uri=x", "request_uri_not_supported"),
        ("&scope=openid+contact&channels=_meta", "invalid_channel"),
        ("&scope=openid&include_granted_scopes=1", "invalid_request"),
        ("&scope=openid&prompt=none", "login_required"),
        (long_nonce.as_str(), "invalid_request"),
    ] {
        let page = alias.browser().authorize(&request(extra)).await;
        assert_eq!(page.status, 303, "{extra}");
        assert_eq!(page.error().as_deref(), Some(error), "{extra}");
        let location = page.location.expect("a redirect");
        assert!(location.starts_with(REDIRECT_URI), "{extra}");
        assert_eq!(param(&location, "state").as_deref(), Some("s"), "{extra}");
        assert_eq!(param(&location, "iss").as_deref(), Some(ISSUER), "{extra}");
        assert!(param(&location, "error_description").is_some(), "{extra}");
    }
}

/// RFC 6749 3.1. Mail programs and campaigns add such things to every address.
#[actix_web::test]
async fn an_unknown_parameter_in_a_broken_encoding_is_ignored_and_a_known_one_is_named() {
    let alias = Alias::start().await;
    for broken in ["utm_source=50%", "utm_source=%FF&utm_source=%GG", "%GG=%00"] {
        let query = request(&format!("&scope=openid&{broken}"));
        let page = alias.browser().authorize(&query).await;
        assert!(page.path.ends_with("/sign-in"), "{broken}: {page:?}");
    }
    let query = request("&scope=openid&nonce=50%");
    let page = alias.browser().authorize(&query).await;
    let said = param(&page.location.expect("a redirect"), "error_description");
    assert_eq!(said.as_deref(), Some("nonce is not percent-encoded UTF-8"));
}

/// OIDC Core 5.5.
#[actix_web::test]
async fn what_is_not_understood_of_claims_is_ignored_whatever_its_form() {
    let alias = Alias::start().await;
    for claims in [
        r#"{"userinfo":{"given_name":true,"groups":"all"}}"#,
        r#"{"id_token":{"email":{"essential":"true"},"sub":null},"x":[{}]}"#,
    ] {
        let claims: String = claims.bytes().map(|it| format!("%{it:02X}")).collect();
        let query = request(&format!("&scope=openid&claims={claims}"));
        let page = alias.browser().authorize(&query).await;
        assert!(page.path.ends_with("/sign-in"), "{claims}: {page:?}");
    }
}

#[actix_web::test]
async fn a_repeated_state_is_not_echoed() {
    let alias = Alias::start().await;
    let page = alias
        .browser()
        .authorize(&request("&scope=openid&state=t"))
        .await;
    assert_eq!(page.error().as_deref(), Some("invalid_request"));
    assert_eq!(param(&page.location.expect("a redirect"), "state"), None);
}

#[actix_web::test]
async fn r14_an_error_of_the_request_is_told_before_anyone_is_asked_to_sign_in() {
    let alias = Alias::start().await;
    let page = alias.browser().authorize(&request("&scope=contact")).await;
    assert_eq!(page.error().as_deref(), Some("invalid_scope"));
}

#[actix_web::test]
async fn a_post_comes_again_as_a_get_with_the_same_parameters() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser
        .post(
            "/oauth2/authorize",
            &[("scope", "openid ö"), ("state", "a&b")],
        )
        .await;
    assert_eq!(page.status, 303);
    let location = page.location.expect("a redirect");
    assert!(location.starts_with("/oauth2/authorize?"));
    assert_eq!(param(&location, "scope").as_deref(), Some("openid ö"));
    assert_eq!(param(&location, "state").as_deref(), Some("a&b"));
}

#[actix_web::test]
async fn a_post_whose_address_would_be_too_long_is_a_page() {
    let alias = Alias::start().await;
    for (path, next) in [("/oauth2/authorize", 400), ("/oauth2/logout", 303)] {
        let post = async |body: String| {
            let request = alias.post(path);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            request.body(body).send().await.expect("an answer")
        };
        // Three bytes for one half of it: in the address this is 64 bytes less than 16 KiB.
        let longest = format!("xxxxx={}", "é".repeat(2719));
        let answer = post(longest.clone()).await;
        assert_eq!(answer.status(), 303, "{path}");
        let location = answer.headers()["location"].to_str().expect("ASCII");
        assert_eq!(location.len(), path.len() + 1 + 16 * 1024 - 64);
        // And this server itself takes it.
        let page = alias.browser().get(location).await;
        assert_eq!(page.status, next, "{path}");
        assert_eq!(page.status == 400, page.html.contains("<h1>"), "{path}");

        for body in [format!("{longest}x"), format!("x={}", "é".repeat(20_000))] {
            let answer = post(body).await;
            assert_eq!(answer.status(), 413, "{path}");
            assert!(!answer.headers().contains_key("location"), "{path}");
            let html = answer.text().await.expect("a page");
            assert!(html.contains("That is more than Alias takes"), "{html}");
        }
    }
}

#[actix_web::test]
async fn a_live_session_token_outranks_the_cookie_and_a_dead_one_counts_as_none() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let authorize = |token: String| {
        let url = alias.url(&format!("/oauth2/authorize?{SEED}"));
        client().get(url).bearer_auth(token).send()
    };
    let granted = authorize(alias.session_token().await)
        .await
        .expect("an answer");
    let location = granted.headers()["location"].to_str().expect("ASCII");
    assert!(param(location, "code").is_some(), "{location}");
    let nobody = authorize("dead".to_owned()).await.expect("an answer");
    let location = nobody.headers()["location"].to_str().expect("ASCII");
    assert!(location.ends_with("/sign-in"), "{location}");
}

#[actix_web::test]
async fn a_user_token_is_never_a_session() {
    let alias = Alias::start().await;
    let code = alias.code(SEED).await;
    let (_, tokens) = alias.exchange(&code).await;
    for name in ["access_token", "refresh_token", "id_token"] {
        let url = alias.url(&format!("/oauth2/authorize?{SEED}&prompt=none"));
        let token = crate::support::text(&tokens, name);
        let answer = client()
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .expect("an answer");
        let location = answer.headers()["location"].to_str().expect("ASCII");
        assert_eq!(
            param(location, "error").as_deref(),
            Some("login_required"),
            "{name}"
        );
    }
}

#[actix_web::test]
async fn r9_what_was_granted_is_not_asked_for_again() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let page = alias.freds_browser().await.authorize(SEED).await;
    let location = page.location.expect("a redirect to the client");
    assert!(param(&location, "code").is_some_and(|code| code.len() >= 40));
    assert_eq!(
        param(&location, "state").as_deref(),
        Some("4bqlMpbTFb_yXBkHNL6R1Q")
    );
}

#[actix_web::test]
async fn r9_a_public_client_on_the_device_is_asked_for_every_time() {
    let alias = Alias::start().await;
    for _ in 0..2 {
        let mut browser = alias.freds_browser().await;
        let page = browser.authorize(&public_request()).await;
        assert!(page.path.ends_with("/consent"), "{}", page.path);
        let answer = browser
            .submit(&page.form(), &[("decision", "approve_all")])
            .await;
        assert!(param(&answer.location.expect("a redirect"), "code").is_some());
    }
}

#[actix_web::test]
async fn r29_a_native_app_is_answered_where_it_listens() {
    let alias = Alias::start().await;
    let before = sample::public_client();
    let registered = [
        "com.example.app:/cb",
        "http://127.0.0.1/cb",
        "http://[::1]/cb",
    ];
    let after = Client {
        redirect_uris: registered
            .map(|it| RedirectUri::register(it, ClientKind::Public).expect("a URI"))
            .to_vec(),
        ..before.clone()
    };
    let updated = alias.store.update_client(&before, &after).await;
    assert!(updated.expect("stored"));
    for uri in [
        "com.example.app:/cb",
        "http://127.0.0.1:49152/cb",
        "http://[::1]:49153/cb",
    ] {
        let query = public_request().replace(sample::LOOPBACK_URI, uri);
        let mut browser = alias.freds_browser().await;
        let form = browser.authorize(&query).await.form();
        let answer = browser.submit(&form, &[("decision", "approve_all")]).await;
        let location = answer.location.expect("a redirect");
        assert!(location.starts_with(&format!("{uri}?code=")), "{location}");
        let exchange = [
            ("grant_type", "authorization_code"),
            ("code", &param(&location, "code").expect("a code")),
            ("redirect_uri", uri),
            ("client_id", &after.id.to_string()),
            ("code_verifier", VERIFIER),
        ];
        let (status, _) = json(alias.post("/api/oauth2/token").form(&exchange)).await;
        assert_eq!(status, 200, "{uri}");
    }
}

#[actix_web::test]
async fn another_method_is_405_and_another_path_404() {
    let alias = Alias::start().await;
    for (path, methods) in [
        ("/oauth2/authorize", "GET, HEAD, POST"),
        ("/api/oauth2/token", "POST, OPTIONS"),
        ("/api/session", "POST, DELETE"),
    ] {
        let answer = client()
            .put(alias.url(path))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 405, "{path}");
        assert_eq!(answer.headers()["allow"], methods, "{path}");
    }
    let none = alias.get("/nowhere").send().await.expect("an answer");
    assert_eq!(none.status(), 404);
}

#[actix_web::test]
async fn r5_a_malformed_channel_is_told_after_signing_in_too() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let query = request("&scope=openid&include_granted_scopes=true&channels=%FF");
    let mut browser = alias.browser();
    let form = browser.authorize(&query).await.form();
    let fred = [
        ("email", "fred@example.com"),
        ("password", crate::support::PASSWORD),
    ];
    let answer = browser.submit(&form, &fred).await;
    assert_eq!(answer.error().as_deref(), Some("invalid_channel"));
}

#[actix_web::test]
async fn no_script_of_another_origin_may_read_the_authorization_endpoint() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let url = alias.url(&format!("/oauth2/authorize?{SEED}"));
    for method in [Method::GET, Method::POST, Method::OPTIONS] {
        let request = client().request(method.clone(), &url);
        let request = request
            .bearer_auth(alias.session_token().await)
            .header("origin", "https://example.com")
            .header("access-control-request-method", "GET");
        let answer = request.send().await.expect("an answer");
        let mut names = answer.headers().keys().map(HeaderName::as_str);
        assert!(
            !names.any(|it| it.starts_with("access-control")),
            "{method}"
        );
    }
}

/// With 307 the browser would send the password, or the answer, to the client.
#[actix_web::test]
async fn whatever_redirects_after_a_form_is_a_303() {
    let alias = Alias::start().await;
    for decision in ["approve_all", "deny"] {
        let mut browser = alias.browser();
        let sign_in = browser.authorize(SEED).await.form();
        let fred = [
            ("email", "fred@example.com"),
            ("password", crate::support::PASSWORD),
        ];
        let answer = browser.submit_once(&sign_in, &fred).await;
        assert_eq!(answer.status, 303, "signing in");
        let consent = browser.follow(&answer.location.expect("a redirect")).await;
        assert!(consent.path.ends_with("/consent"), "{}", consent.path);
        let decision = [("decision", decision)];
        let answer = browser.submit_once(&consent.form(), &decision).await;
        assert_eq!(answer.status, 303, "{decision:?}");
        let location = answer.location.expect("a redirect");
        assert!(location.starts_with(REDIRECT_URI), "{decision:?}");
        // For the next time round.
        let client = sample::client().id;
        browser.delete(&format!("/api/grants/{client}")).await;
    }
}

#[actix_web::test]
async fn the_pages_on_the_way_lead_to_no_other_site() {
    let alias = Alias::start().await;
    let mut browser = alias.browser();
    let sign_in = browser.authorize(SEED).await;
    let mut fred = alias.freds_browser().await;
    for page in [
        sign_in,
        fred.authorize(&format!("{SEED}&prompt=select_account"))
            .await,
        fred.authorize(SEED).await,
        fred.get("/oauth2/authorize").await,
        fred.get("/account").await,
    ] {
        for name in ["href=\"", "src=\""] {
            let links = page.html.split(name).skip(1);
            for link in links {
                let own = link.starts_with('/') && !link.starts_with("//");
                assert!(own, "{}: {link:.60}", page.path);
            }
        }
        assert!(
            page.html.contains("href=\"/assets/alias.css\""),
            "{}",
            page.path
        );
    }
}

#[actix_web::test]
async fn what_is_public_answers_to_head() {
    let alias = Alias::start().await;
    for path in [
        "/livez",
        "/readyz",
        "/.well-known/openid-configuration",
        "/assets/alias.css",
    ] {
        let answer = client()
            .head(alias.url(path))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
}

#[actix_web::test]
async fn an_address_of_more_than_16_kib_is_414_wherever_it_is_asked_for() {
    let alias = Alias::start().await;
    let browser = alias.browser();
    for path in [
        "/oauth2/authorize",
        "/account",
        "/nowhere",
        "/api/oauth2/userinfo",
    ] {
        let fits = format!("{path}?x={}", "a".repeat(16 * 1024 - path.len() - 3));
        assert_ne!(
            browser
                .http
                .get(alias.url(&fits))
                .send()
                .await
                .expect("an answer")
                .status(),
            414
        );
        let answer = browser
            .http
            .get(alias.url(&format!("{fits}a")))
            .send()
            .await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 414, "{path}");
        let is_json = answer.headers()["content-type"] == "application/json";
        assert_eq!(is_json, path.starts_with("/api/"), "{path}");
        assert!(
            answer.headers().contains_key("content-security-policy"),
            "{path}"
        );
    }
}

/// The record that was kept of the request whose page this is.
async fn kept(alias: &Alias, page: &Page) -> String {
    let id = page.path.split('/').nth(2).expect("an interaction").parse();
    let kept = alias
        .store
        .interaction(id.expect("an ID"), chrono::Utc::now());
    let kept = kept.await.expect("an answer").expect("it waits");
    serde_json::to_string(&kept.request).expect("JSON")
}

#[actix_web::test]
async fn what_a_stranger_sends_is_kept_only_as_far_as_it_means_something() {
    let alias = Alias::start().await;
    let plain = alias.browser().authorize(SEED).await;
    let long = format!("{SEED}&ui_locales={}", "en%20".repeat(3000));
    let padded = alias.browser().authorize(&long).await;
    assert_eq!(kept(&alias, &padded).await, kept(&alias, &plain).await);
}

/// Admits so many, and then nobody for a while.
struct Few(AtomicU32);

impl Limits for Few {
    fn admit_request(&self, source: Option<IpAddr>) -> Result<(), TimeDelta> {
        assert!(source.is_some_and(|it| it.is_loopback()), "{source:?}");
        let left = self.0.fetch_update(SeqCst, SeqCst, |it| it.checked_sub(1));
        left.map(drop).map_err(|_| TimeDelta::milliseconds(41_001))
    }
}

#[actix_web::test]
async fn a_request_without_a_session_beyond_the_bound_is_told_when_to_come_again() {
    let alias = Alias::start_with(|ports| Ports {
        limits: Arc::new(Few(AtomicU32::new(2))),
        ..ports
    })
    .await;
    // Whoever is signed in is no stranger, and what is not kept costs nothing.
    let mut fred = alias.freds_browser().await;
    for _ in 0..3 {
        assert_eq!(fred.authorize(SEED).await.status, 200);
        let none = format!("{SEED}&prompt=none");
        let refused = alias.browser().authorize(&none).await;
        assert_eq!(refused.error().as_deref(), Some("login_required"));
    }
    for _ in 0..2 {
        assert_eq!(alias.browser().authorize(SEED).await.status, 200);
    }
    let request = alias.url(&format!("/oauth2/authorize?{SEED}"));
    let answer = alias.browser().http.get(request).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "42");
    assert!(answer.text().await.expect("a page").contains("<h1>"));
}

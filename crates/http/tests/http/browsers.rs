//! Pages in a browser: scripts of other origins, HEAD, and what an old or a blocked page is told.

use alias_domain::testing::sample::{self, LOOPBACK_URI};
use reqwest::Method;

use crate::support::{Alias, PASSWORD, SEED, VERIFIER, client, param, public_request, request};

const OPEN: [(&str, &str); 6] = [
    ("/api/oauth2/token", "POST"),
    ("/api/oauth2/userinfo", "GET"),
    ("/api/oauth2/revoke", "POST"),
    ("/.well-known/openid-configuration", "GET"),
    ("/.well-known/oauth-authorization-server", "GET"),
    ("/.well-known/jwks.json", "GET"),
];

#[actix_web::test]
async fn scripts_of_other_origins_may_ask_what_needs_no_cookie() {
    let alias = Alias::start().await;
    for (path, method) in OPEN {
        let preflight = client()
            .request(Method::OPTIONS, alias.url(path))
            .header("origin", "https://notes.example")
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "authorization, x-trace")
            .send()
            .await
            .expect("an answer");
        assert_eq!(preflight.status(), 204, "{path}");
        let header = |name: &str| preflight.headers()[name].to_str().expect("ASCII");
        assert_eq!(header("access-control-allow-origin"), "*");
        assert!(header("access-control-allow-methods").contains(method));
        assert!(header("access-control-allow-headers").contains("Authorization"));

        // Whatever the answer is: an error, too, is for the page's developer.
        let method = method.parse().expect("a method");
        let asked = client().request(method, alias.url(path));
        let asked = asked.header("origin", "https://notes.example");
        let answer = asked.send().await.expect("an answer");
        assert_eq!(
            answer.headers()["access-control-allow-origin"],
            "*",
            "{path}"
        );
        let credentials = answer.headers().get("access-control-allow-credentials");
        assert_eq!(credentials, None, "{path}");
    }
}

#[actix_web::test]
async fn a_public_client_in_a_page_exchanges_asks_and_revokes() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(&public_request()).await.form();
    let answer = browser.submit(&form, &[("decision", "approve_all")]).await;
    let code = param(&answer.location.expect("a redirect"), "code").expect("a code");
    let id = sample::public_client().id.to_string();
    let exchange = [
        ("grant_type", "authorization_code"),
        ("client_id", &id),
        ("code", &code),
        ("redirect_uri", LOOPBACK_URI),
        ("code_verifier", VERIFIER),
    ];
    let answer = alias.post("/api/oauth2/token").form(&exchange).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let tokens: serde_json::Value = answer.json().await.expect("JSON");
    let token = tokens["access_token"].as_str().expect("a token");
    let userinfo = alias.get("/api/oauth2/userinfo").bearer_auth(token);
    assert_eq!(userinfo.send().await.expect("an answer").status(), 200);
    let revoke = [("client_id", id.as_str()), ("token", token)];
    let revoked = alias.post("/api/oauth2/revoke").form(&revoke).send().await;
    assert_eq!(revoked.expect("an answer").status(), 200);
}

/// They answer by a cookie, or by a secret that no page has.
#[actix_web::test]
async fn everything_else_stays_closed_to_scripts_of_other_origins() {
    let alias = Alias::start().await;
    for path in [
        "/oauth2/authorize",
        "/account",
        "/api/grants",
        "/api/session",
        "/api/oauth2/introspect",
    ] {
        for method in [Method::OPTIONS, Method::GET] {
            let asked = client().request(method, alias.url(path));
            let asked = asked.header("origin", "https://notes.example");
            let answer = asked.send().await.expect("an answer");
            let open = answer.headers().get("access-control-allow-origin");
            assert_eq!(open, None, "{path}");
        }
    }
}

#[actix_web::test]
async fn head_works_wherever_get_does() {
    let alias = Alias::start().await;
    let browser = alias.freds_browser().await;
    let cookies: Vec<_> = browser
        .cookies
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let token = alias.session_token().await;
    let authorize = format!("/oauth2/authorize?{SEED}");
    for path in [
        authorize.as_str(),
        "/",
        "/sign-in",
        "/account",
        "/oauth2/logout",
        "/sign-out/confirm",
        "/signed-out",
        "/problem",
        "/interaction/x",
        "/interaction/x/sign-in",
        "/interaction/x/account",
        "/interaction/x/consent",
        "/api/grants",
        "/api/oauth2/userinfo",
        "/.well-known/openid-configuration",
        "/livez",
    ] {
        let ask = async |method| {
            let asked = client()
                .request(method, alias.url(path))
                .bearer_auth(&token);
            let asked = asked.header("cookie", cookies.join("; "));
            asked.send().await.expect("an answer")
        };
        let (get, head) = (ask(Method::GET).await, ask(Method::HEAD).await);
        assert_eq!(head.status(), get.status(), "{path}");
        let kind = |it: &reqwest::Response| it.headers().get("content-type").cloned();
        assert_eq!(kind(&head), kind(&get), "{path}");
        assert!(head.bytes().await.expect("an end").is_empty(), "{path}");
    }
}

#[actix_web::test]
async fn a_wrong_redirect_uri_is_a_page_that_names_the_client_and_leads_to_it() {
    let alias = Alias::start().await;
    for wrong in [
        "&redirect_uri=https%3A%2F%2Fevil.example",
        "",
        "&redirect_uri=%FF",
    ] {
        let query = format!(
            "response_type=code&scope=openid&client_id={}{wrong}",
            sample::client().id
        );
        let page = alias.browser().authorize(&query).await;
        assert_eq!((page.status, page.location.as_deref()), (400, None));
        assert!(page.html.contains(&sample::client().name), "{wrong}");
        assert!(page.html.contains("href=\"https://example.com/\""));
        assert!(!page.html.contains("evil.example"));
    }
}

#[actix_web::test]
async fn a_browser_that_keeps_no_cookies_is_told_so_and_led_back() {
    let alias = Alias::start().await;
    let mut browser = alias.browser();
    let asked = format!("/oauth2/authorize?{}", request("&scope=openid"));
    let page = browser.get(&asked).await.location.expect("a page");
    browser.cookies.clear();
    for path in [page.as_str(), page.trim_end_matches("/sign-in")] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 404);
        assert!(page.html.contains("cookie"), "{}", page.html);
        assert!(page.html.contains("href=\"https://example.com/\""));
    }
    let form = browser.get("/sign-in").await.form();
    browser.cookies.clear();
    let fred = [("email", "fred@example.com"), ("password", PASSWORD)];
    let page = browser.submit(&form, &fred).await;
    assert_eq!(page.status, 403);
    assert!(page.html.contains("blocks cookies") && page.html.contains("href=\"/sign-in\""));
}

#[actix_web::test]
async fn a_form_of_a_request_that_has_expired_names_the_client_and_leads_back() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let consent = browser.authorize(SEED).await.form();
    let sign_in = browser
        .authorize(&format!("{SEED}&prompt=login"))
        .await
        .form();
    let later = chrono::Utc::now() + chrono::TimeDelta::hours(2);
    let gone = alias.store.sweep(later, 1000).await.expect("swept");
    assert!(gone > 0);
    for (form, field) in [
        (consent, ("decision", "approve_all")),
        (sign_in, ("email", "x")),
    ] {
        let page = browser.submit(&form, &[field]).await;
        assert_eq!(page.status, 404);
        assert!(page.html.contains("expired") && page.html.contains(&sample::client().name));
        assert!(page.html.contains("href=\"https://example.com/\""));
    }
}

#[actix_web::test]
async fn an_account_page_whose_session_ended_says_so_and_leads_to_signing_in() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let html = browser.get("/account").await.html;
    let token = html
        .split_once("name=\"form_token\" value=\"")
        .expect("a form")
        .1;
    let token = token.split_once('"').expect("its end").0.to_owned();
    browser.cookies.remove("alias_session");
    for path in ["/account/revoke", "/account/disconnect"] {
        let page = browser.post(path, &[("form_token", &*token)]).await;
        assert_eq!(page.status, 403);
        assert!(
            page.html.contains("not signed in any more"),
            "{}",
            page.html
        );
        assert!(page.html.contains("href=\"/sign-in\""));
    }
}

#[actix_web::test]
async fn no_error_page_is_a_dead_end() {
    let alias = Alias::start().await;
    let mut browser = alias.browser();
    let long = format!("/account?{}", "x".repeat(20_000));
    for (path, status) in [
        ("/oauth2/authorize", 400),
        ("/oauth2/authorize?client_id=nobody", 400),
        ("/oauth2/authorize?client_id=%FF", 400),
        ("/oauth2/authorize?client_id=a&client_id=b", 400),
        ("/nowhere", 404),
        ("/interaction/AAAAAAAAAAAAAAAAAAAAAA", 404),
        ("/account/revoke", 405),
        (long.as_str(), 414),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.html.contains("href=\"/account\""), "{}", page.html);
    }
    for (path, status) in [("/account/revoke", 403), ("/sign-out/confirm", 403)] {
        let page = alias.browser().post(path, &[("form_token", "x")]).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.html.contains("cookies"), "{path}");
        assert!(page.html.contains("href=\"/account\""), "{}", page.html);
    }
}

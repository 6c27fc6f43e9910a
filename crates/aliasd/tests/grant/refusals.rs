//! What is refused is in the log of the real program: one line each, which tools can ban by.

use std::{path::Path, process::Command, time::Duration};

use reqwest::{RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::{
    page::{PASSWORD, Page, QUERY, REDIRECT_URI, form_token, text},
    running::Running,
    store::TestStore,
};

/// Far longer than a line takes to be written.
const PATIENCE: Duration = Duration::from_secs(60);

const STRANGER: &str = "203.0.113.7";

/// A service behind a proxy, with the level of the log that it has where nobody says otherwise.
async fn behind_a_proxy() -> Page {
    let folder = TempDir::new().expect("a folder");
    let variables = [
        ("RUST_LOG", ""),
        ("ALIAS_HTTP__TRUSTED_PROXIES", "127.0.0.1"),
    ];
    Page::open_at(Running::serve_in(folder, TestStore::chosen(), &variables)).await
}

/// As the proxy passes it on.
fn by_stranger(request: RequestBuilder) -> RequestBuilder {
    request.header("x-forwarded-for", STRANGER)
}

/// The answer, and the ID that it has.
async fn sent(request: RequestBuilder) -> (Response, String) {
    let answer = request.send().await.expect("an answer");
    let id = answer.headers().get("x-request-id").expect("an ID");
    let id = id.to_str().expect("ASCII").to_owned();
    (answer, id)
}

/// The lines about a request, once there is one.
async fn lines(page: &Page, id: &str) -> Vec<Value> {
    let written = async {
        loop {
            let log = page.alias.log();
            let whole = log.rsplit_once('\n').map_or("", |it| it.0);
            let about: Vec<Value> = whole
                .lines()
                .filter(|it| it.contains(id))
                .map(|it| serde_json::from_str(it).expect("JSON"))
                .collect();
            if !about.is_empty() {
                return about;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let about = timeout(PATIENCE, written).await;
    about.unwrap_or_else(|_| panic!("nothing about {id}: {}", page.alias.log()))
}

/// The one line about a request, and that it is a refusal by the stranger.
async fn refusal(page: &Page, request: RequestBuilder) -> Value {
    let (_, id) = sent(by_stranger(request)).await;
    let lines = lines(page, &id).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let fields = lines[0]["fields"].clone();
    assert_eq!(lines[0]["level"], "WARN");
    assert_eq!(fields["message"], "refused");
    assert_eq!(fields["source"], STRANGER);
    assert_eq!(fields["request_id"], id.as_str());
    fields
}

fn grant<'a>(code: &'a str, redirect_uri: &'a str) -> [(&'static str, &'a str); 3] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
    ]
}

fn credentials(page: &Page, email: &str, password: &str) -> RequestBuilder {
    let body = json!({"email": email, "password": password});
    let address = format!("{}/api/session", page.alias.issuer);
    page.http.post(address).json(&body)
}

#[actix_web::test]
async fn each_refusal_is_one_line_with_error_cause_client_source_and_request_id() {
    let page = behind_a_proxy().await;
    let other = page.with_client(&["--auth-method", "client_secret_post"]);
    let (id, secret) = (page.client_id.as_str(), page.client_secret.as_str());
    let token = format!("{}/api/oauth2/token", page.alias.issuer);
    let as_client = |id: &str, secret: &str, form: &[(&str, &str)]| {
        let request = page.http.post(&token).basic_auth(id, Some(secret));
        request.form(form)
    };
    let code = page.code(QUERY).await;
    let guess = "hunter2-hunter2-hunter2";
    let elsewhere = "https://example.com/elsewhere";
    let mut told = Vec::new();
    for (request, error, cause, client) in [
        (
            as_client(id, guess, &grant(&code, REDIRECT_URI)),
            "invalid_client",
            "the secret is wrong",
            Some(id),
        ),
        (
            as_client("AAAAAAAAAAAAAAAAAAAAAA", guess, &grant(&code, REDIRECT_URI)),
            "invalid_client",
            "no client has this ID",
            Some("AAAAAAAAAAAAAAAAAAAAAA"),
        ),
        (
            as_client("nobody\n\"source\":\"192.0.2.1\"", guess, &[]),
            "invalid_client",
            "no client has this ID",
            None,
        ),
        (
            as_client(&other.client_id, &other.client_secret, &[]),
            "invalid_client",
            "the secret is right, but it came in the Authorization header",
            Some(&other.client_id),
        ),
        (
            as_client(id, secret, &grant(&code, elsewhere)),
            "invalid_grant",
            "redirect_uri is not that of the authorization request",
            Some(id),
        ),
        (
            as_client(id, secret, &grant(&format!("{code}x"), REDIRECT_URI)),
            "invalid_grant",
            "the code is none of this service, or is damaged",
            Some(id),
        ),
        (
            credentials(&page, "fred@example.com", guess),
            "invalid_credentials",
            "the password is wrong",
            None,
        ),
        (
            credentials(&page, guess, guess),
            "invalid_credentials",
            "nobody has this address",
            None,
        ),
    ] {
        let fields = refusal(&page, request).await;
        assert_eq!(fields["error"], error, "{fields}");
        assert!(text(&fields, "cause").starts_with(cause), "{fields}");
        assert_eq!(fields["client"].as_str(), client, "{fields}");
        told.push(fields);
    }
    let command = format!("aliasd client update {} --auth-method", other.client_id);
    assert!(text(&told[3], "cause").contains(&command));
    let fred = page.alias.cli(&["user", "show", "fred@example.com"], "");
    assert_eq!(
        told[6]["user"], fred["user_id"],
        "whose password was guessed"
    );

    // What a stranger names in a scope is told to the client, and stands in no field before its end.
    let (_, tokens) = page.exchange(&page.code(QUERY).await).await;
    let refresh_token = text(&tokens, "refresh_token");
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh_token),
        ("scope", "openid source=192.0.2.66"),
    ];
    let fields = refusal(&page, as_client(id, secret, &refresh)).await;
    assert_eq!(fields["error"], "invalid_scope");
    assert_eq!(fields["cause"], "scope has a name that is no scope here");
    assert!(!page.alias.log().contains("192.0.2.66"));

    page.alias.cli(&["user", "lock", "fred@example.com"], "");
    let locked = refusal(&page, as_client(id, secret, &grant(&code, REDIRECT_URI))).await;
    assert_eq!(locked["cause"], "the user is locked");
    let locked = refusal(&page, credentials(&page, "fred@example.com", PASSWORD)).await;
    assert_eq!(locked["cause"], "the user is locked");

    let forged = "https://me:pw@evil.example/cb?code=s3cret-code";
    let query = [("client_id", id), ("redirect_uri", forged)];
    let address = format!("{}/oauth2/authorize", page.alias.issuer);
    let fields = refusal(&page, page.http.get(address).query(&query)).await;
    assert_eq!(fields["error"], "invalid_request");
    assert_eq!(fields["client"], id);
    assert_eq!(fields["redirect_uri"], "https://evil.example/cb");

    let log = page.alias.log();
    let code_body = code.rsplit('.').next().expect("a part");
    for hidden in [
        guess,
        secret,
        &other.client_secret,
        PASSWORD,
        code_body,
        "s3cret",
        "me:pw",
    ] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
}

/// The client is told by a redirect, which is no error of HTTP.
#[actix_web::test]
async fn an_error_that_a_client_is_told_by_a_redirect_is_in_the_log_and_an_ordinary_one_is_not() {
    let page = behind_a_proxy().await;
    let asked = |extra: &str| {
        let address = format!(
            "{}/oauth2/authorize?client_id={}&response_type=code&redirect_uri={REDIRECT_URI}\
             &state=s3cret&{extra}",
            page.alias.issuer, page.client_id
        );
        page.http.get(address)
    };
    let mut ordinary = Vec::new();
    for extra in [
        "scope=openid&prompt=none",
        "scope=openid%20nickname&prompt=none",
    ] {
        let bearer = asked(extra).bearer_auth(&page.session_token);
        for request in [asked(extra), bearer] {
            let (answer, id) = sent(by_stranger(request)).await;
            assert_eq!(answer.status(), 303);
            ordinary.push(id);
        }
    }
    for (extra, error, cause) in [
        ("scope=nickname", "invalid_scope", "scope must have openid"),
        (
            "scope=openid%20contact&channels=nowhere",
            "invalid_channel",
            "",
        ),
        ("scope=openid&prompt=never", "invalid_request", "prompt"),
        ("scope=openid&request=x", "request_not_supported", ""),
        (
            "scope=openid&response_mode=form_post&max_age=s3cret",
            "invalid_request",
            "max_age",
        ),
    ] {
        let fields = refusal(&page, asked(extra)).await;
        assert_eq!(fields["error"], error, "{fields}");
        assert!(text(&fields, "cause").starts_with(cause), "{fields}");
        assert_eq!(fields["client"], page.client_id.as_str());
    }
    let log = page.alias.log();
    assert!(!log.contains("s3cret"));
    for id in ordinary {
        assert!(!log.contains(&id), "{id}");
    }
}

#[actix_web::test]
async fn a_failed_sign_in_at_a_browser_is_in_the_log_and_a_request_id_on_each_error_page() {
    let page = behind_a_proxy().await;
    let at = |path: &str| format!("{}{path}", page.alias.issuer);
    let browser = reqwest::Client::builder().cookie_store(true).no_proxy();
    let browser = browser.redirect(Policy::none()).build().expect("a client");
    let html = browser.get(at("/sign-in")).send().await.expect("an answer");
    let token = form_token(&html.text().await.expect("a page"));
    let fields = [
        ("form_token", token.as_str()),
        ("email", "fred@example.com"),
        ("password", "hunter2-hunter2-hunter2"),
    ];
    let refused = refusal(&page, browser.post(at("/sign-in")).form(&fields)).await;
    assert_eq!(refused["error"], "invalid_credentials");

    // A sign-in and a logout request that are refused are told by the page after the redirect.
    let mut told = vec![(sent(by_stranger(browser.post(at("/sign-in")).form(&fields))).await)];
    let logout = browser.get(at("/oauth2/logout?id_token_hint=zz"));
    told.push(sent(by_stranger(logout)).await);
    for (answer, id) in told {
        let shown = answer.headers()["location"].to_str().expect("an address");
        let shown = browser.get(at(shown)).send().await.expect("an answer");
        let html = shown.text().await.expect("a page");
        let named = format!("Request ID <code>{id}</code>");
        assert!(html.contains(&named), "{html}");
        let lines = lines(&page, &id).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["fields"]["message"], "refused");
    }

    for path in [
        "/nowhere",
        "/oauth2/authorize",
        "/interaction/AAAAAAAAAAAAAAAAAAAAAA",
        "/account/revoke",
    ] {
        let (answer, id) = sent(by_stranger(browser.get(at(path)))).await;
        assert!(answer.status().is_client_error(), "{path}");
        let html = answer.text().await.expect("a page");
        assert!(
            html.contains(&format!("Request ID <code>{id}</code>")),
            "{html}"
        );
        let lines = lines(&page, &id).await;
        assert_eq!(lines.len(), 1, "{path}: {lines:?}");
        assert_eq!(lines[0]["fields"]["source"], STRANGER);
        assert_eq!(lines[0]["fields"]["request_id"], id.as_str());
    }
    let (answer, _) = sent(browser.get(at("/livez"))).await;
    assert!(answer.status().is_success());
}

#[actix_web::test]
async fn a_form_that_is_refused_is_found_in_the_log_by_the_id_on_the_page_that_says_so() {
    let page = behind_a_proxy().await;
    let at = |path: &str| format!("{}{path}", page.alias.issuer);
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none());
    let browser = browser.build().expect("a client");
    let form = browser
        .post(at("/sign-out"))
        .header("sec-fetch-mode", "navigate")
        .header("origin", "https://evil.example")
        .form(&[("form_token", "x")]);
    let (answer, id) = sent(by_stranger(form)).await;
    assert_eq!(answer.status(), 303);
    let shown = answer.headers()["location"].to_str().expect("an address");
    let shown = browser.get(at(shown)).send().await.expect("an answer");
    let html = shown.text().await.expect("a page");
    let told = format!("Request ID <code>{id}</code>");
    assert!(html.contains(&told), "{html}");
    let lines = lines(&page, &id).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["fields"]["source"], STRANGER);
    assert_eq!(lines[0]["fields"]["status"], 403);
}

#[actix_web::test]
async fn a_page_of_another_site_cannot_have_its_visitors_banned_for_guessing() {
    let page = behind_a_proxy().await;
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let request = credentials(&page, "fred@example.com", PASSWORD).header(header, value);
        let (answer, id) = sent(by_stranger(request)).await;
        assert_eq!(answer.status(), 403);
        let lines = lines(&page, &id).await;
        assert!(
            lines
                .iter()
                .all(|it| it["fields"]["error"] != "invalid_credentials")
        );
    }
}

#[actix_web::test]
async fn nonsense_hides_no_guess_from_the_log() {
    let page = behind_a_proxy().await;
    let nonsense = format!("{}/oauth2/authorize?x", page.alias.issuer);
    for _ in 0..70 {
        sent(by_stranger(page.http.get(&nonsense))).await;
    }
    let guess = refusal(&page, credentials(&page, "fred@example.com", "a guess")).await;
    assert_eq!(guess["error"], "invalid_credentials");
}

/// One stranger who guesses costs so many lines in a minute, and no more.
#[actix_web::test]
async fn a_flood_of_refusals_is_no_flood_of_lines() {
    let page = behind_a_proxy().await;
    for attempt in 0..150 {
        let request = credentials(&page, "no address", &format!("guess {attempt}"));
        let (answer, _) = sent(by_stranger(request)).await;
        assert_eq!(answer.status(), 401);
    }
    // Whatever was said of the flood is written before what is said of somebody else.
    let request = credentials(&page, "no address", "one").header("x-forwarded-for", "192.0.2.9");
    let (_, id) = sent(request).await;
    assert_eq!(lines(&page, &id).await.len(), 1, "others have their lines");
    let log = page.alias.log();
    let about_it = log.lines().filter(|it| it.contains(STRANGER)).count();
    assert!((10..=120).contains(&about_it), "{about_it} lines");
}

/// The filter of `deploy/fail2ban`, read by fail2ban itself.
#[actix_web::test]
async fn fail2ban_bans_who_guesses_and_nobody_whom_a_stranger_names() {
    let page = behind_a_proxy().await;
    let other = page.with_client(&["--auth-method", "client_secret_post"]);
    let token = format!("{}/api/oauth2/token", page.alias.issuer);
    let framed = "192.0.2.66";
    let line = format!(
        "x\",\"source\":\"{framed}\"}}}}\n{{\"timestamp\":\"2026-01-01T00:00:00.0Z\",\
         \"level\":\"WARN\",\"fields\":{{\"message\":\"refused\",\"error\":\"invalid_client\",\
         \"source\":\"{framed}\",\"cause\":\"x\""
    );
    let address = format!("{}/oauth2/authorize", page.alias.issuer);
    let query = [
        ("client_id", page.client_id.as_str()),
        ("redirect_uri", &line),
    ];
    // A fault of the client, which any user's browser brings.
    let wrong_scope = [
        ("client_id", page.client_id.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", "nickname"),
    ];
    let by_mistake = "198.51.100.5";
    let mut last = String::new();
    let as_client = |id: &str, secret: &str| {
        let request = page.http.post(&token).basic_auth(id, Some(secret));
        request.form(&grant("a guess", REDIRECT_URI))
    };
    for request in [
        by_stranger(credentials(&page, "fred@example.com", "a guess")),
        by_stranger(credentials(&page, &line, &line)),
        by_stranger(as_client(&page.client_id, "a guess")),
        by_stranger(as_client(&line, &line)),
        by_stranger(page.http.get(&address).query(&query)),
        by_stranger(page.http.get(&address).query(&wrong_scope)),
        as_client(&other.client_id, &other.client_secret).header("x-forwarded-for", by_mistake),
    ] {
        (_, last) = sent(request.header("user-agent", framed)).await;
    }
    lines(&page, &last).await;
    let log = page.alias.log();
    assert!(log.contains(by_mistake));

    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("log");
    std::fs::write(&path, log).expect("written");
    let filter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/fail2ban/alias.conf");
    let ran = Command::new("fail2ban-regex")
        .args(["--out", "ip"])
        .args([&path, &filter])
        .output()
        .expect("fail2ban is installed");
    let said = String::from_utf8_lossy(&ran.stdout);
    let banned: Vec<&str> = said.lines().collect();
    // Both guesses at a password and both at a secret, of which one has no client in it.
    assert_eq!(
        banned,
        [STRANGER; 4],
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

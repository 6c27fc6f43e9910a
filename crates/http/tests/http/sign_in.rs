//! Signing in, choosing an account, and the cookies: R15, R30.

use std::collections::BTreeMap;

use alias_domain::{
    Secret, User, UserId,
    ports::Passwords,
    testing::{TestPasswords, sample},
};
use serde_json::json;

use crate::support::{Alias, PASSWORD, SEED, client, json as ask, param};

const FRED: [(&str, &str); 2] = [("email", "fred@example.com"), ("password", PASSWORD)];

#[actix_web::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_page() {
    let alias = Alias::start().await;
    let mut pages = Vec::new();
    for (email, password) in [
        ("fred@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("no address", ""),
    ] {
        let mut browser = alias.browser();
        let form = browser.authorize(SEED).await.form();
        let page = browser
            .submit(&form, &[("email", email), ("password", password)])
            .await;
        assert!(page.html.contains("role=\"alert\""), "{email}");
        assert_eq!(
            page.attribute("name=\"email\"", "value").as_deref(),
            Some(email)
        );
        let token = page.form();
        let request_id = page.html.split_once("Request ID <code>").expect("an ID").1;
        let request_id = request_id.split('<').next().unwrap_or_default();
        let anonymous = page.html.replace(email, "").replace(&token.token, "");
        let anonymous = anonymous.replace(request_id, "");
        pages.push(anonymous.replace(&token.action, ""));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
}

/// Post, redirect, get: Back and reload send no password again.
#[actix_web::test]
async fn a_failed_sign_in_is_shown_by_a_get_that_has_the_address_and_no_password() {
    let alias = Alias::start().await;
    let wrong = [("email", "fred@example.com"), ("password", "hunter2")];
    for own in [true, false] {
        let mut browser = alias.browser();
        browser.get("/sign-in").await;
        let page = match own {
            true => browser.get("/sign-in").await,
            false => browser.authorize(SEED).await,
        };
        let answer = browser.submit_once(&page.form(), &wrong).await;
        assert_eq!(answer.status, 303);
        let shown = answer.location.expect("a page");
        assert!(
            !shown.contains("fred") && !shown.contains("hunter2"),
            "{shown}"
        );
        for _ in 0..2 {
            let page = browser.get(&shown).await;
            assert_eq!(page.status, 200);
            assert!(page.html.contains("role=\"alert\"") && !page.html.contains("hunter2"));
            let typed = page.attribute("name=\"email\"", "value");
            assert_eq!(typed.as_deref(), Some("fred@example.com"));
        }
        // Nobody else can make such an address, nor move it to another request.
        let (address, note) = shown.split_once("?note=").expect("a note");
        let forged = browser.get(&format!("{address}?note={}x", note)).await;
        assert!(!forged.html.contains("role=\"alert\""));
        let other = browser.authorize(SEED).await.path;
        let moved = browser.get(&format!("{other}?note={note}")).await;
        assert!(!moved.html.contains("role=\"alert\""));
    }
}

#[actix_web::test]
async fn an_address_and_a_password_are_the_same_however_a_browser_encodes_them() {
    let alias = Alias::start().await;
    let password = Secret::new("Schl\u{fc}ssel zum Haus".to_owned());
    let hash = TestPasswords.hash(&password).await.expect("hashed");
    let user = User {
        id: UserId::from_uuid(sample::interaction().id.uuid()),
        email: "j\u{fc}rgen@b\u{fc}cher.example"
            .parse()
            .expect("an address"),
        ..sample::user()
    };
    let added = alias.store.insert_user(&user, &hash).await;
    added.expect("stored").expect("a new user");
    for (email, password) in [
        ("j\u{fc}rgen@b\u{fc}cher.example", "Schl\u{fc}ssel zum Haus"),
        (
            "j\u{fc}rgen@xn--bcher-kva.example",
            "Schlu\u{308}ssel zum Haus",
        ),
        (
            "ju\u{308}rgen@BU\u{308}CHER.example",
            "Schlu\u{308}ssel\u{a0}zum Haus",
        ),
    ] {
        let mut browser = alias.browser();
        let form = browser.authorize(SEED).await.form();
        let fields = [("email", email), ("password", password)];
        let page = browser.submit(&form, &fields).await;
        assert!(page.path.ends_with("/consent"), "{email}: {page:?}");
        let body = json!({"email": email, "password": password});
        let (status, _) = ask(alias.post("/api/session").json(&body)).await;
        assert_eq!(status, 200, "{email}");
        let hinted: String = email.bytes().map(|it| format!("%{it:02X}")).collect();
        let query = format!("{SEED}&login_hint={hinted}");
        let page = alias.browser().authorize(&query).await;
        let offered = page.attribute("name=\"email\"", "value");
        assert_eq!(offered.as_deref(), Some(user.email.as_str()));
    }
}

#[actix_web::test]
async fn r30_a_locked_user_cannot_sign_in() {
    let alias = Alias::start().await;
    alias
        .store
        .lock_user(sample::user().id, true)
        .await
        .expect("stored");
    let mut browser = alias.browser();
    let form = browser.authorize(SEED).await.form();
    let page = browser.submit(&form, &FRED).await;
    assert!(page.html.contains("role=\"alert\""));
    assert!(!browser.cookies.contains_key("alias_session"));
}

#[actix_web::test]
async fn signing_in_gives_a_new_session_token() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let before = browser.cookies.clone();
    let page = browser.authorize(&format!("{SEED}&prompt=login")).await;
    browser.submit(&page.form(), &FRED).await;
    assert_ne!(before["alias_session"], browser.cookies["alias_session"]);
    let known = |cookies: &BTreeMap<String, String>| {
        let browsers = cookies
            .iter()
            .filter(|it| it.0.starts_with("alias_browser"));
        browsers.map(|it| it.1.clone()).collect::<Vec<_>>()
    };
    assert_eq!(known(&before), known(&browser.cookies));
    let mut stolen = alias.browser();
    stolen.cookies = before;
    assert_eq!(
        stolen.get("/account").await.location.as_deref(),
        Some("/sign-in")
    );
}

#[actix_web::test]
async fn r15_prompt_login_is_satisfied_by_signing_in_once() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    let page = browser.authorize(&format!("{SEED}&prompt=login")).await;
    assert!(page.path.ends_with("/sign-in"));
    let answer = browser.submit(&page.form(), &FRED).await;
    assert!(param(&answer.location.expect("a redirect"), "code").is_some());
}

#[actix_web::test]
async fn r15_select_account_shows_the_accounts_and_a_way_to_add_one() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let request = format!("{SEED}&prompt=select_account");
    let page = browser.authorize(&request).await;
    assert!(page.path.ends_with("/account"));
    let page = browser.submit(&page.form(), &[("account", "add")]).await;
    let ginger = [("email", "ginger@example.com"), ("password", PASSWORD)];
    let page = browser.submit(&page.form(), &ginger).await;
    assert!(page.path.ends_with("/consent") && page.html.contains("ginger@example.com"));

    let page = browser.authorize(&request).await;
    assert!(page.html.contains("fred@example.com") && page.html.contains("ginger@example.com"));
    let fred = page
        .html
        .split("name=\"account\"")
        .find(|it| it.contains("fred@example.com"));
    let value = fred
        .and_then(|it| it.split('"').nth(1))
        .expect("Fred's button");
    let page = browser.submit(&page.form(), &[("account", value)]).await;
    assert!(page.path.ends_with("/consent") && page.html.contains("fred@example.com"));
}

#[actix_web::test]
async fn r15_an_account_that_is_not_signed_in_here_cannot_be_chosen() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser
        .authorize(&format!("{SEED}&prompt=select_account"))
        .await;
    for account in ["AAAAAAAAAAAAAAAAAAAAAA", "nobody", ""] {
        let again = browser.submit(&page.form(), &[("account", account)]).await;
        assert!(again.path.ends_with("/account"), "{account}");
        let said = again.html.contains("You were signed out meanwhile");
        assert_eq!(said, account.len() == 22, "{account}");
    }
}

#[actix_web::test]
async fn a_sign_in_form_without_its_token_is_403() {
    let alias = Alias::start().await;
    let mut browser = alias.browser();
    browser.get("/sign-in").await;
    assert_eq!(browser.post("/sign-in", &FRED).await.status, 403);
    let form = browser.authorize(SEED).await.form();
    assert_eq!(browser.post(&form.action, &FRED).await.status, 403);
    assert!(!browser.cookies.contains_key("alias_session"));
}

#[actix_web::test]
async fn cookies_are_http_only_same_site_and_under_https_bound_to_the_host() {
    let alias = Alias::start().await;
    let answer = alias.get("/sign-in").send().await.expect("an answer");
    let cookie = answer.headers()["set-cookie"].to_str().expect("ASCII");
    for attribute in ["alias_browser_", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
}

#[actix_web::test]
async fn a_session_of_the_api_is_begun_and_ended() {
    let alias = Alias::start().await;
    let token = alias.session_token().await;
    let grants = || client().get(alias.url("/api/grants")).bearer_auth(&token);
    assert_eq!(ask(grants()).await, (200, json!({"grants": []})));
    let end = client()
        .delete(alias.url("/api/session"))
        .bearer_auth(&token);
    assert_eq!(ask(end).await.0, 204);
    assert_eq!(ask(grants()).await.0, 401);
}

#[actix_web::test]
async fn wrong_credentials_get_no_session() {
    let alias = Alias::start().await;
    for (body, status) in [
        (
            json!({"email": "fred@example.com", "password": "wrong"}),
            401,
        ),
        (
            json!({"email": "nobody@example.com", "password": PASSWORD}),
            401,
        ),
        (json!({"email": "fred@example.com"}), 400),
        (json!([]), 400),
    ] {
        let (answered, error) = ask(alias.post("/api/session").json(&body)).await;
        assert_eq!(answered, status, "{body}");
        assert!(error["error"].is_string() && error["error_description"].is_string());
    }
}

/// Each tab is answered with a session, and the browser keeps the cookie that comes last.
#[actix_web::test]
async fn r15_tabs_that_sign_in_at_once_on_a_first_visit_all_go_on() {
    let alias = Alias::start().await;
    for extra in ["", "&prompt=login", "&max_age=0"] {
        let query = format!("{SEED}{extra}");
        let mut browser = alias.browser();
        let mut forms = Vec::new();
        for _ in 0..3 {
            forms.push(browser.authorize(&query).await.form());
        }
        let before = browser.cookies.clone();
        let mut answers = Vec::new();
        for form in &forms {
            browser.cookies.clone_from(&before);
            answers.push(browser.submit_once(form, &FRED).await);
        }
        for answer in answers {
            let next = answer.location.expect("the next page");
            let page = browser.follow(&next).await;
            // What is allowed in the first tab is not asked for in the others.
            let callback = match page.location.clone() {
                Some(callback) => callback,
                None => {
                    assert!(page.path.ends_with("/consent"), "{extra}: {}", page.path);
                    let allow = [("decision", "approve_all")];
                    let done = browser.submit(&page.form(), &allow).await;
                    done.location.expect("a redirect to the client")
                }
            };
            assert!(param(&callback, "code").is_some(), "{extra}: {callback}");
        }
    }
}

/// A page that was shown by the session of one tab is answered once the cookie is another tab's.
#[actix_web::test]
async fn r15_what_one_tab_was_shown_is_answered_by_the_session_of_the_other() {
    let alias = Alias::start().await;
    let mut browser = alias.browser();
    let first = browser.authorize(SEED).await.form();
    let own = browser.get("/sign-in").await.form();
    let before = browser.cookies.clone();
    let consent = browser.submit(&first, &FRED).await;
    let account = browser.get("/account").await.form();
    let session = browser.cookies["alias_session"].clone();
    browser.cookies = before;
    browser.submit(&own, &FRED).await;
    assert_ne!(browser.cookies["alias_session"], session);
    let allow = [("decision", "approve_all")];
    let done = browser.submit(&consent.form(), &allow).await;
    assert!(param(&done.location.expect("a redirect"), "code").is_some());
    // Signing out ends both.
    let done = browser.submit_once(&account, &[]).await;
    assert_eq!(done.location.as_deref(), Some("/signed-out"));
    for token in [session, browser.cookies["alias_session"].clone()] {
        let cookies = BTreeMap::from([("alias_session".to_owned(), token)]);
        let mut holder = alias.browser();
        holder.cookies = cookies;
        let page = holder.get("/account").await;
        assert_eq!(page.location.as_deref(), Some("/sign-in"));
    }
}

#[actix_web::test]
async fn r15_the_session_of_another_tab_counts_for_no_other_user_and_not_once_it_ended() {
    let alias = Alias::start().await;
    let mut browser = alias.browser();
    let form = browser.authorize(SEED).await.form();
    let own = browser.get("/sign-in").await.form();
    let before = browser.cookies.clone();
    let answer = browser.submit_once(&form, &FRED).await;
    let next = answer.location.expect("the next page");
    browser.cookies = before;
    let ginger = [("email", "ginger@example.com"), ("password", PASSWORD)];
    browser.submit(&own, &ginger).await;
    let page = browser.follow(&next).await;
    assert!(page.path.ends_with("/sign-in"), "{}", page.path);
}

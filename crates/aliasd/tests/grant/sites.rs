//! What a browser takes along from one site to another, as `docs/clients.md` says it. `127.0.0.1` and
//! `localhost` are two sites.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    browser::{ALLOW_ALL, DENY, Fred},
    parties::Other,
};

/// Longer than Chromium lets a cookie without `SameSite` come along with a cross-site POST: two minutes,
/// or ten seconds where it is told so.
const LONGEST: Duration = Duration::from_secs(180);

/// Longer than any page takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Fred, and a client at another site than Alias.
async fn at_another_site(arguments: &[String]) -> (Fred, Other) {
    let shop = Other::mirror();
    let callback = format!("{}/callback", shop.origin);
    let mut fred = Fred::with_client(&callback, true, &[]).await;
    assert!(fred.alias.issuer.starts_with("http://localhost:"));
    assert!(shop.origin.starts_with("http://127.0.0.1:"));
    if !arguments.is_empty() {
        fred.chromium = crate::chromium::Chromium::open_with(true, arguments).await;
    }
    (fred, shop)
}

/// The first `POST` comes from a user who was quick, the last one from a user who was not.
#[actix_web::test]
async fn a_cookie_without_samesite_comes_along_with_a_posted_response_while_it_is_young() {
    let sooner = "--enable-features=ShortLaxAllowUnsafeThreshold".to_owned();
    let (fred, shop) = at_another_site(&[sooner]).await;
    fred.ask("&scope=openid").await;
    fred.sign_in().await;
    fred.chromium.press(ALLOW_ALL).await;
    fred.arrived(&fred.callback).await;

    fred.chromium
        .goto(&format!("{}/cookies", shop.origin))
        .await;
    let began = Instant::now();
    let mut came = Vec::new();
    while came.last() != Some(&false) {
        assert!(began.elapsed() < LONGEST, "it still comes along");
        fred.ask("&scope=openid&response_mode=form_post").await;
        fred.arrived(&fred.callback).await;
        let line = fred.chromium.shown("#line").await;
        assert!(line.starts_with("POST "), "{line}");
        let cookies = fred.chromium.shown("#cookies").await;
        assert!(
            cookies.contains("none=1"),
            "this one always does: {cookies}"
        );
        assert!(!cookies.contains("lax=1"), "this one never does: {cookies}");
        came.push(cookies.contains("unsaid=1"));
    }
    assert!(came[0], "a quick test passes");
    // It is there nevertheless.
    fred.chromium
        .goto(&format!("{}/callback", shop.origin))
        .await;
    let cookies = fred.chromium.shown("#cookies").await;
    assert!(
        cookies.contains("unsaid=1") && cookies.contains("lax=1"),
        "{cookies}"
    );
    fred.chromium.close().await;
}

#[actix_web::test]
async fn prompt_none_in_an_iframe_of_another_site_finds_no_session() {
    let (fred, shop) = at_another_site(&[]).await;
    fred.ask("&scope=openid").await;
    fred.sign_in().await;
    fred.chromium.press(ALLOW_ALL).await;
    fred.arrived(&fred.callback).await;

    // The whole browser there and back: there is a session, and everything is allowed.
    fred.ask("&scope=openid&prompt=none").await;
    assert!(fred.told(&fred.callback, "code").await.is_some());

    fred.chromium.goto(&format!("{}/page", shop.origin)).await;
    let hidden = "const frame = document.createElement('iframe');
        frame.hidden = true;
        frame.src = arguments[0];
        document.body.append(frame);";
    let request = json!(fred.request("&scope=openid&prompt=none"));
    let window = &fred.chromium.window;
    window
        .execute(hidden, vec![request])
        .await
        .expect("it runs");
    // It has come back once the page can read where it is.
    let line = "try {
            const line = document.querySelector('iframe').contentDocument.querySelector('#line');
            return line && line.textContent;
        } catch { return null; }";
    let began = Instant::now();
    let told = loop {
        match window.execute(line, vec![]).await.expect("it runs") {
            Value::String(told) => break told,
            _ => assert!(began.elapsed() < PATIENCE, "the iframe did not come back"),
        }
    };
    assert!(told.contains("error=login_required"), "{told}");
    fred.chromium.close().await;
}

/// Without an app that has the scheme nothing opens. What the browser asked for is in its log.
#[actix_web::test]
async fn whoever_allows_an_app_is_led_to_its_own_scheme() {
    let callback = "com.example.app:/callback";
    let request = "&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
                   &code_challenge_method=S256";
    let fred = Fred::with_public_client(callback).await;
    fred.ask(request).await;
    fred.sign_in().await;
    for (button, told) in [(DENY, "error="), (ALLOW_ALL, "code=")] {
        fred.ask(request).await;
        fred.chromium.logged("performance").await;
        fred.chromium.tick(button).await;
        let began = Instant::now();
        loop {
            let asked = fred.chromium.logged("performance").await;
            let there = asked.iter().any(|it| {
                let message = &it["message"];
                let address = message["params"]["documentURL"]
                    .as_str()
                    .unwrap_or_default();
                message["method"] == "Network.requestWillBeSent"
                    && address.starts_with(&format!("{callback}?{told}"))
            });
            if there {
                break;
            }
            let said = fred.chromium.logged("browser").await;
            let stopped = said
                .iter()
                .any(|it| it.to_string().contains("Content Security"));
            assert!(!stopped, "{said:?}");
            assert!(began.elapsed() < PATIENCE, "it was not led there: {said:?}");
        }
    }
    fred.chromium.close().await;
}

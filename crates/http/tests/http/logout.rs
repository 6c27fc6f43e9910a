//! Signing out at a client's wish (RP-Initiated Logout 1.0), and who is told of it.

use alias_domain::{
    BackchannelLogout, Client, ClientId, ClientKind, RedirectUri,
    ports::Claim,
    testing::sample::{self, NOON},
};
use serde_json::Value;

use crate::support::{Alias, Browser, Form, Page, SEED, client, json, param, request, text};

const BYE: &str = "https://example.com/bye";
const END: &str = "/oauth2/logout";

/// A service whose client is registered for both kinds of logout.
pub(crate) async fn start() -> Alias {
    let alias = Alias::start().await;
    let place = RedirectUri::register(BYE, ClientKind::Confidential).expect("a URI");
    let registered = Client {
        post_logout_redirect_uris: vec![place],
        backchannel_logout: Some(BackchannelLogout {
            uri: "https://example.com/logout".parse().expect("a URI"),
            session_required: true,
        }),
        ..sample::client()
    };
    let before = sample::client();
    let updated = alias.store.update_client(&before, &registered);
    assert!(updated.await.expect("stored"));
    alias
}

/// A browser at which Fred is signed in and connected, and the ID token that the client got there.
async fn connected(alias: &Alias) -> (Browser<'_>, String) {
    let mut browser = alias.freds_browser().await;
    let id_token = id_token_of(alias, &mut browser).await;
    (browser, id_token)
}

async fn id_token_of(alias: &Alias, browser: &mut Browser<'_>) -> String {
    let page = browser.authorize(SEED).await;
    let callback = match page.location.clone() {
        Some(location) => location,
        None => {
            let allow = [("decision", "approve_all")];
            let answer = browser.submit(&page.form(), &allow).await;
            answer.location.expect("a redirect to the client")
        }
    };
    let code = param(&callback, "code").expect("a code");
    text(&alias.exchange(&code).await.1, "id_token")
}

fn query(parts: &[(&str, &str)]) -> String {
    let encoded = |(name, value): &(&str, &str)| {
        let value = value.replace('%', "%25").replace('&', "%26");
        format!("{name}={value}")
    };
    parts.iter().map(encoded).collect::<Vec<_>>().join("&")
}

async fn log_out(browser: &mut Browser<'_>, parts: &[(&str, &str)]) -> Page {
    browser.get(&format!("{END}?{}", query(parts))).await
}

/// What happens to a request that shows no page: is anybody signed in?
async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    let page = browser
        .authorize(&request("&scope=openid&prompt=none"))
        .await;
    page.error().as_deref() != Some("login_required")
}

/// The page that asks, after the redirect to it.
async fn asked(browser: &mut Browser<'_>, parts: &[(&str, &str)]) -> (Page, Form) {
    let page = log_out(browser, parts).await;
    let location = page.location.expect("the page that asks");
    assert!(location.starts_with("/sign-out/confirm"), "{location}");
    assert!(!location.contains("id_token_hint"), "{location}");
    let page = browser.get(&location).await;
    assert_eq!(page.status, 200);
    let mut form = page.form();
    form.action = form.action.replace("&#38;", "&");
    (page, form)
}

/// The clients that are to be told that a session ended.
async fn told(alias: &Alias) -> Vec<ClientId> {
    let claim = Claim {
        now: NOON,
        until: NOON,
        limit: 100,
        except: Vec::new(),
    };
    let notices = alias.store.claim_notices(&claim).await.expect("an answer");
    for notice in &notices {
        alias.store.close_notice(notice).await.expect("an answer");
    }
    notices.into_iter().map(|it| it.client.id).collect()
}

#[actix_web::test]
async fn a_hint_of_who_is_signed_in_here_is_enough() {
    let alias = start().await;
    for state in ["s", "~%&#\"<>\\{}"] {
        let (mut browser, hint) = connected(&alias).await;
        let parts = [
            ("id_token_hint", hint.as_str()),
            ("post_logout_redirect_uri", BYE),
        ];
        let address = format!(
            "{END}?{}&state={}",
            query(&parts),
            state
                .replace('%', "%25")
                .replace('&', "%26")
                .replace('#', "%23")
                .replace('"', "%22")
        );
        let page = browser.get(&address).await;
        assert_eq!(page.status, 303);
        let location = page.location.expect("a redirect to the client");
        let (place, rest) = location.split_once('?').expect("a query");
        assert_eq!(place, BYE);
        assert!(rest.starts_with("state=") && !rest.contains('&'), "{rest}");
        assert_eq!(param(&location, "state").as_deref(), Some(state));
        assert_eq!(browser.cookies["alias_session"], "");
        assert!(!is_signed_in(&mut browser).await);
        assert_eq!(told(&alias).await, [sample::client().id]);
    }
}

#[actix_web::test]
async fn without_a_state_nothing_goes_with_the_user() {
    let alias = start().await;
    let (mut browser, hint) = connected(&alias).await;
    let parts = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", BYE),
    ];
    let page = log_out(&mut browser, &parts).await;
    assert_eq!(page.location.as_deref(), Some(BYE));
    // Once more: nobody is signed in, and the end is the same.
    let page = log_out(&mut browser, &parts).await;
    assert_eq!(page.location.as_deref(), Some(BYE));
}

#[actix_web::test]
async fn without_a_place_to_go_it_ends_on_a_page() {
    let alias = start().await;
    let (mut browser, hint) = connected(&alias).await;
    let page = log_out(&mut browser, &[("id_token_hint", &hint), ("state", "s")]).await;
    assert_eq!(page.location.as_deref(), Some("/signed-out"));
    let page = browser.get("/signed-out").await;
    assert!(page.html.contains("You are signed out"));
    assert!(!is_signed_in(&mut browser).await);
}

#[actix_web::test]
async fn a_post_comes_again_as_a_get_with_the_same_parameters() {
    let alias = start().await;
    let (mut browser, hint) = connected(&alias).await;
    let fields = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", BYE),
        ("state", "a&b ü"),
    ];
    let page = browser.post(END, &fields).await;
    assert_eq!(page.status, 303);
    let location = page.location.expect("a redirect");
    assert!(location.starts_with(END), "{location}");
    let page = browser.get(&location).await;
    let back = page.location.expect("a redirect to the client");
    assert_eq!(param(&back, "state").as_deref(), Some("a&b ü"));
}

#[actix_web::test]
async fn without_a_hint_the_user_is_asked() {
    let alias = start().await;
    let (mut browser, _) = connected(&alias).await;
    let id = sample::client().id.to_string();
    let parts = [
        ("client_id", id.as_str()),
        ("post_logout_redirect_uri", BYE),
        ("state", "s"),
    ];
    let (page, form) = asked(&mut browser, &parts).await;
    assert!(page.html.contains("fred@example.com"));
    assert!(page.html.contains(&sample::client().name));
    let policy = page.policy.expect("a policy");
    assert!(policy.contains("form-action 'self' https://example.com;"));
    assert!(policy.contains("frame-ancestors 'none'"));
    assert!(is_signed_in(&mut browser).await, "nobody has answered");

    let stay = browser.submit_once(&form, &[("sign_out", "none")]).await;
    assert_eq!(stay.location.as_deref(), Some("/account"));
    assert!(is_signed_in(&mut browser).await);
    assert_eq!(told(&alias).await, []);

    let leave = browser.submit_once(&form, &[("sign_out", "all")]).await;
    assert_eq!(leave.location, Some(format!("{BYE}?state=s")));
    assert!(!is_signed_in(&mut browser).await);
    assert_eq!(told(&alias).await, [sample::client().id]);
}

#[actix_web::test]
async fn whatever_is_wrong_with_a_request_it_asks_and_leads_nowhere() {
    let alias = start().await;
    let (mut browser, hint) = connected(&alias).await;
    let (id, other) = (
        sample::client().id.to_string(),
        sample::public_client().id.to_string(),
    );
    let unregistered = format!("{BYE}?foo=bar");
    let to_bye = ("post_logout_redirect_uri", BYE);
    let forged = format!("{hint}x");
    for parts in [
        vec![],
        vec![("state", "s")],
        vec![to_bye, ("state", "s")],
        vec![("id_token_hint", forged.as_str()), to_bye],
        vec![("id_token_hint", "guess"), ("client_id", &id), to_bye],
        vec![("id_token_hint", &hint), ("client_id", &other), to_bye],
        vec![("client_id", "nobody"), to_bye],
        vec![("client_id", "AAAAAAAAAAAAAAAAAAAAAA"), to_bye],
        vec![("client_id", &other), to_bye],
        vec![
            ("id_token_hint", &hint),
            ("post_logout_redirect_uri", &unregistered),
        ],
        vec![
            ("id_token_hint", &hint),
            ("post_logout_redirect_uri", "https://evil.example/"),
        ],
        vec![("id_token_hint", &hint), to_bye, to_bye],
        vec![
            ("id_token_hint", &hint),
            to_bye,
            ("state", "s"),
            ("state", "t"),
        ],
    ] {
        let (page, form) = asked(&mut browser, &parts).await;
        assert!(is_signed_in(&mut browser).await, "{parts:?}");
        let faulty = parts
            .iter()
            .any(|it| *it == to_bye || it.0.starts_with("post_"));
        let told_so = page.html.contains("does not send you back");
        assert_eq!(told_so, faulty, "{parts:?}");
        assert!(!page.policy.expect("a policy").contains("example"));

        // Nor after the answer.
        let mut elsewhere = browser.clone();
        let done = elsewhere.submit_once(&form, &[("sign_out", "none")]).await;
        assert_eq!(done.location.as_deref(), Some("/account"), "{parts:?}");
    }
    let (_, form) = asked(&mut browser, &[to_bye]).await;
    let done = browser.submit_once(&form, &[("sign_out", "all")]).await;
    let location = done.location.expect("the page at the end");
    assert!(location.starts_with("/signed-out?note="), "{location}");
    let page = browser.get(&location).await;
    assert!(page.html.contains("says where to go, and not who asks"));
    assert!(page.html.contains("Request ID <code>"));
}

#[actix_web::test]
async fn a_state_that_no_address_may_fit_any_more_leads_nowhere_and_is_said_before_anybody_signs_out()
 {
    let alias = start().await;
    let (mut browser, _) = connected(&alias).await;
    let id = sample::client().id.to_string();
    let long = "x".repeat(2049);
    let parts = |state| {
        [
            ("client_id", id.as_str()),
            ("post_logout_redirect_uri", BYE),
            ("state", state),
        ]
    };
    let (page, form) = asked(&mut browser, &parts(&long)).await;
    assert!(
        page.html.contains("a state that is longer"),
        "{}",
        page.html
    );
    let end = pressed(&mut browser, &form).await;
    assert!(end.starts_with("/signed-out?note="), "{end}");
    assert_eq!(browser.get(&end).await.status, 200);

    // The longest that is taken arrives, and what else was sent is not in the way.
    let (mut browser, _) = connected(&alias).await;
    let hint = format!("fred@example.com{}", "x".repeat(13_000));
    let longest = &long[1..];
    let parts: Vec<_> = parts(longest)
        .into_iter()
        .chain([("logout_hint", hint.as_str())])
        .collect();
    let (_, form) = asked(&mut browser, &parts).await;
    let end = pressed(&mut browser, &form).await;
    assert!(end.len() < 4096, "{}", end.len());
    let page = browser.get_navigating(&end).await;
    let content = page.attribute("http-equiv=\"refresh\"", "content");
    let content = content.expect("it moves on");
    assert!(content.contains(longest), "{content}");
}

#[actix_web::test]
async fn the_form_needs_its_token_and_its_origin() {
    let alias = start().await;
    let (mut browser, _) = connected(&alias).await;
    let (_, form) = asked(&mut browser, &[]).await;
    let own = Form {
        token: String::new(),
        ..form.clone()
    };
    let account = browser.get("/account").await.form();
    let another = Form {
        token: account.token,
        ..form.clone()
    };
    for foreign in [own, another] {
        let page = browser.submit_once(&foreign, &[("sign_out", "all")]).await;
        assert_eq!(page.status, 403);
    }
    let mut thief = alias.signed_in("ginger@example.com").await;
    let page = thief.submit_once(&form, &[("sign_out", "all")]).await;
    assert_eq!(page.status, 403, "another browser's");
    let page = browser
        .post_from(&form, &[("sec-fetch-site", "cross-site")])
        .await;
    assert_eq!(page.status, 403);
    let page = browser
        .submit_once(&form, &[("sign_out", "somebody")])
        .await;
    assert_eq!(page.status, 400);
    assert!(is_signed_in(&mut browser).await);
}

#[actix_web::test]
async fn of_several_accounts_the_one_that_is_meant_is_signed_out() {
    let alias = start().await;
    let (mut browser, hint) = connected(&alias).await;
    let form = browser.get("/sign-in").await.form();
    let ginger = [
        ("email", "ginger@example.com"),
        ("password", crate::support::PASSWORD),
    ];
    browser.submit(&form, &ginger).await;

    let (page, form) = asked(&mut browser, &[]).await;
    assert!(page.html.contains("fred@example.com") && page.html.contains("ginger@example.com"));
    assert!(page.html.contains("value=\"all\"") && page.html.contains("value=\"none\""));
    let (page, _) = asked(&mut browser, &[("logout_hint", "ginger@example.com")]).await;
    assert!(!page.html.contains("fred@example.com"));

    // By the hint Fred, though Ginger came later.
    let parts = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", BYE),
    ];
    let done = log_out(&mut browser, &parts).await;
    assert_eq!(done.location.as_deref(), Some(BYE));
    let page = browser.get("/account").await;
    assert!(page.html.contains("ginger@example.com"));
    let page = browser.get("/signed-out").await;
    assert!(page.html.contains("ginger@example.com"));

    // Whom the first page showed may have gone meanwhile.
    let done = browser.submit_once(&form, &[("sign_out", "all")]).await;
    assert_eq!(done.location.as_deref(), Some("/signed-out"));
    assert!(!is_signed_in(&mut browser).await);
}

#[actix_web::test]
async fn whoever_signs_out_elsewhere_is_told_of_too() {
    let alias = start().await;
    // On the account page.
    let (mut browser, _) = connected(&alias).await;
    let form = browser.get("/account").await.form();
    browser.submit_once(&form, &[]).await;
    assert_eq!(told(&alias).await, [sample::client().id]);
    // As a program.
    let token = alias.session_token().await;
    let url = alias.url(&format!("/oauth2/authorize?{SEED}"));
    client()
        .get(url)
        .bearer_auth(&token)
        .send()
        .await
        .expect("an answer");
    let end = client()
        .delete(alias.url("/api/session"))
        .bearer_auth(&token);
    assert_eq!(json(end).await.0, 204);
    assert_eq!(told(&alias).await, [sample::client().id]);
    // By nobody who took part in nothing.
    let mut browser = alias.freds_browser().await;
    let form = browser.get("/account").await.form();
    browser.submit_once(&form, &[]).await;
    assert_eq!(told(&alias).await, []);
}

/// The claims of a token of the fake that signs here.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let claims = token.split('.').nth(1).expect("claims");
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims);
    serde_json::from_slice(&claims.expect("base64url")).expect("JSON")
}

#[actix_web::test]
async fn r18_the_sid_is_of_one_session_and_for_clients_that_are_registered_for_it() {
    let alias = start().await;
    let (mut browser, first) = connected(&alias).await;
    let again = id_token_of(&alias, &mut browser).await;
    let (_, elsewhere) = connected(&alias).await;
    let sid = |token: &str| claims(token)["sid"].clone();
    assert_eq!(sid(&first).as_str().map(str::len), Some(22));
    assert_eq!(sid(&first), sid(&again));
    assert_ne!(sid(&first), sid(&elsewhere));

    let unregistered = Alias::start().await;
    let (_, token) = connected(&unregistered).await;
    assert!(sid(&token).is_null());
}

#[actix_web::test]
async fn a_hint_with_a_sid_means_that_session_and_no_later_one() {
    let alias = start().await;
    let (mut browser, hint) = connected(&alias).await;
    let parts = [("id_token_hint", hint.as_str())];
    log_out(&mut browser, &parts).await;
    assert!(!is_signed_in(&mut browser).await);
    let mut browser = alias.freds_browser().await;
    asked(&mut browser, &parts).await;
    assert!(is_signed_in(&mut browser).await);
}

#[actix_web::test]
async fn discovery_names_what_there_is_for_logout() {
    let alias = Alias::start().await;
    let discovery = alias.get("/.well-known/openid-configuration");
    let (_, document) = json(discovery).await;
    let endpoint = text(&document, "end_session_endpoint");
    assert!(endpoint.ends_with(END), "{endpoint}");
    assert_eq!(document["backchannel_logout_supported"], true);
    assert_eq!(document["backchannel_logout_session_supported"], true);
    let claims = document["claims_supported"].as_array().expect("a list");
    assert!(claims.contains(&Value::from("sid")));
    let put = client()
        .put(alias.url(END))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (put.status().as_u16(), &put.headers()["allow"]),
        (405, &"GET, HEAD, POST".parse().expect("a header"))
    );
}

/// Presses a button of the page that asks as a browser does, and says which page that leads to.
async fn pressed(browser: &mut Browser<'_>, form: &Form) -> String {
    let fields = [("form_token", form.token.as_str()), ("sign_out", "all")];
    let done = browser.post_navigating(&form.action, &fields).await;
    done.location.expect("the page at the end")
}

#[actix_web::test]
async fn no_address_leads_to_a_client_where_nobody_was_signed_out() {
    let alias = start().await;
    let (mut browser, _) = connected(&alias).await;
    let id = sample::client().id.to_string();
    let parts = [
        ("client_id", id.as_str()),
        ("post_logout_redirect_uri", BYE),
        ("state", "s'é"),
    ];
    // As anybody can write it.
    let bare = format!("/signed-out?{}", query(&parts));
    for address in [bare.clone(), format!("{bare}&note=x")] {
        let page = browser.get_navigating(&address).await;
        assert!(!page.html.contains(BYE), "{address}");
        assert_eq!(page.location, None, "{address}");
    }
    // As it is after signing out, once more after a reload, and with nothing but that.
    let (_, form) = asked(&mut browser, &parts).await;
    let address = pressed(&mut browser, &form).await;
    for _ in 0..2 {
        let page = browser.get_navigating(&address).await;
        let content = page.attribute("http-equiv=\"refresh\"", "content");
        let content = content.expect("it moves on");
        assert!(
            content.starts_with(&format!("0;url={BYE}?state=s")),
            "{content}"
        );
    }
    assert!(!is_signed_in(&mut browser).await);
    let another_state = address.replace("state=s", "state=t");
    assert_ne!(another_state, address);
    let page = browser.get_navigating(&another_state).await;
    assert!(!page.html.contains(BYE));
    // Nor at another browser, whose user is signed in.
    let mut other = alias.signed_in("ginger@example.com").await;
    let page = other.get_navigating(&address).await;
    assert!(!page.html.contains(BYE) && page.html.contains("ginger@example.com"));
}

#[actix_web::test]
async fn no_address_makes_a_page_warn_of_what_was_not_sent() {
    let alias = start().await;
    let (mut browser, _) = connected(&alias).await;
    for path in ["/signed-out", "/sign-out/confirm"] {
        for query in ["fault=hint", "fault=no_client", "note=no_client"] {
            let page = browser.get(&format!("{path}?{query}")).await;
            assert_eq!(page.status, 200);
            assert!(!page.html.contains("role=\"alert\""), "{path}?{query}");
        }
    }
    // What was wrong is said, signed in or not.
    let faulty = [("post_logout_redirect_uri", BYE)];
    let (page, form) = asked(&mut browser, &faulty).await;
    assert!(page.html.contains("role=\"alert\""));
    let end = pressed(&mut browser, &form).await;
    let mut nobody = alias.browser();
    let there = log_out(&mut nobody, &faulty).await.location;
    let there = there.expect("the page at the end");
    for (browser, address) in [(&mut browser, end), (&mut nobody, there)] {
        let page = browser.get(&address).await;
        assert!(page.html.contains("says where to go, and not who asks"));
    }
}

//! The account page and `/api/grants`: R24, R25, R27.

use alias_domain::testing::sample;
use serde_json::{Value, json};

use crate::support::{Alias, Page, SEED, client, json as ask, public_request};

const CLIENT: &str = "bjOB6HV7cTKtxvfr2k2ucg";

fn grant_of(answer: &Value) -> Value {
    answer["grants"][0].clone()
}

async fn grants(alias: &Alias, token: &str) -> Value {
    ask(client().get(alias.url("/api/grants")).bearer_auth(token))
        .await
        .1
}

async fn delete(alias: &Alias, token: &str, path: &str) -> u16 {
    let request = client().delete(alias.url(&format!("/api/grants/{path}")));
    ask(request.bearer_auth(token)).await.0
}

#[actix_web::test]
async fn r27_a_users_own_list_has_meta() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let token = alias.session_token().await;
    let grant = grant_of(&grants(&alias, &token).await);
    assert_eq!(grant["client_id"], CLIENT);
    assert_eq!(grant["client_name"], sample::client().name);
    assert_eq!(
        grant["scopes"],
        json!(["openid", "offline_access", "contact", "nickname"])
    );
    assert_eq!(
        grant["channels"],
        json!(["_meta", "notifications", "product_updates"])
    );
    assert_eq!(grant["alias_id"].as_str().map(str::len), Some(22));
    assert!(grant["granted_at"].is_string());
}

#[actix_web::test]
async fn r24_revoking_bites_at_once() {
    let alias = Alias::start().await;
    let code = alias.code(SEED).await;
    let (_, tokens) = alias.exchange(&code).await;
    let user_token = crate::support::text(&tokens, "access_token");
    let session = alias.session_token().await;
    assert_eq!(
        delete(&alias, &session, &format!("{CLIENT}/scopes/nickname")).await,
        204
    );
    let channel = format!("{CLIENT}/channels/notifications");
    assert_eq!(delete(&alias, &session, &channel).await, 204);
    let worth = alias.introspect(&user_token).await;
    assert_eq!(worth["scope"], "openid offline_access contact");
    assert_eq!(worth["channels"], "product_updates");
    assert_eq!(delete(&alias, &session, &channel).await, 404);
}

#[actix_web::test]
async fn r25_meta_alone_is_409_and_what_is_not_granted_404() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let session = alias.session_token().await;
    let meta = format!("{CLIENT}/channels/_meta");
    assert_eq!(delete(&alias, &session, &meta).await, 409);
    for path in [
        format!("{CLIENT}/scopes/email"),
        format!("{CLIENT}/channels/nowhere"),
        format!("{CLIENT}/channels/%00"),
        "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "nobody/scopes/openid".to_owned(),
    ] {
        assert_eq!(delete(&alias, &session, &path).await, 404, "{path}");
    }
    assert_eq!(
        delete(&alias, &session, &format!("{CLIENT}/scopes/contact")).await,
        204
    );
    assert_eq!(delete(&alias, &session, &meta).await, 404);
}

#[actix_web::test]
async fn r25_disconnecting_ends_every_authorization_for_good() {
    for path in [CLIENT.to_owned(), format!("{CLIENT}/scopes/openid")] {
        let alias = Alias::start().await;
        let code = alias.code(SEED).await;
        let (_, tokens) = alias.exchange(&code).await;
        let pending = alias.code(SEED).await;
        let session = alias.session_token().await;
        let before = grant_of(&grants(&alias, &session).await);
        assert_eq!(delete(&alias, &session, &path).await, 204);
        assert_eq!(grants(&alias, &session).await, json!({"grants": []}));
        alias.code(SEED).await;
        let user_token = crate::support::text(&tokens, "access_token");
        assert_eq!(
            alias.introspect(&user_token).await,
            json!({"active": false})
        );
        let refresh_token = crate::support::text(&tokens, "refresh_token");
        assert_eq!(
            alias.refresh(&refresh_token, None).await.1["error"],
            "invalid_grant"
        );
        assert_eq!(alias.exchange(&pending).await.1["error"], "invalid_grant");
        let after = grant_of(&grants(&alias, &session).await);
        assert_eq!(
            before["alias_id"], after["alias_id"],
            "the alias ID survives a disconnect"
        );
    }
}

#[actix_web::test]
async fn without_a_session_grants_are_401() {
    let alias = Alias::start().await;
    let (status, error) = ask(alias.get("/api/grants")).await;
    assert_eq!(status, 401);
    assert!(error["error"].is_string() && error["error_description"].is_string());
    assert_eq!(delete(&alias, "x", CLIENT).await, 401);
}

#[actix_web::test]
async fn a_cookie_serves_too_but_not_from_another_site() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    let cookie = format!("alias_session={}", browser.cookies["alias_session"]);
    let foreign = client()
        .delete(alias.url(&format!("/api/grants/{CLIENT}")))
        .header("cookie", cookie)
        .header("origin", "https://evil.example");
    assert_eq!(ask(foreign).await.0, 403);
    assert_eq!(
        browser
            .delete(&format!("/api/grants/{CLIENT}"))
            .await
            .status,
        204
    );
}

/// The fields of an account page's form that has this button or hidden field.
fn token(page: &Page) -> String {
    page.attribute("name=\"form_token\"", "value")
        .expect("a form token")
}

#[actix_web::test]
async fn the_account_page_revokes_single_permissions_and_disconnects() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    let page = browser.get("/account").await;
    assert!(page.html.contains("_meta") && page.html.contains(&sample::client().name));
    let token = token(&page);
    let fields = |extra| [("form_token", token.as_str()), ("client_id", CLIENT), extra];
    for extra in [("scope", "nickname"), ("channel", "notifications")] {
        let done = browser.post("/account/revoke", &fields(extra)).await;
        assert_eq!(
            done.location.as_deref(),
            Some("/account#client-bjOB6HV7cTKtxvfr2k2ucg"),
            "{extra:?}"
        );
    }
    let session = alias.session_token().await;
    let grant = grant_of(&grants(&alias, &session).await);
    assert_eq!(
        grant["scopes"],
        json!(["openid", "offline_access", "contact"])
    );
    assert_eq!(grant["channels"], json!(["_meta", "product_updates"]));
    let done = browser
        .post("/account/disconnect", &fields(("x", "y")))
        .await;
    assert_eq!(done.location, Some(format!("/account#client-{CLIENT}")));
    assert_eq!(grants(&alias, &session).await, json!({"grants": []}));
}

#[actix_web::test]
async fn a_form_of_the_account_page_needs_its_token() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    for path in ["/account/revoke", "/account/disconnect", "/sign-out"] {
        let answer = browser
            .post(path, &[("client_id", CLIENT), ("scope", "contact")])
            .await;
        assert_eq!(answer.status, 403, "{path}");
    }
}

#[actix_web::test]
async fn r30_signing_out_ends_the_session_and_no_token() {
    let alias = Alias::start().await;
    let code = alias.code(SEED).await;
    let (_, tokens) = alias.exchange(&code).await;
    let mut browser = alias.freds_browser().await;
    let page = browser.get("/account").await;
    let answer = browser
        .post("/sign-out", &[("form_token", &token(&page))])
        .await;
    assert_eq!(answer.location.as_deref(), Some("/signed-out"));
    let said = browser.get("/signed-out").await.html;
    assert!(
        said.contains("fred@example.com</bdi> is signed out."),
        "{said}"
    );
    assert!(said.contains("You are signed out") && said.contains("href=\"/sign-in\""));
    let again = browser.get("/signed-out").await.html;
    assert!(!again.contains("fred@example.com"), "{again}");
    assert_eq!(
        browser.get("/account").await.location.as_deref(),
        Some("/sign-in")
    );
    let user_token = crate::support::text(&tokens, "access_token");
    assert_eq!(alias.introspect(&user_token).await["active"], true);
}

#[actix_web::test]
async fn signing_out_of_one_of_two_accounts_shows_the_other() {
    let alias = Alias::start().await;
    let mut browser = alias.browser_of_both().await;
    let page = browser.get("/account").await;
    assert!(page.html.contains("ginger@example.com"));
    let answer = browser
        .post("/sign-out", &[("form_token", &token(&page))])
        .await;
    assert_eq!(answer.location.as_deref(), Some("/signed-out"));
    let said = browser.get("/signed-out").await.html;
    assert!(
        said.contains("ginger@example.com</bdi> is signed out."),
        "{said}"
    );
    assert!(said.contains("Somebody is still signed in") && said.contains("fred@example.com"));
    assert!(
        browser
            .get("/account")
            .await
            .html
            .contains("fred@example.com")
    );
}

#[actix_web::test]
async fn no_address_makes_the_account_page_claim_what_did_not_happen() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    for query in [
        "?disconnected",
        "?revoked",
        "?notice=disconnected",
        "#notice",
    ] {
        let page = browser.get(&format!("/account{query}")).await;
        assert!(!page.html.contains("role=\"status\""), "{query}");
    }
    browser
        .cookies
        .insert("alias_notice".to_owned(), "made-up".to_owned());
    let page = browser.get("/account").await;
    assert!(!page.html.contains("role=\"status\""));
}

#[actix_web::test]
async fn a_notice_names_what_was_done_where_it_was_done_and_comes_once() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    let token = token(&browser.get("/account").await);
    let name = sample::client().name;
    let fields = |extra| [("form_token", token.as_str()), ("client_id", CLIENT), extra];
    let about = sample::client().channels[0].description.clone();
    let from = format!("<bdi class=\"name\">{name}</bdi> can no longer use it.");
    for (path, extra, said) in [
        (
            "revoke",
            ("scope", "nickname"),
            ["“<bdi>Know your nickname</bdi>” is revoked.", &from],
        ),
        (
            "revoke",
            ("channel", "notifications"),
            [&format!("“<bdi>{about}</bdi>” is revoked."), &from],
        ),
        (
            "revoke",
            ("scope", "nickname"),
            ["“<bdi>Know your nickname</bdi>” is revoked.", &from],
        ),
        (
            "revoke",
            ("channel", "notifications"),
            [&format!("“<bdi>{about}</bdi>” is revoked."), &from],
        ),
        (
            "disconnect",
            ("x", "y"),
            [&name, "is disconnected. It can do nothing"],
        ),
        (
            "disconnect",
            ("x", "y"),
            [&name, "is disconnected. It can do nothing"],
        ),
        (
            "revoke",
            ("scope", "nickname"),
            ["“<bdi>Know your nickname</bdi>” is revoked.", &from],
        ),
    ] {
        browser
            .post(&format!("/account/{path}"), &fields(extra))
            .await;
        let html = browser.get("/account").await.html;
        let notice = html.split_once("class=\"notice\"").expect("a notice").1;
        let notice = notice.split("</p>").next().unwrap_or_default();
        assert!(
            said.iter().all(|it| notice.contains(it)),
            "{extra:?}: {notice}"
        );
        let again = browser.get("/account").await.html;
        assert!(!again.contains("class=\"notice\""), "{extra:?}");
    }
}

#[actix_web::test]
async fn every_account_of_a_browser_has_its_page_and_what_is_done_there_leads_back_to_it() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.browser_of_both().await;
    let hers = browser.get("/account").await;
    assert!(
        !hers.html.contains("/account/disconnect"),
        "she is connected to nobody"
    );
    let address = hers
        .attribute("class=\"account-link\"", "href")
        .expect("a link");
    assert!(address.starts_with("/account?account="), "{address}");
    let his = browser.get(&address).await;
    assert!(his.html.contains("/account/disconnect"));
    let token = token(&his);
    let done = browser
        .post(
            "/account/disconnect",
            &[("form_token", &token), ("client_id", CLIENT)],
        )
        .await;
    assert_eq!(done.location, Some(format!("{address}#client-{CLIENT}")));
    assert!(browser.get(&address).await.html.contains("is disconnected"));
    let unknown = browser.get("/account?account=AAAAAAAAAAAAAAAAAAAAAA").await;
    assert!(unknown.html.contains("ginger@example.com"), "the latest");
}

#[actix_web::test]
async fn a_client_that_was_deleted_meanwhile_leaves_no_hole_in_a_notice() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    let token = token(&browser.get("/account").await);
    let fields = |extra| [("form_token", token.as_str()), ("client_id", CLIENT), extra];
    // Between the form and the page.
    browser
        .post("/account/revoke", &fields(("scope", "nickname")))
        .await;
    let deleted = alias.store.delete_client(sample::client().id).await;
    assert!(deleted.expect("an answer"));
    let html = browser.get("/account").await.html;
    let said = format!(
        "“<bdi>Know your nickname</bdi>” is revoked. <bdi class=\"name\">{}</bdi> can",
        sample::client().name
    );
    assert!(html.contains(&said), "{html}");
    // Before the form.
    for (path, extra) in [("revoke", ("scope", "contact")), ("disconnect", ("x", "y"))] {
        browser
            .post(&format!("/account/{path}"), &fields(extra))
            .await;
        let html = browser.get("/account").await.html;
        let said = "Nothing was changed: this service is not registered here any more";
        assert!(html.contains(said), "{html}");
        assert!(!html.contains("<bdi class=\"name\"></bdi>"), "{html}");
    }
}

#[actix_web::test]
async fn what_was_done_for_one_account_is_told_on_its_page_alone() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.browser_of_both().await;
    let hers = browser.get("/account").await;
    let his = hers
        .attribute("class=\"account-link\"", "href")
        .expect("a link");
    let token = token(&browser.get(&his).await);
    let disconnect = [("form_token", token.as_str()), ("client_id", CLIENT)];
    browser.post("/account/disconnect", &disconnect).await;
    for elsewhere in ["/account", "/signed-out"] {
        let page = browser.get(elsewhere).await;
        assert!(!page.html.contains("role=\"status\""), "{elsewhere}");
    }
    assert!(browser.get(&his).await.html.contains("is disconnected"));
    assert!(!browser.get(&his).await.html.contains("is disconnected"));
}

#[actix_web::test]
async fn whoever_only_asks_for_the_head_of_a_page_leaves_its_notice() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    let token = token(&browser.get("/account").await);
    let disconnect = [("form_token", token.as_str()), ("client_id", CLIENT)];
    browser.post("/account/disconnect", &disconnect).await;
    assert_eq!(browser.head("/account").await.status, 200);
    assert!(
        browser
            .get("/account")
            .await
            .html
            .contains("is disconnected")
    );

    browser.post("/sign-out", &disconnect[..1]).await;
    assert_eq!(browser.head("/signed-out").await.status, 200);
    let said = browser.get("/signed-out").await.html;
    assert!(
        said.contains("fred@example.com</bdi> is signed out."),
        "{said}"
    );
}

#[actix_web::test]
async fn r19_what_a_public_client_cannot_get_is_not_listed_as_if_it_could() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    for query in [
        public_request().replace("scope=openid", "scope=openid%20offline_access"),
        SEED.to_owned(),
    ] {
        let form = browser.authorize(&query).await.form();
        browser.submit(&form, &[("decision", "approve_all")]).await;
    }
    let html = browser.get("/account").await.html;
    let of = |name: &str| {
        let connections = html.split("<article").skip(1);
        let mut of_name = connections.filter(|it| it.contains(name));
        of_name.next().expect("a connection").to_owned()
    };
    let in_vain = "an app that can keep no secret";
    assert!(of(&sample::public_client().name).contains(in_vain));
    assert!(!of(&sample::client().name).contains(in_vain));
}

/// What the notices of a page say, tags aside.
fn notices(page: &Page) -> Vec<String> {
    let notices = page.html.split("class=\"notice\"").skip(1);
    notices
        .map(|it| {
            let it = it.split_once('>').expect("its text").1;
            let it = it.split("</p>").next().unwrap_or_default();
            let parts = it.split('<').map(|it| it.rsplit('>').next().unwrap_or(it));
            parts.collect::<String>()
        })
        .collect()
}

/// Whoever presses twice sees what the second answer leads to, whether the first came or not.
#[actix_web::test]
async fn a_button_that_is_pressed_twice_ends_as_if_it_had_been_pressed_once() {
    let alias = Alias::start().await;
    let name = sample::client().name;
    for the_first_answer_comes in [true, false] {
        alias.code(SEED).await;
        let mut browser = alias.freds_browser().await;
        let token = token(&browser.get("/account").await);
        let fields = [("form_token", token.as_str()), ("client_id", CLIENT)];
        for (path, extra, leads_to, said) in [
            (
                "/account/revoke",
                Some(("scope", "nickname")),
                "/account",
                format!("“Know your nickname” is revoked. {name} can no longer use it."),
            ),
            (
                "/account/disconnect",
                None,
                "/account",
                format!("{name} is disconnected. It can do nothing in your name any more."),
            ),
            (
                "/sign-out",
                None,
                "/signed-out",
                "fred@example.com is signed out.".to_owned(),
            ),
        ] {
            let fields: Vec<_> = fields.into_iter().chain(extra).collect();
            let before = browser.cookies.clone();
            browser.post(path, &fields).await;
            if !the_first_answer_comes {
                browser.cookies = before;
            }
            let second = browser.post(path, &fields).await;
            let location = second.location.expect("a redirect");
            assert!(location.starts_with(leads_to), "{path}: {location}");
            let page = browser.get(leads_to).await;
            assert_eq!(notices(&page), [said], "{path}");
            assert!(!page.html.contains("Nothing was changed"), "{path}");
        }
    }
}

#[actix_web::test]
async fn whoever_signed_in_again_is_not_told_by_an_old_page_that_they_are_signed_out() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let old = token(&browser.get("/account").await);
    browser.post("/sign-out", &[("form_token", &old)]).await;
    browser.get("/signed-out").await;
    let form = browser.get("/sign-in").await.form();
    let fred = [
        ("email", "fred@example.com"),
        ("password", crate::support::PASSWORD),
    ];
    browser.submit(&form, &fred).await;
    let done = browser.post("/sign-out", &[("form_token", &old)]).await;
    assert_eq!(done.location.as_deref(), Some("/signed-out"));
    let page = browser.get("/signed-out").await;
    assert!(notices(&page).is_empty());
    assert!(page.html.contains("Somebody is still signed in"));
}

#[actix_web::test]
async fn what_is_done_in_several_tabs_at_once_is_all_told() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.browser_of_both().await;
    let form = browser.authorize(SEED).await.form();
    browser.submit(&form, &[("decision", "approve_all")]).await;
    let hers = browser.get("/account").await;
    let his = hers.attribute("class=\"account-link\"", "href");
    let his = his.expect("a link");
    let (her_token, his_token) = (token(&hers), token(&browser.get(&his).await));
    // Two tabs of one account, and one of another.
    for (token, extra) in [
        (&her_token, ("scope", "nickname")),
        (&his_token, ("scope", "contact")),
        (&her_token, ("channel", "notifications")),
    ] {
        let fields = [("form_token", token.as_str()), ("client_id", CLIENT), extra];
        browser.post("/account/revoke", &fields).await;
    }
    let about = sample::client().channels[0].description.clone();
    let from = format!(
        "is revoked. {} can no longer use it.",
        sample::client().name
    );
    let page = browser.get("/account").await;
    let mut said = notices(&page);
    said.sort();
    let mut expected = [
        format!("“{about}” {from}"),
        format!("“Know your nickname” {from}"),
    ];
    expected.sort();
    assert_eq!(said, expected);
    let anchor = format!("id=\"client-{CLIENT}\"");
    assert_eq!(page.html.matches(&anchor).count(), 1, "of the latest");
    let told = notices(&browser.get(&his).await);
    assert_eq!(told, [format!("“Send you messages” {from}")]);
    for address in ["/account", his.as_str()] {
        let page = browser.get(address).await;
        assert!(notices(&page).is_empty(), "{address}");
        assert_eq!(page.html.matches(&anchor).count(), 1, "the block itself");
    }
}

#[actix_web::test]
async fn notices_that_nobody_reads_do_not_pile_up() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    let token = token(&browser.get("/account").await);
    for index in 0..60 {
        let channel = format!("channel_{index}");
        let fields = [
            ("form_token", token.as_str()),
            ("client_id", CLIENT),
            ("channel", &channel),
        ];
        browser.post("/account/revoke", &fields).await;
    }
    let held = browser.cookies.iter();
    let held = held.filter(|(name, value)| name.starts_with("alias_notice") && !value.is_empty());
    let bytes: usize = held.map(|(name, value)| name.len() + value.len()).sum();
    assert!(bytes > 0 && bytes <= 4096, "{bytes}");
    let told = notices(&browser.get("/account").await);
    assert!(told.last().is_some_and(|it| it.contains("channel_59")));
}

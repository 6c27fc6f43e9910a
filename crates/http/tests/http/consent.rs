//! The consent page and its answer: R10 to R13, R31, and what is refused.

use std::collections::BTreeMap;

use alias_domain::{ClientChange, Revocation, testing::sample};

use crate::support::{Alias, SEED, param};

#[actix_web::test]
async fn r11_the_page_shows_the_whole_request_with_what_is_new_unticked() {
    let alias = Alias::start().await;
    let page = alias.freds_browser().await.authorize(SEED).await;
    assert_eq!(page.ticked("scope", "openid"), Some(true));
    assert_eq!(page.ticked("channel", "_meta"), Some(true));
    for (name, value) in [
        ("scope", "offline_access"),
        ("scope", "contact"),
        ("scope", "nickname"),
        ("channel", "notifications"),
        ("channel", "product_updates"),
    ] {
        assert_eq!(page.ticked(name, value), Some(false), "{value}");
    }
}

#[actix_web::test]
async fn r11_what_was_granted_is_ticked_and_what_is_unticked_is_revoked() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser.authorize(SEED).await;
    let some = [
        ("decision", "approve"),
        ("scope", "nickname"),
        ("scope", "contact"),
    ];
    browser.submit(&page.form(), &some).await;
    let page = browser.authorize(&format!("{SEED}&prompt=consent")).await;
    assert_eq!(page.ticked("scope", "nickname"), Some(true));
    assert_eq!(page.ticked("scope", "offline_access"), Some(false));
    browser
        .submit(
            &page.form(),
            &[("decision", "approve"), ("scope", "contact")],
        )
        .await;
    let page = browser.authorize(&format!("{SEED}&prompt=consent")).await;
    assert_eq!(page.ticked("scope", "nickname"), Some(false));
    assert_eq!(page.ticked("scope", "contact"), Some(true));
}

#[actix_web::test]
async fn r12_denying_redirects_and_changes_nothing() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser.authorize(SEED).await;
    let answer = browser.submit(&page.form(), &[("decision", "deny")]).await;
    assert_eq!(answer.error().as_deref(), Some("access_denied"));
    let page = browser.authorize(&format!("{SEED}&prompt=none")).await;
    assert_eq!(page.error().as_deref(), Some("consent_required"));
}

#[actix_web::test]
async fn r11_an_answer_that_names_what_was_not_shown_is_400_and_changes_nothing() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let narrow = SEED
        .replace("%20nickname", "")
        .replace("%20product_updates", "");
    let page = browser.authorize(&narrow).await;
    for decision in ["approve", "approve_all", "deny"] {
        for extra in [
            ("scope", "nickname"),
            ("channel", "product_updates"),
            ("scope", "email"),
        ] {
            let answer = browser
                .submit(&page.form(), &[("decision", decision), extra])
                .await;
            assert_eq!(answer.status, 400, "{decision} {extra:?}");
        }
    }
    let answer = browser
        .submit(&page.form(), &[("decision", "approve_all")])
        .await;
    assert!(param(&answer.location.expect("a redirect"), "code").is_some());
}

#[actix_web::test]
async fn an_unknown_decision_is_400() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser.authorize(SEED).await;
    for fields in [&[("decision", "maybe")][..], &[]] {
        let answer = browser.submit(&page.form(), fields).await;
        assert_eq!(answer.status, 400, "{fields:?}");
    }
}

#[actix_web::test]
async fn an_answer_is_consumed_once() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser.authorize(SEED).await;
    let form = page.form();
    let first = browser.submit(&form, &[("decision", "approve_all")]).await;
    assert!(param(&first.location.expect("a redirect"), "code").is_some());
    for decision in ["approve", "deny"] {
        let again = browser.submit(&form, &[("decision", decision)]).await;
        assert_eq!((again.status, again.location), (409, None), "{decision}");
    }
    let back = browser.get(&page.path).await;
    assert_eq!(back.status, 409);
    assert!(back.html.contains("https://example.com/"), "the way back");
}

#[actix_web::test]
async fn r33_the_same_answer_again_leads_to_the_client_and_its_codes_serve_once() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(SEED).await.form();
    let allow = [("decision", "approve_all")];
    let mut codes = Vec::new();
    for _ in 0..3 {
        let answer = browser.submit(&form, &allow).await;
        let location = answer.location.expect("a redirect");
        assert_eq!(
            param(&location, "state").as_deref(),
            Some("4bqlMpbTFb_yXBkHNL6R1Q")
        );
        codes.push(param(&location, "code").expect("a code"));
    }
    let start = form.action.trim_end_matches("/consent");
    let location = browser.get(start).await.location.expect("a redirect");
    codes.push(param(&location, "code").expect("a code"));
    assert_eq!(alias.exchange(&codes[1]).await.0, 200);
    // The client has heard: nothing more is handed out, and what was is spent.
    let late = browser.submit(&form, &allow).await;
    assert_eq!((late.status, late.location), (409, None));
    assert_eq!(browser.get(start).await.status, 409);
    let (status, error) = alias.exchange(&codes[2]).await;
    assert_eq!(
        (status, error["error"].as_str()),
        (400, Some("invalid_grant"))
    );
}

#[actix_web::test]
async fn r33_a_denial_again_is_a_denial_and_grants_nothing() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(SEED).await.form();
    for _ in 0..2 {
        let answer = browser.submit(&form, &[("decision", "deny")]).await;
        let location = answer.location.expect("a redirect");
        assert_eq!(param(&location, "error").as_deref(), Some("access_denied"));
    }
    let allow = browser.submit(&form, &[("decision", "approve_all")]).await;
    assert_eq!((allow.status, allow.location), (409, None));
    let granted = alias
        .store
        .connection(sample::user().id, sample::client().id)
        .await;
    assert_eq!(granted, Ok(None));
}

#[actix_web::test]
async fn r33_another_browser_or_nobody_signed_in_gets_no_code_by_repeating() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(SEED).await.form();
    let allow = [("decision", "approve_all")];
    browser.submit(&form, &allow).await;
    let mut ginger = alias.signed_in("ginger@example.com").await;
    assert_eq!(ginger.submit(&form, &allow).await.status, 404);
    browser.cookies.remove("alias_session");
    let signed_out = browser.submit(&form, &allow).await;
    assert_eq!((signed_out.status, signed_out.location), (409, None));
}

#[actix_web::test]
async fn r33_after_taking_it_back_the_same_answer_grants_nothing() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(SEED).await.form();
    let allow = [("decision", "approve_all")];
    browser.submit(&form, &allow).await;
    let (user, client) = (sample::user().id, sample::client().id);
    let revoked = alias
        .store
        .revoke(user, client, &Revocation::Disconnect, sample::NOON)
        .await;
    assert_eq!(revoked, Ok(Ok(())));
    let again = browser.submit(&form, &allow).await;
    assert_eq!((again.status, again.location), (409, None));
    assert_eq!(alias.store.connection(user, client).await, Ok(None));
}

#[actix_web::test]
async fn r33_after_the_session_ended_the_same_answer_leads_nowhere_though_its_user_is_here() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(SEED).await.form();
    let allow = [("decision", "approve_all")];
    let answered = browser.submit(&form, &allow).await;
    assert!(answered.location.is_some());
    browser.cookies.remove("alias_session");
    let sign_in = browser.get("/sign-in").await.form();
    let credentials = [
        ("email", "fred@example.com"),
        ("password", crate::support::PASSWORD),
    ];
    browser.submit(&sign_in, &credentials).await;
    assert!(browser.cookies.contains_key("alias_session"));
    let again = browser.submit(&form, &allow).await;
    assert_eq!((again.status, again.location), (409, None));
}

#[actix_web::test]
async fn r33_a_sign_in_that_is_sent_twice_leads_to_the_client_twice() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.browser();
    let form = browser.authorize(SEED).await.form();
    let fred = [
        ("email", "fred@example.com"),
        ("password", crate::support::PASSWORD),
    ];
    for _ in 0..2 {
        let answer = browser.submit(&form, &fred).await;
        assert!(param(&answer.location.expect("a redirect"), "code").is_some());
    }
}

#[actix_web::test]
async fn r33_rivals_with_one_answer_all_lead_to_the_client_and_one_code_serves() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(SEED).await.form();
    let rivals = (0..8).map(|_| {
        let mut browser = browser.clone();
        let form = form.clone();
        async move {
            let answer = browser.submit(&form, &[("decision", "approve_all")]).await;
            param(&answer.location.expect("a redirect"), "code").expect("a code")
        }
    });
    let codes = futures_util::future::join_all(rivals).await;
    let exchanges = codes.iter().map(|code| alias.exchange(code));
    let answers = futures_util::future::join_all(exchanges).await;
    let served = answers.iter().filter(|(status, _)| *status == 200);
    assert_eq!(served.count(), 1);
}

#[actix_web::test]
async fn a_foreign_or_unknown_interaction_is_404() {
    let alias = Alias::start().await;
    let mut fred = alias.freds_browser().await;
    let page = fred.authorize(SEED).await;
    let mut ginger = alias.signed_in("ginger@example.com").await;
    assert_eq!(ginger.get(&page.path).await.status, 404);
    let answer = ginger
        .submit(&page.form(), &[("decision", "approve_all")])
        .await;
    assert_eq!(answer.status, 404);
    for id in ["AAAAAAAAAAAAAAAAAAAAAA", "x", "%00", "..%2F.."] {
        let path = format!("/interaction/{id}/consent");
        assert_eq!(fred.get(&path).await.status, 404, "{id}");
        let form = crate::support::Form {
            action: path,
            ..page.form()
        };
        let answer = fred.submit(&form, &[("decision", "approve_all")]).await;
        assert_eq!(answer.status, 404, "{id}");
    }
}

#[actix_web::test]
async fn a_form_without_its_token_is_403_and_changes_nothing() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(SEED).await.form();
    let other = browser.authorize(SEED).await.form();
    for token in ["", "x", other.token.as_str()] {
        let fields = [("form_token", token), ("decision", "approve_all")];
        assert_eq!(
            browser.post(&form.action, &fields).await.status,
            403,
            "{token}"
        );
    }
    let missing = browser
        .post(&form.action, &[("decision", "approve_all")])
        .await;
    assert_eq!(missing.status, 403);
}

#[actix_web::test]
async fn a_form_from_another_origin_is_403() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(SEED).await.form();
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("sec-fetch-site", "cross-site"), ("origin", "null")],
        &[("sec-fetch-site", "same-site")],
    ] {
        let answer = browser.post_from(&form, headers).await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    let own = [("sec-fetch-site", "same-origin"), ("origin", "null")];
    assert_eq!(browser.post_from(&form, &own).await.status, 303);
}

#[actix_web::test]
async fn r31_after_signing_out_elsewhere_an_answer_grants_nothing_and_the_request_is_shown_anew() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser.authorize(SEED).await;
    alias
        .store
        .lock_user(sample::user().id, true)
        .await
        .expect("stored");
    alias
        .store
        .lock_user(sample::user().id, false)
        .await
        .expect("stored");
    let answer = browser
        .submit(&page.form(), &[("decision", "approve_all")])
        .await;
    assert!(answer.path.ends_with("/sign-in"), "{}", answer.path);
    let said = "You were signed out meanwhile, so your answer was not taken.";
    assert!(answer.html.contains(said), "{}", answer.html);
    let reloaded = browser.get(&answer.path).await.html;
    assert!(!reloaded.contains(said), "it is told once");
    let fields = [
        ("email", "fred@example.com"),
        ("password", crate::support::PASSWORD),
    ];
    let again = browser.submit(&answer.form(), &fields).await;
    assert!(again.path.ends_with("/consent"), "{}", again.path);
    assert_eq!(again.ticked("scope", "nickname"), Some(false));
}

#[actix_web::test]
async fn r31_a_channel_withdrawn_while_the_page_is_open_is_dropped_silently_whatever_the_answer() {
    for (decision, told) in [
        ("approve_all", "code"),
        ("approve", "code"),
        ("deny", "error"),
    ] {
        let alias = Alias::start().await;
        let mut browser = alias.freds_browser().await;
        let page = browser.authorize(SEED).await;
        let before = sample::client();
        let mut client = before.clone();
        client
            .change(ClientChange {
                channels: Some(vec![("notifications".to_owned(), "News".to_owned())]),
                ..ClientChange::default()
            })
            .expect("a sound change");
        let stored = alias.store.update_client(&before, &client).await;
        assert!(stored.expect("stored"));
        let ticked = [
            ("decision", decision),
            ("scope", "contact"),
            ("channel", "notifications"),
            ("channel", "product_updates"),
        ];
        let answer = browser.submit(&page.form(), &ticked).await;
        let location = answer.location.expect("a redirect");
        assert!(param(&location, told).is_some(), "{decision}: {location}");
        let granted = alias.store.connection(sample::user().id, client.id).await;
        let granted = granted.expect("an answer").map(|it| it.access);
        let channels = granted.map(|it| client.channel_list(&it));
        let expected = (told == "code").then(|| Some("notifications".to_owned()));
        assert_eq!(channels, expected, "{decision}");
    }
}

#[actix_web::test]
async fn r31_when_the_client_is_gone_an_answer_ends_at_an_error_page() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser.authorize(SEED).await;
    alias
        .store
        .delete_client(sample::client().id)
        .await
        .expect("stored");
    let answer = browser
        .submit(&page.form(), &[("decision", "approve_all")])
        .await;
    assert!((400..500).contains(&answer.status) && answer.location.is_none());
    assert!(
        answer.html.contains("not registered any more"),
        "{}",
        answer.html
    );
    assert!(!answer.html.contains("another browser"));
}

#[actix_web::test]
async fn two_tabs_do_not_disturb_each_other() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let first = browser.authorize(SEED).await;
    let second = browser.authorize(&format!("{SEED}&prompt=login")).await;
    let fields = [
        ("email", "fred@example.com"),
        ("password", crate::support::PASSWORD),
    ];
    let second = browser.submit(&second.form(), &fields).await;
    let answer = browser
        .submit(&first.form(), &[("decision", "approve_all")])
        .await;
    assert!(param(&answer.location.expect("a redirect"), "code").is_some());
    let answer = browser
        .submit(&second.form(), &[("decision", "approve_all")])
        .await;
    assert!(param(&answer.location.expect("a redirect"), "code").is_some());
}

#[actix_web::test]
async fn forty_tabs_that_a_new_browser_opens_at_once_do_not_disturb_each_other() {
    let alias = Alias::start().await;
    let request = format!("/oauth2/authorize?{SEED}");
    let mut browser = alias.browser();
    let (mut tabs, mut cookies) = (Vec::new(), BTreeMap::new());
    for _ in 0..40 {
        // Each asks before the cookie of the others is there.
        browser.cookies.clear();
        let first = browser.get(&request).await.location.expect("a page");
        // And opens its page while it has its own alone.
        tabs.push(browser.follow(&first).await.form());
        cookies.append(&mut browser.cookies);
    }
    let mut own = alias.browser();
    tabs.push(own.get("/sign-in").await.form());
    cookies.append(&mut own.cookies);

    browser.cookies = cookies;
    let fred = [
        ("email", "fred@example.com"),
        ("password", crate::support::PASSWORD),
    ];
    for form in &tabs {
        let page = browser.submit(form, &fred).await;
        let account = page.location.as_deref() == Some("/account");
        assert!(page.status == 200 || account, "{}", page.status);
    }
    let mut other = alias.browser();
    other.get("/sign-in").await;
    for form in &tabs[..3] {
        // Whoever has an address of another browser's is led to begin again.
        let page = other.get(&form.action).await;
        assert_eq!(page.status, 404);
        assert!(page.html.contains(&sample::client().name));
        assert!(page.html.contains("href=\"https://example.com/\""));
    }
}

/// A browser says that it navigates. Its form is followed by no redirect that leads away, for Chromium
/// would hold what comes after against the page's policy.
#[actix_web::test]
async fn a_browser_leaves_by_a_page_and_not_by_a_redirect() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    for (decision, told) in [("deny", "error=access_denied"), ("approve_all", "code=")] {
        let form = browser.authorize(SEED).await.form();
        let fields = [("form_token", form.token.as_str()), ("decision", decision)];
        let answer = browser.post_navigating(&form.action, &fields).await;
        assert_eq!(answer.status, 303);
        let start = answer.location.expect("a page");
        assert_eq!(start, form.action.trim_end_matches("/consent"));
        let page = browser.get_navigating(&start).await;
        assert_eq!((page.status, page.location.as_deref()), (200, None));
        let content = page.attribute("http-equiv=\"refresh\"", "content");
        let content = content.expect("it moves on");
        let callback = "0;url=https://example.com/alias-callback?";
        assert!(
            content.starts_with(callback) && content.contains(told),
            "{content}"
        );
        let policy = page.policy.expect("a policy");
        assert!(policy.contains("form-action 'self';"), "{policy}");
    }
}

#[actix_web::test]
async fn what_is_wrong_with_a_form_a_browser_is_shown_by_a_get() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(SEED).await.form();
    for (fields, status) in [
        (&[("decision", "approve_all")][..], 403),
        (&[("form_token", &*form.token)][..], 400),
        (
            &[
                ("form_token", &*form.token),
                ("decision", "approve"),
                ("scope", "admin"),
            ][..],
            400,
        ),
    ] {
        assert_eq!(browser.post(&form.action, fields).await.status, status);
        let answer = browser.post_navigating(&form.action, fields).await;
        assert_eq!(answer.status, 303);
        let page = browser.get(&answer.location.expect("a page")).await;
        assert_eq!(page.status, status);
        let start = form.action.trim_end_matches("/consent");
        assert!(
            page.html.contains(&format!("href=\"{start}\"")),
            "the form again"
        );
    }
    assert_eq!(browser.get("/problem?note=x").await.status, 404);
}

#[actix_web::test]
async fn the_policy_of_the_page_admits_the_callback() {
    let alias = Alias::start().await;
    let page = alias.freds_browser().await.authorize(SEED).await;
    let policy = page.policy.expect("a policy");
    assert!(
        policy.contains("form-action 'self' https://example.com;"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
}

//! The consent page and its answer: R10 to R13, R31, and what is refused.

use alias_domain::{ClientChange, testing::sample};

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
    for decision in ["approve_all", "approve", "deny"] {
        let again = browser.submit(&form, &[("decision", decision)]).await;
        assert_eq!((again.status, again.location), (409, None), "{decision}");
    }
    let back = browser.get(&page.path).await;
    assert_eq!(back.status, 409);
}

#[actix_web::test]
async fn of_rival_answers_one_gets_a_code() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let form = browser.authorize(SEED).await.form();
    let rivals = (0..8).map(|_| {
        let mut browser = browser.clone();
        let form = form.clone();
        async move {
            browser
                .submit(&form, &[("decision", "approve_all")])
                .await
                .status
        }
    });
    let mut statuses = futures_util::future::join_all(rivals).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409, 409, 409, 409, 409, 409, 409]);
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
async fn two_tabs_that_a_new_browser_opens_at_once_do_not_disturb_each_other() {
    let alias = Alias::start().await;
    let request = format!("/oauth2/authorize?{SEED}");
    let mut browser = alias.browser();
    let first = browser.get(&request).await.location.expect("a page");
    // The second tab asks before the first one's cookie is there.
    browser.cookies.clear();
    let second = browser.get(&request).await.location.expect("a page");
    for path in [&first, &second] {
        assert_eq!(browser.follow(path).await.status, 200);
    }
    let mut other = alias.browser();
    other.get("/sign-in").await;
    for path in [&first, &second] {
        assert_eq!(other.get(path).await.status, 404);
    }
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

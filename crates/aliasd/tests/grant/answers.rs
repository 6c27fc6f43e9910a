//! Answers at a real browser: sent twice, from several tabs, or to a page that has grown old.

use alias_domain::Params;
use reqwest::{Client, redirect::Policy};

use crate::{
    browser::{ALLOW_ALL, DENY, EMAIL, Fred, PASSWORD},
    page::param,
    parties::Other,
};

/// Presses "Allow all" by the cookies and the form of a window, and leaves the answer unread: the first
/// press of two, whose page never comes.
async fn first_press(fred: &Fred) {
    let window = &fred.chromium.window;
    let cookies = window.get_all_cookies().await.expect("cookies");
    let cookies = cookies
        .iter()
        .map(|it| format!("{}={}", it.name(), it.value()));
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    let token = fred.chromium.value("input[name=form_token]").await;
    let http = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .build();
    let pressed = http
        .expect("a client")
        .post(fred.chromium.address().await)
        .header("cookie", cookies)
        .form(&[("form_token", &*token), ("decision", "approve_all")])
        .send()
        .await;
    assert_eq!(pressed.expect("an answer").status(), 303);
}

#[actix_web::test]
async fn a_second_press_on_allow_all_leads_to_the_client_whose_code_works() {
    let shop = Other::mirror();
    let callback = format!("{}/callback", shop.origin);
    let fred = Fred::with_client(&callback, false, &[]).await;
    fred.ask("&scope=openid").await;
    fred.sign_in().await;
    let page = fred.chromium.address().await;
    first_press(&fred).await;
    fred.chromium.press(ALLOW_ALL).await;
    let code = fred.told(&callback, "code").await.expect("a code");
    assert_eq!(fred.exchange(&code).await.0, 200);

    // Whoever comes back later is told, and led on.
    fred.chromium.goto(&page).await;
    assert!(fred.chromium.shown("h1").await.contains("answered"));
    let way = format!("a[href='{}/']", shop.origin);
    fred.chromium.press(&way).await;
    fred.arrived(&shop.origin).await;
    fred.chromium.close().await;
}

#[actix_web::test]
async fn each_of_three_tabs_that_were_opened_at_once_leads_to_the_client() {
    let shop = Other::mirror();
    let callback = format!("{}/callback", shop.origin);
    let fred = Fred::with_client(&callback, false, &[]).await;
    let window = &fred.chromium.window;
    let (mut tabs, mut cookies) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let tab = window.new_window(true).await.expect("a tab");
        window
            .switch_to_window(tab.handle.clone())
            .await
            .expect("it");
        fred.ask("&scope=openid").await;
        // The next one asks before this one's cookie is there.
        cookies.extend(window.get_all_cookies().await.expect("cookies"));
        window.delete_all_cookies().await.expect("none");
        tabs.push(tab.handle);
    }
    for cookie in cookies {
        window.add_cookie(cookie).await.expect("kept");
    }
    for tab in tabs {
        window.switch_to_window(tab).await.expect("a tab");
        fred.sign_in().await;
        if fred.chromium.has(ALLOW_ALL).await {
            fred.chromium.press(ALLOW_ALL).await;
        }
        assert!(fred.told(&callback, "code").await.is_some());
    }
    fred.chromium.close().await;
}

#[actix_web::test]
async fn back_to_a_failed_sign_in_asks_for_nothing_to_be_sent_again() {
    let shop = Other::mirror();
    let callback = format!("{}/callback", shop.origin);
    let fred = Fred::with_client(&callback, false, &[]).await;
    for own in [true, false] {
        match own {
            true => {
                let sign_in = format!("{}/sign-in", fred.alias.issuer);
                fred.chromium.goto(&sign_in).await;
            }
            false => fred.ask("&scope=openid&prompt=login").await,
        }
        fred.chromium.fill("input[name=email]", EMAIL).await;
        fred.type_password("wrong").await;
        assert!(fred.chromium.has("[role=alert]").await);
        fred.chromium.goto(&shop.origin).await;
        fred.chromium.window.back().await.expect("a page");
        assert_eq!(fred.chromium.value("input[name=email]").await, EMAIL);
        fred.type_password(PASSWORD).await;
        assert!(!fred.chromium.has("input[name=password]").await);
    }
    fred.chromium.close().await;
}

#[actix_web::test]
async fn a_page_that_a_refused_form_led_to_can_be_left_and_come_back_to() {
    let shop = Other::mirror();
    let callback = format!("{}/callback", shop.origin);
    let fred = Fred::with_client(&callback, false, &[]).await;
    let alias = fred.alias.issuer.clone();
    fred.ask("&scope=openid").await;
    fred.sign_in().await;
    fred.chromium.press(ALLOW_ALL).await;
    fred.arrived(&callback).await;
    fred.chromium.goto(&format!("{alias}/account")).await;
    // The account page grows old: its session ends in another tab.
    let window = &fred.chromium.window;
    window.delete_cookie("alias_session").await.expect("gone");
    fred.chromium
        .press("form[action='/account/disconnect'] button")
        .await;
    assert_eq!(
        fred.chromium.shown("h1").await,
        "You are not signed in any more"
    );
    fred.chromium.press("a[href='/sign-in']").await;
    window.back().await.expect("a page");
    assert_eq!(
        fred.chromium.shown("h1").await,
        "You are not signed in any more"
    );
    // And without any cookie, the page says that, too.
    fred.chromium.goto(&format!("{alias}/sign-in")).await;
    window.delete_all_cookies().await.expect("none");
    fred.sign_in().await;
    assert_eq!(
        fred.chromium.shown("h1").await,
        "Your browser blocks cookies"
    );
    fred.chromium.close().await;
}

/// A callback, and Fred before the consent page with two channels, one of which was withdrawn since.
async fn shown_what_was_withdrawn(shop: &Other) -> (String, Fred) {
    let callback = format!("{}/callback", shop.origin);
    let both = ["--channel", "news=News", "--channel", "offers=Offers"];
    let fred = Fred::with_client(&callback, false, &both).await;
    fred.ask("&scope=openid%20contact&channels=news%20offers")
        .await;
    fred.sign_in().await;
    let withdraw = [
        "client",
        "update",
        &fred.client_id,
        "--remove-channel",
        "offers",
    ];
    fred.alias.cli(&withdraw, "");
    (callback, fred)
}

#[actix_web::test]
async fn r31_a_channel_that_is_withdrawn_while_the_page_is_open_is_dropped_silently() {
    let shop = Other::mirror();
    let (callback, fred) = shown_what_was_withdrawn(&shop).await;
    fred.chromium.press(ALLOW_ALL).await;
    let code = fred.told(&callback, "code").await.expect("a code");
    let (status, tokens) = fred.exchange(&code).await;
    assert_eq!((status, &tokens["channels"]), (200, &"news".into()));
    fred.chromium.close().await;
}

#[actix_web::test]
async fn r31_a_denial_after_a_channel_was_withdrawn_is_a_denial() {
    let shop = Other::mirror();
    let (callback, fred) = shown_what_was_withdrawn(&shop).await;
    fred.chromium.press(DENY).await;
    let told = fred.arrived(&callback).await;
    assert_eq!(param(&told, "error").as_deref(), Some("access_denied"));
    assert!(!Params::parse(&told).has("code"));
    fred.chromium.close().await;
}

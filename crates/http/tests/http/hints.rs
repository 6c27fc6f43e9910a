//! Whom a request is about: `id_token_hint`, `claims` with a `sub`, and `login_hint`
//! (OIDC Core 3.1.2.1, 3.1.2.2, 5.5.1).

use alias_domain::{
    AliasId, IdTokenClaims, Secret, SigningAlgorithm, UserClaims,
    ports::IdTokens as _,
    testing::{TestIdTokens, sample},
};
use serde_json::json;

use crate::support::{
    Alias, Browser, ISSUER, PASSWORD, Page, SECRET, SEED, claims_of, json as ask, other_client,
    param, request, text,
};

const FRED: &str = "fred@example.com";
const GINGER: &str = "ginger@example.com";

/// Somebody's ID token for the sample client, who has granted what the seed asks for.
async fn id_token(alias: &Alias, email: &str) -> String {
    text(&tokens(alias, email).await, "id_token")
}

async fn tokens(alias: &Alias, email: &str) -> serde_json::Value {
    let mut browser = alias.signed_in(email).await;
    let page = browser.authorize(SEED).await;
    let page = browser
        .submit(&page.form(), &[("decision", "approve_all")])
        .await;
    let code = param(&page.location.expect("a redirect"), "code").expect("a code");
    alias.exchange(&code).await.1
}

/// Whose a code is that a page hands out.
async fn user_of(alias: &Alias, page: Page) -> String {
    let location = page.location.expect("a redirect");
    let code = param(&location, "code").unwrap_or_else(|| panic!("no code: {location}"));
    text(&claims_of(&alias.exchange(&code).await.1), "sub")
}

fn sub(id_token: &str) -> String {
    text(&claims_of(&json!({"id_token": id_token})), "sub")
}

async fn signs_in(browser: &mut Browser<'_>, page: &Page, email: &str) -> Page {
    let fields = [("email", email), ("password", PASSWORD)];
    browser.submit(&page.form(), &fields).await
}

fn by_claims(sub: &str) -> String {
    let claims = json!({"id_token": {"sub": {"value": sub}}}).to_string();
    let encoded: String = claims.bytes().map(|it| format!("%{it:02X}")).collect();
    format!("&claims={encoded}")
}

/// The two ways to say whom a request is about.
fn both_ways(id_token: &str) -> [String; 2] {
    [
        format!("&id_token_hint={id_token}"),
        by_claims(&sub(id_token)),
    ]
}

#[actix_web::test]
async fn the_session_of_the_user_who_is_asked_for_goes_on_though_another_is_later() {
    let alias = Alias::start().await;
    let (fred, ginger) = (id_token(&alias, FRED).await, id_token(&alias, GINGER).await);
    let mut browser = alias.browser_of_both().await;
    let page = browser.authorize(SEED).await;
    assert_eq!(user_of(&alias, page).await, sub(&ginger), "the latest");
    for about in [&fred, &ginger] {
        for extra in both_ways(about) {
            for prompt in ["", "&prompt=none"] {
                let page = browser.authorize(&format!("{SEED}{extra}{prompt}")).await;
                assert_eq!(user_of(&alias, page).await, sub(about), "{extra}{prompt}");
            }
        }
    }
}

/// An ID token of ours for the same user, long over.
async fn expired(id_token: &str) -> String {
    let claims = IdTokenClaims {
        jti: "DCZ2_7Se3ziXdcdSscAL0w".to_owned(),
        iss: ISSUER.to_owned(),
        aud: sample::client().id,
        iat: 1_593_519_330,
        exp: 1_593_521_130,
        nonce: None,
        at_hash: IdTokenClaims::at_hash(SigningAlgorithm::Rs256, &Secret::new("x".to_owned())),
        sub: sub(id_token).parse().expect("an ID"),
        user: UserClaims::default(),
        auth_time: 1_593_518_730,
        acr: None,
        amr: None,
        sid: None,
    };
    let signed = TestIdTokens.sign(SigningAlgorithm::Rs256, &claims).await;
    signed.expect("signed").expose().to_owned()
}

/// OIDC Core 3.1.2.2: a hint tells who was there, so its age does not count.
#[actix_web::test]
async fn an_expired_id_token_is_a_hint_too() {
    let alias = Alias::start().await;
    let fred = id_token(&alias, FRED).await;
    id_token(&alias, GINGER).await;
    let hint = expired(&fred).await;
    let mut browser = alias.browser_of_both().await;
    for prompt in ["", "&prompt=none"] {
        let query = format!("{SEED}&id_token_hint={hint}{prompt}");
        let page = browser.authorize(&query).await;
        // Ginger is the latest here.
        assert_eq!(user_of(&alias, page).await, sub(&fred), "{prompt}");
    }
    let query = format!("{SEED}&id_token_hint={hint}");
    let page = alias.browser().authorize(&query).await;
    assert!(page.path.ends_with("/sign-in"), "{}", page.path);
    let silent = format!("{query}&prompt=none");
    let page = alias.browser().authorize(&silent).await;
    assert_eq!(page.error().as_deref(), Some("login_required"));
}

#[actix_web::test]
async fn without_a_live_session_of_that_user_prompt_none_is_login_required() {
    let alias = Alias::start().await;
    let fred = id_token(&alias, FRED).await;
    for mut browser in [alias.browser(), alias.signed_in(GINGER).await] {
        for extra in both_ways(&fred) {
            let page = browser
                .authorize(&format!("{SEED}{extra}&prompt=none"))
                .await;
            assert_eq!(page.error().as_deref(), Some("login_required"), "{extra}");
        }
    }
}

#[actix_web::test]
async fn a_user_who_is_not_there_is_asked_to_sign_in_and_goes_on() {
    let alias = Alias::start().await;
    let fred = id_token(&alias, FRED).await;
    for visited in [alias.browser(), alias.signed_in(GINGER).await] {
        for extra in both_ways(&fred) {
            let mut browser = visited.clone();
            let page = browser.authorize(&format!("{SEED}{extra}")).await;
            assert!(page.path.ends_with("/sign-in"), "{}", page.path);
            // A client that has somebody's ID token does not learn their address.
            assert!(!page.html.contains("@example.com"), "{}", page.html);
            let page = signs_in(&mut browser, &page, FRED).await;
            assert_eq!(user_of(&alias, page).await, sub(&fred));
        }
    }
}

#[actix_web::test]
async fn an_answer_as_somebody_else_is_refused_and_hands_out_nothing() {
    let alias = Alias::start().await;
    let fred = id_token(&alias, FRED).await;
    for extra in both_ways(&fred) {
        for prompt in [
            "",
            "&prompt=login",
            "&prompt=consent",
            "&response_mode=query",
        ] {
            let mut browser = alias.browser();
            let page = browser.authorize(&format!("{SEED}{extra}{prompt}")).await;
            let page = signs_in(&mut browser, &page, GINGER).await;
            assert_eq!(page.error().as_deref(), Some("login_required"), "{prompt}");
            let location = page.location.expect("a redirect");
            assert_eq!(param(&location, "code"), None, "{prompt}");
        }
    }
}

#[actix_web::test]
async fn choosing_or_adding_another_account_is_refused_too() {
    let alias = Alias::start().await;
    let fred = id_token(&alias, FRED).await;
    let mut browser = alias.browser_of_both().await;
    let query = format!("{SEED}&id_token_hint={fred}&prompt=select_account");
    let page = browser.authorize(&query).await;
    let button = |email: &str| {
        let mut buttons = page.html.split("name=\"account\"");
        let found = buttons.find(|it| it.contains(email)).expect("a button");
        found.split('"').nth(1).expect("its value").to_owned()
    };
    let (fred_here, ginger_here) = (button(FRED), button(GINGER));
    let as_ginger = [("account", ginger_here.as_str())];
    let refused = browser.submit(&page.form(), &as_ginger).await;
    assert_eq!(refused.error().as_deref(), Some("login_required"));

    let page = browser.authorize(&query).await;
    let as_fred = [("account", fred_here.as_str())];
    let answer = browser.submit(&page.form(), &as_fred).await;
    assert_eq!(user_of(&alias, answer).await, sub(&fred));
}

#[actix_web::test]
async fn a_hint_survives_a_disconnect_and_not_its_user() {
    let alias = Alias::start().await;
    let fred = id_token(&alias, FRED).await;
    let user = sample::user().id;
    let disconnect = alias_domain::Revocation::Disconnect;
    let ended = alias
        .store
        .revoke(user, sample::client().id, &disconnect, sample::NOON)
        .await;
    ended.expect("stored").expect("they are connected");
    let mut browser = alias.browser_of_both().await;
    let query = format!("{SEED}&id_token_hint={fred}");
    let page = browser.authorize(&format!("{query}&prompt=none")).await;
    assert_eq!(
        page.error().as_deref(),
        Some("consent_required"),
        "Fred is there"
    );
    let page = browser.authorize(&query).await;
    assert!(page.path.ends_with("/consent") && page.html.contains(FRED));
    assert!(!page.html.contains("Switch account"), "it would be refused");
    let page = browser.authorize(SEED).await;
    assert!(page.html.contains("Switch account"));

    alias.store.delete_user(user).await.expect("stored");
    let page = browser.authorize(&format!("{query}&prompt=none")).await;
    assert_eq!(page.error().as_deref(), Some("login_required"));
    let page = browser.authorize(&query).await;
    assert!(
        page.path.ends_with("/sign-in"),
        "nobody is told that Fred is gone"
    );
}

#[actix_web::test]
async fn a_hint_that_is_not_ours_or_not_this_clients_is_an_invalid_request() {
    let alias = Alias::start().await;
    let fred = id_token(&alias, FRED).await;
    let huge = "x".repeat(9000);
    let cut = &fred[..fred.len() - 1];
    let user_token = text(&tokens_again(&alias).await, "access_token");
    for hint in [
        "x",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.e30.",
        "%FF",
        "%00",
        &huge,
        cut,
        &user_token,
    ] {
        for prompt in ["", "&prompt=none"] {
            let query = request(&format!("&scope=openid&id_token_hint={hint}{prompt}"));
            let page = alias.freds_browser().await.authorize(&query).await;
            assert_eq!(page.error().as_deref(), Some("invalid_request"), "{hint}");
        }
    }
    // Another client's: it would link the two aliases of one user.
    let theirs = format!(
        "response_type=code&scope=openid&client_id={}&redirect_uri={}&id_token_hint={fred}",
        other_client().id,
        sample::REDIRECT_URI
    );
    let page = alias.freds_browser().await.authorize(&theirs).await;
    assert_eq!(page.error().as_deref(), Some("invalid_request"));
}

async fn tokens_again(alias: &Alias) -> serde_json::Value {
    let code = alias.code(SEED).await;
    alias.exchange(&code).await.1
}

#[actix_web::test]
async fn a_sub_of_another_client_names_nobody_here() {
    let alias = Alias::start().await;
    let fred = sub(&id_token(&alias, FRED).await);
    let theirs = format!(
        "response_type=code&scope=openid&client_id={}&redirect_uri={}&prompt=none{}",
        other_client().id,
        sample::REDIRECT_URI,
        by_claims(&fred)
    );
    let page = alias.freds_browser().await.authorize(&theirs).await;
    assert_eq!(page.error().as_deref(), Some("login_required"));
}

#[actix_web::test]
async fn a_hint_and_claims_that_name_two_users_are_an_invalid_request() {
    let alias = Alias::start().await;
    let (fred, ginger) = (id_token(&alias, FRED).await, id_token(&alias, GINGER).await);
    let query = format!("{SEED}&id_token_hint={fred}{}", by_claims(&sub(&ginger)));
    let page = alias.browser_of_both().await.authorize(&query).await;
    assert_eq!(page.error().as_deref(), Some("invalid_request"));
}

#[actix_web::test]
async fn a_hint_that_was_read_is_not_kept() {
    let alias = Alias::start().await;
    let fred = id_token(&alias, FRED).await;
    let query = format!("{SEED}&id_token_hint={fred}");
    let page = alias.browser().authorize(&query).await;
    let id = page.path.split('/').nth(2).expect("an interaction").parse();
    let kept = alias
        .store
        .interaction(id.expect("an ID"), chrono::Utc::now())
        .await;
    let kept = kept.expect("an answer").expect("it waits");
    let (request, _) = kept
        .request
        .restored(&sample::client())
        .expect("registered");
    let named: Option<AliasId> = sub(&fred).parse().ok();
    assert_eq!(request.subjects(), named.as_ref().map(std::slice::from_ref));
    let text = serde_json::to_string(&kept.request).expect("JSON");
    assert!(!text.contains(&fred), "{text}");
}

// A login hint.

#[actix_web::test]
async fn a_login_hint_fills_in_the_email_and_says_nothing_about_an_account() {
    let alias = Alias::start().await;
    for email in [FRED, "nobody@example.com"] {
        let query = request(&format!("&scope=openid&login_hint={email}"));
        let page = alias.browser().authorize(&query).await;
        let filled = page.attribute("name=\"email\"", "value");
        assert_eq!(filled.as_deref(), Some(email));
        assert!(!page.html.contains("role=\"alert\""));
    }
    for odd in ["fred", "%22%3E%3Cb%3E%40x", "%3Cscript%3E"] {
        let query = request(&format!("&scope=openid&login_hint={odd}"));
        let page = alias.browser().authorize(&query).await;
        let filled = page.attribute("name=\"email\"", "value");
        assert_eq!(filled.as_deref(), Some(""), "{odd}");
    }
}

#[actix_web::test]
async fn a_login_hint_for_somebody_who_is_not_here_chooses_and_trusts_nobody() {
    let alias = Alias::start().await;
    alias.code(SEED).await;
    let mut browser = alias.freds_browser().await;
    let page = browser
        .authorize(&format!("{SEED}&login_hint={GINGER}"))
        .await;
    assert!(param(&page.location.expect("a redirect"), "code").is_some());
    // R32: at a sign-in page the hint outranks whoever was here before.
    let query = format!("{SEED}&login_hint={GINGER}&prompt=login");
    let page = browser.authorize(&query).await;
    let filled = page.attribute("name=\"email\"", "value");
    assert_eq!(filled.as_deref(), Some(GINGER));
    assert!(!page.html.contains("Confirm that it is you"));
    // Nor does it hide what was typed.
    let mut browser = alias.browser();
    let page = browser.authorize(&query).await;
    let typed = [("email", "freed@example.com"), ("password", "wrong")];
    let page = browser.submit(&page.form(), &typed).await;
    let filled = page.attribute("name=\"email\"", "value");
    assert_eq!(filled.as_deref(), Some("freed@example.com"));
}

#[actix_web::test]
async fn r32_a_login_hint_picks_one_of_the_accounts_that_are_signed_in_here() {
    let alias = Alias::start().await;
    let mut browser = alias.browser_of_both().await;
    for email in [FRED, GINGER] {
        let hinted = request(&format!("&scope=openid&login_hint={email}"));
        let page = browser.authorize(&hinted).await;
        assert!(page.path.ends_with("/consent") && page.html.contains(email));
        let refused = browser.authorize(&format!("{hinted}&prompt=none")).await;
        assert_eq!(refused.error().as_deref(), Some("consent_required"));
        browser
            .submit(&page.form(), &[("decision", "approve_all")])
            .await;
        let silent = browser.authorize(&format!("{hinted}&prompt=none")).await;
        let user = alias
            .store
            .user_by_email(&email.parse().expect("an address"))
            .await;
        let user = user.expect("an answer").expect("a user").0.id;
        let connection = alias.store.connection(user, sample::client().id).await;
        let alias_id = connection.expect("an answer").expect("connected").alias_id;
        assert_eq!(user_of(&alias, silent).await, alias_id.to_string());
        // Proving who one is begins with the same account.
        let again = browser.authorize(&format!("{hinted}&prompt=login")).await;
        let filled = again.attribute("name=\"email\"", "value");
        assert_eq!(filled.as_deref(), Some(email));
        assert!(again.html.contains("Confirm that it is you"));
    }
}

#[actix_web::test]
async fn another_clients_id_token_cannot_be_exchanged_for_anything() {
    let alias = Alias::start().await;
    let fred = id_token(&alias, FRED).await;
    let request = alias
        .post("/api/oauth2/token")
        .basic_auth(other_client().id.to_string(), Some(SECRET));
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", fred.as_str()),
    ];
    let (status, answer) = ask(request.form(&form)).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
}

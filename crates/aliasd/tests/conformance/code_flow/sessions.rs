use super::Scene;
use crate::{
    browser::PageKind,
    checks::{self, ALPHANUMERIC, random},
    relying_party::Mode,
};

/// What `prompt=none` may be answered where somebody would have to be asked (OIDC Core 3.1.2.6).
pub(crate) const SOMEBODY_MUST_BE_ASKED: [&str; 4] = [
    "login_required",
    "interaction_required",
    "account_selection_required",
    "consent_required",
];

/// A state of this length, with everything in it that needs no encoding.
pub(crate) fn long_state(length: usize) -> String {
    format!("{}-._~", random(length - 4, ALPHANUMERIC))
}

pub(crate) async fn oidcc_prompt_login(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let first = scene.sign_in(&scene.rp.request()).await.tokens.id_token;
    checks::second_is_over(first.seconds("auth_time")).await;
    let again = scene.rp.request().with("prompt", "login");
    let again = scene.sign_in(&again).await;
    assert!(again.visit.showed(PageKind::SignIn));
    let second = again.tokens.id_token;
    assert!(second.seconds("auth_time") > first.seconds("auth_time"));
    assert_eq!(second.sub(), first.sub());
}

pub(crate) async fn oidcc_prompt_none_not_logged_in(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let request = scene
        .rp
        .request()
        .with("prompt", "none")
        .with("state", long_state(128));
    let visit = scene
        .rp
        .send(&scene.browser, &request, Some(&scene.person))
        .await;
    let error = scene.rp.error(&request, visit.callback());
    assert!(SOMEBODY_MUST_BE_ASKED.contains(&&*error), "{error}");
    assert!(!visit.asked());
}

pub(crate) async fn oidcc_prompt_none_logged_in(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let first = scene.sign_in(&scene.rp.request()).await.tokens.id_token;
    let silent = scene.rp.request().with("prompt", "none");
    let second = scene.sign_in_unseen(&silent).await.tokens.id_token;
    assert_eq!(second.seconds("auth_time"), first.seconds("auth_time"));
    assert_eq!(second.sub(), first.sub());
}

pub(crate) async fn oidcc_max_age_1(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let first = scene.sign_in(&scene.rp.request()).await.tokens.id_token;
    checks::second_is_over(first.seconds("auth_time") + 1).await;
    let again = scene
        .sign_in(&scene.rp.request().with("max_age", "1"))
        .await;
    assert!(again.visit.showed(PageKind::SignIn));
    let second = again.tokens.id_token.seconds("auth_time");
    assert!(second > first.seconds("auth_time"));
    assert!(checks::now().as_secs() - second <= 60);
}

pub(crate) async fn oidcc_max_age_10000(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let first = scene.rp.request().with("max_age", "15000");
    let first = scene.sign_in(&first).await.tokens.id_token;
    let second = scene.rp.request().with("max_age", "10000");
    let second = scene.sign_in_unseen(&second).await.tokens.id_token;
    assert_eq!(second.seconds("auth_time"), first.seconds("auth_time"));
    assert_eq!(second.sub(), first.sub());
}

pub(crate) async fn oidcc_id_token_hint(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let first = scene.sign_in(&scene.rp.request()).await.tokens.id_token;
    let silent = scene
        .rp
        .request()
        .with("prompt", "none")
        .with("id_token_hint", &*first.text);
    let second = scene.sign_in_unseen(&silent).await.tokens.id_token;
    assert_eq!(second.seconds("auth_time"), first.seconds("auth_time"));
    assert_eq!(second.sub(), first.sub());

    // Of somebody who is not here: whoever is will not do (OIDC Core 3.1.2.2).
    let elsewhere = Scene::begin(mode).await;
    let other = elsewhere
        .sign_in(&elsewhere.rp.request())
        .await
        .tokens
        .id_token;
    let silent = silent.with("id_token_hint", &*other.text);
    let visit = scene.rp.send(&scene.browser, &silent, None).await;
    assert_eq!(scene.rp.error(&silent, visit.callback()), "login_required");
    // Of nobody: nobody signed it.
    let (signed, _) = first.text.rsplit_once('.').expect("a signature");
    let forged = silent.with("id_token_hint", format!("{signed}."));
    let visit = scene.rp.send(&scene.browser, &forged, None).await;
    assert_eq!(scene.rp.error(&forged, visit.callback()), "invalid_request");
}

/// The hint names an account that need not exist, and binds nobody to it.
pub(crate) async fn oidcc_login_hint(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let request = scene.rp.request().with("login_hint", "buffy@localhost");
    let visit = scene.sign_in(&request).await.visit;
    let sign_in = visit.shown.first().expect("a page");
    assert_eq!(sign_in.field("email"), Some("buffy@localhost"));
}

use serde_json::json;

use super::Scene;
use crate::{checks, relying_party::Mode};

pub(crate) async fn oidcc_userinfo_get(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let tokens = scene.sign_in(&scene.rp.request()).await.tokens;
    let info = scene.rp.user_info(&tokens.access_token).await;
    info.is_about(&tokens.id_token);
}

pub(crate) async fn oidcc_userinfo_post_header(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let tokens = scene.sign_in(&scene.rp.request()).await.tokens;
    let bearer = Some(&*tokens.access_token);
    let info = scene.rp.user_info_by_post(bearer, &[]).await;
    info.is_about(&tokens.id_token);
}

pub(crate) async fn oidcc_userinfo_post_body(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let tokens = scene.sign_in(&scene.rp.request()).await.tokens;
    let form = [("access_token", &*tokens.access_token)];
    let info = scene.rp.user_info_by_post(None, &form).await;
    info.is_about(&tokens.id_token);
}

/// Asks for scopes that Alias does not offer. They are not promised, and ignored: nothing of them is
/// in the token, in the ID token or in userinfo.
async fn offers_nothing_of(mode: Mode, scopes: &[&str]) {
    let scene = Scene::begin(mode).await;
    for scope in scopes {
        assert!(!checks::lists(
            &scene.rp.discovery,
            "scopes_supported",
            scope
        ));
    }
    let scope = format!("openid {}", scopes.join(" "));
    let tokens = scene
        .sign_in(&scene.rp.request().with("scope", scope))
        .await
        .tokens;
    assert_eq!(tokens.response["scope"], "openid");
    let info = scene.rp.user_info(&tokens.access_token).await;
    let sub = tokens.id_token.sub();
    assert_eq!(info.is_about(&tokens.id_token), json!({ "sub": sub }));
}

pub(crate) async fn oidcc_scope_profile(mode: Mode) {
    offers_nothing_of(mode, &["profile"]).await;
}

pub(crate) async fn oidcc_scope_email(mode: Mode) {
    offers_nothing_of(mode, &["email"]).await;
}

pub(crate) async fn oidcc_scope_address(mode: Mode) {
    offers_nothing_of(mode, &["address"]).await;
}

pub(crate) async fn oidcc_scope_phone(mode: Mode) {
    offers_nothing_of(mode, &["phone"]).await;
}

pub(crate) async fn oidcc_scope_all(mode: Mode) {
    offers_nothing_of(mode, &["email", "phone", "address", "profile"]).await;
}

/// Scopes and parameters in another order than usual; with a scope that Alias has, for it has no
/// `email`.
pub(crate) async fn oidcc_alternate_happy_flow(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let request = scene.rp.request().with("scope", "nickname openid");
    let mut fields = request.fields();
    fields.reverse();
    let address = scene.rp.address(&fields);
    let person = Some(&scene.person);
    let visit = scene.browser.follow(&address, person).await;
    let tokens = scene.rp.signed_in(&request, visit, None).await.tokens;
    assert_eq!(tokens.response["scope"], "openid nickname");
    assert_eq!(tokens.id_token.claims["nickname"], "Ines");
    let info = scene.rp.user_info(&tokens.access_token).await;
    assert_eq!(info.is_about(&tokens.id_token)["nickname"], "Ines");
}

/// Alias knows no real names: that it has none to give is no reason to fail (OIDC Core 5.5.1).
pub(crate) async fn oidcc_claims_essential(mode: Mode) {
    let scene = Scene::begin(mode).await;
    assert!(!checks::lists(
        &scene.rp.discovery,
        "claims_supported",
        "name"
    ));
    let claims = json!({"userinfo": {"name": {"essential": true}}}).to_string();
    let tokens = scene
        .sign_in(&scene.rp.request().with("claims", claims))
        .await
        .tokens;
    let info = scene.rp.user_info(&tokens.access_token).await;
    let sub = tokens.id_token.sub();
    assert_eq!(info.is_about(&tokens.id_token), json!({ "sub": sub }));
}

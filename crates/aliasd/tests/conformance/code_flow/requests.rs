use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Scene;
use crate::{
    checks::{self, ALPHANUMERIC, random},
    relying_party::{Mode, RelyingParty, Request},
    service::Service,
};

/// The error page of a redirect URI that is not the client's.
const NOT_REGISTERED: &str = "The way back is not registered";

pub(crate) async fn oidcc_server(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let signed_in = scene.sign_in(&scene.rp.request()).await;
    assert_eq!(signed_in.tokens.response["scope"], "openid");
    assert_eq!(signed_in.tokens.id_token.claims.get("name"), None);
}

pub(crate) async fn oidcc_server_client_secret_post(mode: Mode) {
    let scene = Scene::of(&Service::shared().post, mode).await;
    scene.sign_in(&scene.rp.request()).await;
}

pub(crate) async fn oidcc_response_type_missing(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let request = scene.rp.request().without("response_type");
    let visit = scene.rp.send(&scene.browser, &request, None).await;
    assert_eq!(
        scene.rp.error(&request, visit.callback()),
        "invalid_request"
    );
    assert!(!visit.asked());
}

pub(crate) async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(mode: Mode) {
    let scene = Scene::begin(mode).await;
    scene.sign_in(&scene.rp.request().without("nonce")).await;
}

pub(crate) async fn oidcc_display_page(mode: Mode) {
    Scene::succeeds_with(mode, "display", "page").await;
}

pub(crate) async fn oidcc_display_popup(mode: Mode) {
    Scene::succeeds_with(mode, "display", "popup").await;
}

pub(crate) async fn oidcc_ensure_request_with_unknown_parameter_succeeds(mode: Mode) {
    Scene::succeeds_with(mode, "extra", "foobar").await;
}

pub(crate) async fn oidcc_ui_locales(mode: Mode) {
    Scene::succeeds_with(mode, "ui_locales", "se").await;
}

pub(crate) async fn oidcc_claims_locales(mode: Mode) {
    Scene::succeeds_with(mode, "claims_locales", "se").await;
}

pub(crate) async fn oidcc_ensure_post_request_succeeds(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let request = scene.rp.request();
    let endpoint = scene.rp.address(&[]);
    let address = endpoint.as_str().trim_end_matches('?');
    let (fields, person) = (request.fields(), Some(&scene.person));
    let visit = scene.browser.submit(address, &fields, person).await;
    scene.rp.signed_in(&request, visit, None).await;
}

pub(crate) async fn oidcc_ensure_registered_redirect_uri(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let other = format!(
        "{}/{}",
        scene.rp.client.redirect_uri,
        random(10, ALPHANUMERIC)
    );
    let request = scene.rp.request().with("redirect_uri", other);
    is_refused_with_a_page(&scene, &request).await;
}

async fn is_refused_with_a_page(scene: &Scene, request: &Request) {
    let person = Some(&scene.person);
    let visit = scene.rp.send(&scene.browser, request, person).await;
    let page = visit.page();
    assert_eq!(page.status, 400);
    assert!(page.html.contains(NOT_REGISTERED), "{}", page.html);
}

pub(crate) async fn oidcc_ensure_request_with_valid_pkce_succeeds(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let verifier = random(128, &format!("{ALPHANUMERIC}-._~"));
    let challenge = checks::encoded(&Sha256::digest(&verifier));
    let request = scene
        .rp
        .request()
        .with("code_challenge", challenge)
        .with("code_challenge_method", "S256");
    let person = Some(&scene.person);
    let visit = scene.rp.send(&scene.browser, &request, person).await;
    let visit = scene.rp.signed_in(&request, visit, Some(verifier)).await;
    assert_eq!(visit.tokens.response["scope"], "openid");
}

/// A request object that nobody signed (OIDC Core 6.1), with a state of its own.
fn unsigned(rp: &RelyingParty, request: &Request) -> String {
    let mut claims: Value = request
        .fields()
        .into_iter()
        .map(|(name, value)| (name, Value::from(value)))
        .collect();
    claims["aud"] = rp.discovery["issuer"].clone();
    claims["iss"] = json!(rp.client.id);
    let header = checks::encoded(br#"{"alg":"none"}"#);
    format!(
        "{header}.{}.",
        checks::encoded(claims.to_string().as_bytes())
    )
}

/// What stands outside of a request object, too: no more than the Foundation's suite leaves there.
fn outside(request: &Request) -> Request {
    let outside = request.clone();
    let outside = outside.without("state").without("nonce");
    let outside = outside.without("response_mode");
    let names: Vec<String> = outside.fields().into_iter().map(|it| it.0).collect();
    assert_eq!(
        names,
        ["client_id", "redirect_uri", "response_type", "scope"]
    );
    outside
}

pub(crate) async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    mode: Mode,
) {
    let scene = Scene::begin(mode).await;
    let supported = &scene.rp.discovery["request_parameter_supported"];
    assert_eq!(*supported, false);
    let whole = scene.rp.request();
    let request = outside(&whole).with("request", unsigned(&scene.rp, &whole));
    let visit = scene
        .rp
        .send(&scene.browser, &request, Some(&scene.person))
        .await;
    // By the mode and with the state of the object: they stand nowhere else.
    let error = scene.rp.error(&whole, visit.callback());
    assert_eq!(error, "request_not_supported");
}

pub(crate) async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
    mode: Mode,
) {
    let scene = Scene::begin(mode).await;
    // OIDC Discovery 3: whoever says nothing supports it.
    let supported = &scene.rp.discovery["request_uri_parameter_supported"];
    assert_eq!(*supported, false);
    // The mode stands outside: nobody visits the address, so nobody can know it from there.
    let request = scene.rp.request().without("state").without("nonce");
    let request = request.with("request_uri", "https://first.example/request.jwt");
    let visit = scene
        .rp
        .send(&scene.browser, &request, Some(&scene.person))
        .await;
    let error = scene.rp.error(&request, visit.callback());
    assert_eq!(error, "request_uri_not_supported");
}

pub(crate) async fn oidcc_ensure_request_object_with_redirect_uri(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let whole = scene.rp.request();
    let invalid = format!("{}_invalid", scene.rp.client.redirect_uri);
    let request = outside(&whole)
        .with("request", unsigned(&scene.rp, &whole))
        .with("redirect_uri", invalid);
    is_refused_with_a_page(&scene, &request).await;
}

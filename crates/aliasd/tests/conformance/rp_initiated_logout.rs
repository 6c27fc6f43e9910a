//! RP-Initiated Logout OP: `oidcc-rp-initiated-logout-certification-test-plan`.

use josekit::jws::{HS256, JwsHeader, serialize_compact};
use serde_json::json;

use crate::{
    browser::{PageKind, Visit},
    checks::{self, ALPHANUMERIC, random},
    code_flow::{SOMEBODY_MUST_BE_ASKED, Scene},
    config,
    id_token::IdToken,
    relying_party::Mode,
    service::Service,
};

/// The page at the end, where there is no other to go to.
const SIGNED_OUT: &str = "You are signed out";

/// Somebody who is signed in, and may leave.
struct Leaver {
    scene: Scene,
    id_token: IdToken,
}

/// The parameters of a logout request.
struct Farewell(Vec<(String, String)>);

impl Farewell {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter().filter(|it| it.0 == name);
        fields.next().map(|it| it.1.as_str())
    }
}

/// A state with letters, digits, and whatever a URL needs to encode.
pub(crate) fn awkward_state() -> String {
    let letters = &ALPHANUMERIC[..52];
    let marks = "!\"#$%&'()*,-./:<=>?@[\\]^_`{|}~";
    [
        random(50, letters),
        random(10, "0123456789"),
        random(30, marks),
    ]
    .concat()
}

impl Leaver {
    async fn begin() -> Self {
        let client = &Service::shared().leaving;
        let scene = Scene::of(client, Mode::Query).await;
        let request = scene
            .rp
            .request()
            .with("state", crate::code_flow::long_state(128));
        let id_token = scene.sign_in(&request).await.tokens.id_token;
        Self { scene, id_token }
    }

    fn way_back(&self) -> String {
        let uri = self.scene.rp.client.post_logout_redirect_uri.clone();
        uri.expect("it registered one")
    }

    /// All that a client can say.
    fn farewell(&self) -> Farewell {
        Farewell::new()
            .with("id_token_hint", &*self.id_token.text)
            .with("post_logout_redirect_uri", self.way_back())
            .with("state", awkward_state())
    }

    /// Sends the browser to leave, where whoever is asked says yes.
    async fn leave(&self, farewell: &Farewell) -> Visit {
        let Scene {
            rp,
            browser,
            person,
        } = &self.scene;
        rp.leave(browser, &farewell.0, Some(person)).await
    }

    /// Leaves, and arrives at the client.
    async fn arrives(&self, farewell: &Farewell) {
        let visit = self.leave(farewell).await;
        let client = &self.scene.rp.client;
        client.is_taken_back(visit.callback(), farewell.get("state"));
        self.is_gone().await;
    }

    /// Leaves, and arrives at the service's own page.
    async fn stays(&self, farewell: &Farewell) {
        let visit = self.leave(farewell).await;
        let page = visit.page();
        assert_eq!(page.status, 200);
        assert!(page.html.contains(SIGNED_OUT), "{}", page.html);
        self.is_gone().await;
    }

    /// The same, with a question before, without whose answer nothing happens.
    async fn is_asked(&self, farewell: &Farewell, why: &str) {
        let Scene { rp, browser, .. } = &self.scene;
        let visit = rp.leave(browser, &farewell.0, None).await;
        let page = visit.page();
        assert_eq!((page.status, page.kind), (200, PageKind::SignOut));
        assert!(page.html.contains(why), "{}", page.html);
        let silent = rp.request().with("prompt", "none");
        rp.sign_in(browser, &silent, None).await;
        self.stays(farewell).await;
    }

    async fn is_gone(&self) {
        self.scene.is_nobody().await;
    }
}

impl Scene {
    /// Nobody is signed in at the browser.
    pub(crate) async fn is_nobody(&self) {
        let silent = self.rp.request().with("prompt", "none");
        let visit = self.rp.send(&self.browser, &silent, None).await;
        let error = self.rp.error(&silent, visit.callback());
        assert!(SOMEBODY_MUST_BE_ASKED.contains(&&*error), "{error}");
    }
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    let document = config::discovery().await;
    config::has_secure_endpoints(&document);
    checks::is_secure(&document["end_session_endpoint"]);
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout() {
    let leaver = Leaver::begin().await;
    leaver.arrives(&leaver.farewell()).await;
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    let leaver = Leaver::begin().await;
    let elsewhere = leaver
        .way_back()
        .replace("/post_logout", "/bad_post_logout");
    let farewell = Farewell::new()
        .with("id_token_hint", &*leaver.id_token.text)
        .with("post_logout_redirect_uri", elsewhere)
        .with("state", awkward_state());
    leaver.is_asked(&farewell, "post_logout_redirect_uri").await;
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    let leaver = Leaver::begin().await;
    let added = format!("{}?foo=bar", leaver.way_back());
    let farewell = Farewell::new()
        .with("id_token_hint", &*leaver.id_token.text)
        .with("post_logout_redirect_uri", added)
        .with("state", awkward_state());
    leaver.is_asked(&farewell, "post_logout_redirect_uri").await;
}

/// With a hint that this issuer did not sign.
async fn is_asked_with_hint(leaver: &Leaver, hint: String) {
    let farewell = Farewell::new()
        .with("id_token_hint", hint)
        .with("post_logout_redirect_uri", leaver.way_back())
        .with("state", awkward_state());
    leaver.is_asked(&farewell, "id_token_hint").await;
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    let leaver = Leaver::begin().await;
    let header = checks::encoded(br#"{"alg":"none"}"#);
    let claims = leaver.id_token.text.split('.').nth(1).expect("claims");
    is_asked_with_hint(&leaver, format!("{header}.{claims}.")).await;
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    let leaver = Leaver::begin().await;
    let client = &leaver.scene.rp.client;
    let now = checks::now().as_secs();
    let claims = json!({
        "iss": client.id,
        "aud": leaver.id_token.claims["iss"],
        "sub": "SubjectID",
        "nonce": leaver.id_token.claims["nonce"],
        "iat": now,
        "exp": now + 300,
    });
    let signer = HS256.signer_from_bytes(&client.secret).expect("a key");
    let claims = claims.to_string();
    let hint = serialize_compact(claims.as_bytes(), &JwsHeader::new(), &signer);
    is_asked_with_hint(&leaver, hint.expect("a JWS")).await;
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout_no_id_token_hint() {
    let leaver = Leaver::begin().await;
    let farewell = Farewell::new()
        .with("post_logout_redirect_uri", leaver.way_back())
        .with("state", awkward_state());
    leaver.is_asked(&farewell, "not who asks").await;
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout_no_params() {
    let leaver = Leaver::begin().await;
    leaver.is_asked(&Farewell::new(), "Sign out").await;
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout_only_state() {
    let leaver = Leaver::begin().await;
    let farewell = Farewell::new().with("state", awkward_state());
    leaver.is_asked(&farewell, "Sign out").await;
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let leaver = Leaver::begin().await;
    let farewell = Farewell::new()
        .with("id_token_hint", &*leaver.id_token.text)
        .with("state", awkward_state());
    leaver.stays(&farewell).await;
}

#[actix_web::test]
async fn oidcc_rp_initiated_logout_no_state() {
    let leaver = Leaver::begin().await;
    let farewell = Farewell::new()
        .with("id_token_hint", &*leaver.id_token.text)
        .with("post_logout_redirect_uri", leaver.way_back());
    leaver.arrives(&farewell).await;
}

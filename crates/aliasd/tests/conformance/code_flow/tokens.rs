use super::Scene;
use crate::{
    browser::PageKind,
    checks::{self, text},
    relying_party::{Mode, granted},
    service::Service,
};

/// A client that said nothing of algorithms gets RS256.
pub(crate) async fn oidcc_idtoken_signature(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let id_token = scene.sign_in(&scene.rp.request()).await.tokens.id_token;
    assert_eq!(id_token.header["alg"], "RS256");
    assert!(!text(&id_token.header, "kid").is_empty());
}

/// Nobody can register for ID tokens that are not signed.
pub(crate) async fn oidcc_idtoken_unsigned(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let algorithms = "id_token_signing_alg_values_supported";
    assert!(checks::lists(&scene.rp.discovery, algorithms, "RS256"));
    assert!(!checks::lists(&scene.rp.discovery, algorithms, "none"));
    let options = [
        "--redirect-uri",
        "https://x.example/cb",
        "--id-token-alg",
        "none",
    ];
    let create = [&["client", "create", "--name", "Unsigned"], &options[..]].concat();
    let refused = Service::shared().refused(&create);
    assert!(refused.contains("--id-token-alg"), "{refused}");
}

pub(crate) async fn oidcc_ensure_request_with_acr_values_succeeds(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let offered = scene.rp.discovery["acr_values_supported"].as_array();
    let offered: Vec<&str> = offered
        .into_iter()
        .flatten()
        .map(|it| it.as_str().expect("text"))
        .collect();
    assert!(!offered.is_empty(), "the metadata promises some");
    let request = scene.rp.request().with("acr_values", offered.join(" "));
    let id_token = scene.sign_in(&request).await.tokens.id_token;
    let acr = text(&id_token.claims, "acr");
    assert!(offered.contains(&&*acr), "{acr}");
}

pub(crate) async fn oidcc_codereuse(mode: Mode) {
    let scene = Scene::begin(mode).await;
    let first = scene.sign_in(&scene.rp.request()).await;
    let again = scene.rp.exchange(&first.exchange).await;
    again.is_token_error("invalid_grant");
}

pub(crate) async fn oidcc_codereuse_30seconds(mode: Mode) {
    actix_web::rt::task::spawn_blocking(move || later::end(mode))
        .await
        .expect("what was begun ends well");
}

pub(crate) async fn oidcc_refresh_token(mode: Mode) {
    let service = Service::shared();
    let (one, other) = (
        Scene::of(&service.basic, mode).await,
        Scene::of(&service.second, mode).await,
    );
    assert!(checks::lists(
        &one.rp.discovery,
        "grant_types_supported",
        "refresh_token"
    ));
    let scope = "openid offline_access";
    let mut last = String::new();
    for (scene, narrowed) in [(&one, Some(scope)), (&other, None)] {
        let request = scene
            .rp
            .request()
            .with("scope", scope)
            .with("prompt", "consent")
            .with("nonce", super::long_state(43));
        let first = scene.sign_in(&request).await;
        assert!(first.visit.showed(PageKind::Consent));
        let refresh_token = text(&first.tokens.response, "refresh_token");
        let refreshed = granted(&scene.rp.refresh(&refresh_token, narrowed).await);
        assert_eq!(refreshed["scope"], scope);
        assert_eq!(refreshed.get("id_token"), None, "R18");
        let access_token = text(&refreshed, "access_token");
        assert_ne!(access_token, first.tokens.access_token);
        let info = scene.rp.user_info(&access_token).await;
        info.is_about(&first.tokens.id_token);
        last = text(&refreshed, "refresh_token");
        assert_ne!(last, refresh_token);
    }
    let stolen = one.rp.refresh(&last, Some(scope)).await;
    stolen.is_token_error("invalid_grant");
    granted(&other.rp.refresh(&last, None).await);
}

/// A code that is used again half a minute later, while it would still live. Both plans wait for
/// that, and both wait beside all other modules, from the first one that begins.
pub(crate) mod later {
    use std::{
        sync::{LazyLock, Mutex},
        thread::{self, JoinHandle},
        time::Duration,
    };

    use super::Scene;
    use crate::relying_party::Mode;

    const LATER: Duration = Duration::from_secs(30);

    type Begun = Mutex<Option<JoinHandle<()>>>;

    static BEGUN: LazyLock<[(Mode, Begun); 2]> = LazyLock::new(|| {
        [Mode::Query, Mode::FormPost].map(|mode| {
            let work = move || actix_web::rt::System::new().block_on(module(mode));
            (mode, Mutex::new(Some(thread::spawn(work))))
        })
    });

    pub(crate) fn begin() {
        LazyLock::force(&BEGUN);
    }

    /// Waits for the module's end, and fails if it failed.
    pub(super) fn end(mode: Mode) {
        let begun = BEGUN.iter().find(|it| it.0 == mode).expect("each mode");
        let running = begun.1.lock().expect("nobody failed here").take();
        running.expect("waited for once").join().expect("it holds");
    }

    async fn module(mode: Mode) {
        let scene = Scene::begin(mode).await;
        let first = scene.sign_in(&scene.rp.request()).await;
        tokio::time::sleep(LATER).await;
        let again = scene.rp.exchange(&first.exchange).await;
        again.is_token_error("invalid_grant");
        let info = scene.rp.user_info(&first.tokens.access_token).await;
        info.0.is_invalid_token();
    }
}

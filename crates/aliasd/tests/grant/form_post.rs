//! OAuth 2.0 Form Post Response Mode in a real browser: by script where there are scripts, by a
//! button where there are none.

use alias_domain::Params;
use reqwest::Client;
use serde_json::Value;

use crate::{chromium::Chromium, page::text, parties::Other, running::Running};

const EMAIL: &str = "fred@example.com";
const PASSWORD: &str = "correct horse battery";

/// What is lost or changed first where something is not escaped as it must be.
const STATE: &str = "a b&c=\"d\"<e>'f'%20+\u{f6}";

struct Visit {
    alias: Running,
    chromium: Chromium,
    client: Value,
    callback: String,
}

impl Visit {
    async fn begin(javascript: bool) -> Self {
        let (alias, mirror) = (Running::serve(), Other::mirror());
        let callback = format!("{}/callback?from=alias", mirror.origin);
        let create = [
            "client",
            "create",
            "--name",
            "Mirror",
            "--redirect-uri",
            &callback,
        ];
        let client = alias.cli(&create, "");
        let fred = ["user", "create", "--email", EMAIL, "--password-stdin"];
        alias.cli(&fred, PASSWORD);
        Self {
            chromium: Chromium::open(javascript).await,
            alias,
            client,
            callback,
        }
    }

    async fn ask(&self, extra: &str) {
        let encoded = |text: &str| {
            text.bytes()
                .map(|it| format!("%{it:02X}"))
                .collect::<String>()
        };
        let address = format!(
            "{}/oauth2/authorize?response_type=code&response_mode=form_post&scope=openid\
             &client_id={}&redirect_uri={}&state={}{extra}",
            self.alias.issuer,
            text(&self.client, "client_id"),
            encoded(&self.callback),
            encoded(STATE),
        );
        self.chromium.goto(&address).await;
    }

    async fn sign_in_and_allow(&self) {
        let chromium = &self.chromium;
        chromium.fill("input[name=email]", EMAIL).await;
        chromium.fill("input[name=password]", PASSWORD).await;
        chromium.press("form button[type=submit]").await;
        let allow = "button[name=decision][value=approve_all]";
        chromium.press(allow).await;
    }

    /// What the client was sent, once it was.
    async fn received(&self) -> Params {
        let line = self.chromium.shown("#line").await;
        assert_eq!(line, "POST /callback?from=alias HTTP/1.1");
        let body = Params::parse(&self.chromium.shown("#body").await);
        let one = |name: &str| body.one(name).ok().flatten().map(str::to_owned);
        assert_eq!(one("state").as_deref(), Some(STATE));
        assert_eq!(one("iss").as_deref(), Some(self.alias.issuer.as_str()));
        body
    }

    async fn exchanges(&self, code: &str) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.callback),
        ];
        let client = Client::builder().no_proxy().build().expect("a client");
        let request = client.post(format!("{}/api/oauth2/token", self.alias.issuer));
        let (id, secret) = (
            text(&self.client, "client_id"),
            text(&self.client, "client_secret"),
        );
        let answer = request
            .basic_auth(id, Some(secret))
            .form(&form)
            .send()
            .await;
        assert_eq!(answer.expect("an answer").status(), 200);
    }
}

#[actix_web::test]
async fn with_javascript_the_answer_posts_itself() {
    let visit = Visit::begin(true).await;
    visit.ask("&prompt=none").await;
    let refused = visit.received().await;
    assert_eq!(refused.one("error"), Ok(Some("login_required")));

    visit.ask("").await;
    visit.sign_in_and_allow().await;
    let granted = visit.received().await;
    let code = granted.one("code").ok().flatten().expect("a code");
    visit.exchanges(code).await;

    visit.ask("&prompt=none").await;
    assert!(
        visit.received().await.has("code"),
        "nobody is asked any more"
    );
    visit.chromium.close().await;
}

#[actix_web::test]
async fn without_javascript_a_button_posts_the_answer() {
    let visit = Visit::begin(false).await;
    let go_on = "form button[type=submit]";
    visit.ask("&prompt=none").await;
    assert_eq!(visit.chromium.shown(go_on).await, "Continue");
    visit.chromium.press(go_on).await;
    let refused = visit.received().await;
    assert_eq!(refused.one("error"), Ok(Some("login_required")));

    visit.ask("").await;
    visit.sign_in_and_allow().await;
    assert_eq!(visit.chromium.shown(go_on).await, "Continue");
    visit.chromium.press(go_on).await;
    let granted = visit.received().await;
    let code = granted.one("code").ok().flatten().expect("a code");
    visit.exchanges(code).await;
    visit.chromium.close().await;
}

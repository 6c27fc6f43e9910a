//! Fred at a real browser, on his way to a client.

use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::Value;

use crate::{chromium::Chromium, page::text, running::Running};

pub(crate) const EMAIL: &str = "fred@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const ALLOW_ALL: &str = "button[name=decision][value=approve_all]";
pub(crate) const DENY: &str = "button[name=decision][value=deny]";

/// Far longer than any page takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A service that knows Fred, one client, and his browser.
pub(crate) struct Fred {
    pub(crate) alias: Running,
    pub(crate) chromium: Chromium,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) callback: String,
}

impl Fred {
    /// An app, which has no secret.
    pub(crate) async fn with_public_client(callback: &str) -> Self {
        Self::with_client(callback, false, &["--public"]).await
    }

    /// The client is registered with this callback, and with more options.
    pub(crate) async fn with_client(callback: &str, javascript: bool, options: &[&str]) -> Self {
        let alias = Running::serve();
        let create = [
            "client",
            "create",
            "--name",
            "The Corner Shop",
            "--redirect-uri",
            callback,
        ];
        let client = alias.cli(&[&create, options].concat(), "");
        let fred = ["user", "create", "--email", EMAIL, "--password-stdin"];
        alias.cli(&fred, PASSWORD);
        Self {
            chromium: Chromium::open(javascript).await,
            alias,
            client_id: text(&client, "client_id"),
            // A public one has none.
            client_secret: client["client_secret"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            callback: callback.to_owned(),
        }
    }

    /// The address of an authorization request.
    pub(crate) fn request(&self, extra: &str) -> String {
        format!(
            "{}/oauth2/authorize?response_type=code&client_id={}&redirect_uri={}&state=s{extra}",
            self.alias.issuer, self.client_id, self.callback,
        )
    }

    pub(crate) async fn ask(&self, extra: &str) {
        self.chromium.goto(&self.request(extra)).await;
    }

    pub(crate) async fn sign_in(&self) {
        self.chromium.fill("input[name=email]", EMAIL).await;
        self.type_password(PASSWORD).await;
    }

    pub(crate) async fn type_password(&self, password: &str) {
        self.chromium.fill("input[name=password]", password).await;
        self.chromium.press("main form button[type=submit]").await;
    }

    /// Waits until the browser is at an address that begins so, and says which.
    pub(crate) async fn arrived(&self, beginning: &str) -> String {
        let began = Instant::now();
        loop {
            let address = self.chromium.address().await;
            if address.starts_with(beginning) {
                return address;
            }
            assert!(began.elapsed() < PATIENCE, "at {address}");
        }
    }

    /// The client exchanges a code.
    pub(crate) async fn exchange(&self, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.callback),
        ];
        let client = Client::builder().no_proxy().build().expect("a client");
        let answer = client
            .post(format!("{}/api/oauth2/token", self.alias.issuer))
            .basic_auth(&self.client_id, Some(&self.client_secret))
            .form(&form)
            .send()
            .await
            .expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// A parameter of the address where the browser arrived.
    pub(crate) async fn told(&self, beginning: &str, name: &str) -> Option<String> {
        crate::page::param(&self.arrived(beginning).await, name)
    }
}

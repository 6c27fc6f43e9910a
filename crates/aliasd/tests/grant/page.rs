//! A client of the running program, by HTTP alone.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};

use crate::running::Running;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const REDIRECT_URI: &str = "https://example.com/alias-callback";

/// The query of the page's example, but for the client's ID.
pub(crate) const QUERY: &str = "scope=openid%20offline_access%20contact%20nickname\
    &channels=notifications%20product_updates&response_type=code\
    &redirect_uri=https%3A%2F%2Fexample.com%2Falias-callback\
    &state=4bqlMpbTFb_yXBkHNL6R1Q&nonce=rgnxaHF9zIHaafVo4_8Pdw";

/// A service with a client, and Fred.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) alias: Arc<Running>,
    pub(crate) http: Client,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) session_token: String,
}

impl Page {
    /// With the page's client and Fred, who has granted nothing yet.
    pub(crate) async fn open() -> Self {
        Self::open_at(Running::serve()).await
    }

    /// The same, at a service that is fresh.
    pub(crate) async fn open_at(alias: Running) -> Self {
        let client = alias.cli(
            &[
                "client",
                "create",
                "--name",
                "Example",
                "--redirect-uri",
                REDIRECT_URI,
                "--channel",
                "notifications=What happened",
                "--channel",
                "product_updates=What is new",
            ],
            "",
        );
        let fred = [
            "user",
            "create",
            "--email",
            "fred@example.com",
            "--nickname",
            "Fred",
            "--password-stdin",
        ];
        alias.cli(&fred, &format!("{PASSWORD}\n"));
        Self::of(
            alias,
            &text(&client, "client_id"),
            &text(&client, "client_secret"),
        )
        .await
    }

    /// Fred signs in at a service that has him and this client.
    pub(crate) async fn of(alias: Running, client_id: &str, client_secret: &str) -> Self {
        let builder = Client::builder().redirect(Policy::none()).no_proxy();
        // The service may be started anew: no connection is kept.
        let builder = builder.pool_max_idle_per_host(0);
        let http = builder.build().expect("a client");
        let mut page = Self {
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            session_token: String::new(),
            alias: Arc::new(alias),
            http,
        };
        page.sign_in().await;
        page
    }

    /// Fred signs in, to a session of its own.
    pub(crate) async fn sign_in(&mut self) {
        let credentials = json!({"email": "fred@example.com", "password": PASSWORD});
        let session = self
            .http
            .post(format!("{}/api/session", self.alias.issuer))
            .json(&credentials);
        let session = session.send().await.expect("an answer");
        let session: Value = session.json().await.expect("JSON");
        self.session_token = text(&session, "access_token");
    }

    /// The same service, with another client that is registered with these options.
    pub(crate) fn with_client(&self, options: &[&str]) -> Self {
        let create = [
            "client",
            "create",
            "--name",
            "Other",
            "--redirect-uri",
            REDIRECT_URI,
        ];
        let client = self.alias.cli(&[&create, options].concat(), "");
        Self {
            client_id: text(&client, "client_id"),
            client_secret: text(&client, "client_secret"),
            ..self.clone()
        }
    }

    /// `GET /oauth2/authorize?…` with `Authorization: Bearer <access-token>`; where it leads.
    pub(crate) async fn authorize(&self, query: &str) -> String {
        let address = format!(
            "{}/oauth2/authorize?{query}&client_id={}",
            self.alias.issuer, self.client_id
        );
        self.led_to(self.http.get(address)).await
    }

    async fn led_to(&self, request: reqwest::RequestBuilder) -> String {
        let answer = request
            .bearer_auth(&self.session_token)
            .send()
            .await
            .expect("an answer");
        let status = answer.status();
        let location = answer.headers().get("location");
        let location = location.unwrap_or_else(|| panic!("no redirect but {status}"));
        location.to_str().expect("ASCII").to_owned()
    }

    /// The code of a request to which Fred says yes.
    pub(crate) async fn code(&self, query: &str) -> String {
        let page = self.authorize(query).await;
        if page.starts_with('/') {
            return self.allow(&self.shown(&page).await).await;
        }
        param(&page, "code").expect("a code")
    }

    /// A page with a form, as Fred's program is shown it.
    pub(crate) async fn shown(&self, page: &str) -> Form {
        let address = format!("{}{page}", self.alias.issuer);
        let html = self.http.get(&address).bearer_auth(&self.session_token);
        let html = html.send().await.expect("an answer").text().await;
        let token = form_token(&html.expect("a page"));
        Form { address, token }
    }

    /// The code to which it leads that Fred allows all that was shown.
    pub(crate) async fn allow(&self, form: &Form) -> String {
        let fields = [
            ("form_token", form.token.as_str()),
            ("decision", "approve_all"),
        ];
        let answer = self.http.post(&form.address).form(&fields);
        param(&self.led_to(answer).await, "code").expect("a code")
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.alias.issuer));
        let request = request.basic_auth(&self.client_id, Some(&self.client_secret));
        let answer = request.form(form).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    pub(crate) async fn exchange(&self, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
        ];
        self.post("/api/oauth2/token", &form).await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        self.post("/api/oauth2/token", &form).await
    }
}

/// A form that somebody is looking at.
pub(crate) struct Form {
    address: String,
    token: String,
}

/// The hidden field of a page's form.
pub(crate) fn form_token(html: &str) -> String {
    let field = html.split_once("name=\"form_token\" value=\"");
    let token = field.expect("a form").1.split('"').next();
    token.unwrap_or_default().to_owned()
}

pub(crate) fn text(value: &Value, name: &str) -> String {
    let text = value[name].as_str();
    text.unwrap_or_else(|| panic!("{name} is missing in {value}"))
        .to_owned()
}

pub(crate) fn param(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    alias_domain::Params::parse(query)
        .one(name)
        .ok()?
        .map(str::to_owned)
}

pub(crate) fn part(token: &str, index: usize) -> String {
    let part = token.split('.').nth(index).expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    String::from_utf8(bytes).expect("JSON in UTF-8")
}

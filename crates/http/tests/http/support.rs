//! A running service, and a browser without scripts to visit it.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use alias_domain::{
    Client, ClientChange, ClientSecret, Lifetimes, Params, Secret, User, UserId,
    flows::{Ports, Provider},
    ports::{Passwords, Store},
    testing::{
        TestChance, TestIdTokens, TestPasswords, TestSealer, Unlimited,
        sample::{self, LOOPBACK_URI, REDIRECT_URI},
    },
};
use alias_http::{Bound, Bounds, Door, KeySet, Public, Service, TrustedProxies};
use alias_storage_postgres::{PostgresStore, testing::TestDatabase};
use alias_storage_sqlite::SqliteStore;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{
    Method, RequestBuilder, Response,
    header::{COOKIE, LOCATION, SET_COOKIE},
    redirect::Policy,
};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const ISSUER: &str = "http://localhost:8080";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const SECRET: &str = "a-secret-of-256-bits-would-stand-here-in-life";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The request of the seed's example, `state` and `nonce` included.
pub(crate) const SEED: &str = "scope=openid%20offline_access%20contact%20nickname\
    &channels=notifications%20product_updates&response_type=code\
    &client_id=bjOB6HV7cTKtxvfr2k2ucg\
    &redirect_uri=https%3A%2F%2Fexample.com%2Falias-callback\
    &state=4bqlMpbTFb_yXBkHNL6R1Q&nonce=rgnxaHF9zIHaafVo4_8Pdw";

/// A sound request of the same client for `openid` alone, to which each test adds what it is about.
pub(crate) fn request(extra: &str) -> String {
    format!(
        "response_type=code&client_id={}&redirect_uri={REDIRECT_URI}&state=s{extra}",
        sample::client().id
    )
}

pub(crate) struct Alias {
    address: SocketAddr,
    pub(crate) store: Arc<dyn Store>,
    /// What goes when this does.
    _place: Place,
}

/// Where the service under test keeps what it knows: `ALIAS_TEST_STORE` names it, and the test
/// command runs the tests on each store.
enum Place {
    Folder(#[expect(dead_code, reason = "it goes when this does")] TempDir),
    Database(#[expect(dead_code, reason = "it goes when this does")] TestDatabase),
}

async fn fresh_store() -> (Arc<dyn Store>, Place) {
    match std::env::var("ALIAS_TEST_STORE").as_deref() {
        Ok("postgres") => {
            let database = TestDatabase::migrated();
            let url = database.url().parse().expect("a database URL");
            let store = PostgresStore::open(&url, 4).await;
            (Arc::new(store.expect("a store")), Place::Database(database))
        }
        Ok("sqlite") | Err(_) => {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("alias.db");
            alias_storage_sqlite::migrate(&path).expect("a database");
            let store = SqliteStore::open(&path).expect("a store");
            (Arc::new(store), Place::Folder(folder))
        }
        Ok(other) => unreachable!("ALIAS_TEST_STORE is sqlite or postgres, not {other}"),
    }
}

impl Alias {
    /// A service with the sample's clients and users: Fred, and Ginger.
    pub(crate) async fn start() -> Self {
        Self::start_with(|ports| ports).await
    }

    /// The same, with other collaborators.
    pub(crate) async fn start_with(change: impl FnOnce(Ports) -> Ports) -> Self {
        let (store, place) = fresh_store().await;
        let secret = ClientSecret {
            digest: Secret::new(SECRET.to_owned()).digest(),
            expires_at: None,
        };
        for (client, secrets) in [
            (sample::client(), vec![secret.clone()]),
            (other_client(), vec![secret.clone()]),
            (sample::resource_server(), vec![secret]),
            (sample::public_client(), vec![]),
        ] {
            store
                .insert_client(&client, &secrets)
                .await
                .expect("stored");
        }
        let password = Secret::new(PASSWORD.to_owned());
        let hash = TestPasswords.hash(&password).await.expect("hashed");
        for user in [sample::user(), ginger()] {
            let added = store.insert_user(&user, &hash).await.expect("stored");
            added.expect("a new user");
        }
        Self {
            address: serve_with(change(ports(store.clone()))),
            store,
            _place: place,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser {
            alias: self,
            http: client(),
            cookies: BTreeMap::new(),
        }
    }

    /// A browser in which a user has signed in.
    pub(crate) async fn signed_in(&self, email: &str) -> Browser<'_> {
        let mut browser = self.browser();
        browser.get("/sign-in").await;
        let form = browser.get("/sign-in").await.form();
        let answer = browser
            .submit(&form, &[("email", email), ("password", PASSWORD)])
            .await;
        assert_eq!(answer.location.as_deref(), Some("/account"));
        browser
    }

    pub(crate) async fn freds_browser(&self) -> Browser<'_> {
        self.signed_in("fred@example.com").await
    }

    /// A browser in which both have signed in, Ginger last.
    pub(crate) async fn browser_of_both(&self) -> Browser<'_> {
        let mut browser = self.freds_browser().await;
        let form = browser.get("/sign-in").await.form();
        let ginger = [("email", "ginger@example.com"), ("password", PASSWORD)];
        browser.submit(&form, &ginger).await;
        browser
    }

    /// A code for what Fred allows when he allows all of a request.
    pub(crate) async fn code(&self, query: &str) -> String {
        let mut browser = self.freds_browser().await;
        let page = browser.authorize(query).await;
        let callback = match page.location {
            Some(location) => location,
            None => {
                let form = page.form();
                let answer = browser.submit(&form, &[("decision", "approve_all")]).await;
                answer.location.expect("a redirect to the client")
            }
        };
        param(&callback, "code").expect("a code")
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        client().post(self.url(path))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        client().get(self.url(path))
    }

    /// The token endpoint, as the seed's client asks it.
    pub(crate) async fn tokens(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let id = sample::client().id.to_string();
        let request = self.post("/api/oauth2/token").basic_auth(id, Some(SECRET));
        json(request.form(form)).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> (u16, Value) {
        self.tokens(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
        ])
        .await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str, scope: Option<&str>) -> (u16, Value) {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        form.extend(scope.map(|it| ("scope", it)));
        self.tokens(&form).await
    }

    pub(crate) async fn introspect(&self, token: &str) -> Value {
        let id = sample::client().id.to_string();
        let request = self
            .post("/api/oauth2/introspect")
            .basic_auth(id, Some(SECRET));
        json(request.form(&[("token", token)])).await.1
    }

    /// The operator changes the sample client.
    pub(crate) async fn changes_client(&self, change: ClientChange) {
        let before = self.store.client(sample::client().id).await;
        let before = before.expect("an answer").expect("the client");
        let mut client = before.clone();
        client.change(change).expect("a sound change");
        let stored = self.store.update_client(&before, &client).await;
        assert!(stored.expect("stored"));
    }

    /// Fred's session token, as a program has it.
    pub(crate) async fn session_token(&self) -> String {
        let body = serde_json::json!({"email": "fred@example.com", "password": PASSWORD});
        let (status, answer) = json(self.post("/api/session").json(&body)).await;
        assert_eq!(status, 200);
        text(&answer, "access_token")
    }
}

/// Serves a store on a free port.
pub(crate) fn serve(store: Arc<dyn Store>) -> SocketAddr {
    serve_with(ports(store))
}

/// A store, with fakes of everything else.
pub(crate) fn ports(store: Arc<dyn Store>) -> Ports {
    Ports {
        store,
        sealer: Arc::new(TestSealer::default()),
        id_tokens: Arc::new(TestIdTokens),
        passwords: Arc::new(TestPasswords),
        chance: Arc::new(TestChance::default()),
        limits: Arc::new(Unlimited),
    }
}

pub(crate) fn serve_with(ports: Ports) -> SocketAddr {
    let door = Door::closed("not yet");
    door.open(service(ports));
    running(Bound::public(door, public()))
}

pub(crate) fn service(ports: Ports) -> Service {
    Service {
        provider: Provider::new(ISSUER.to_owned(), Lifetimes::default(), ports),
        key_set: key_set(),
    }
}

/// Plain HTTP on a free port, with health beside everything else.
pub(crate) fn public() -> Public {
    Public {
        listen: ([127, 0, 0, 1], 0).into(),
        tls: None,
        trusted_proxies: TrustedProxies::default(),
        health: true,
        https: false,
        bounds: Bounds::default(),
    }
}

/// Lets a server run.
pub(crate) fn running(bound: io::Result<Bound>) -> SocketAddr {
    let bound = bound.expect("a free port");
    let address = bound.address();
    actix_web::rt::spawn(bound.into_server());
    address
}

/// A key set that is another each time it is asked for, kept for seven seconds.
fn key_set() -> KeySet {
    let asked = AtomicU32::new(0);
    let present = move || {
        let kid = asked.fetch_add(1, Ordering::Relaxed).to_string();
        serde_json::json!({"keys": [{"kid": kid}]})
    };
    KeySet {
        present: Arc::new(present),
        max_age: 7,
    }
}

pub(crate) fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy();
    builder.build().expect("a client")
}

pub(crate) fn other_client() -> Client {
    Client {
        id: "AAAAAAAAAAAAAAAAAAAAAQ".parse().expect("an ID"),
        name: "Another".to_owned(),
        ..sample::client()
    }
}

fn ginger() -> User {
    User {
        id: UserId::from_uuid(sample::session().id.uuid()),
        email: "ginger@example.com".parse().expect("an address"),
        nickname: None,
        ..sample::user()
    }
}

/// The public client's request, with PKCE.
pub(crate) fn public_request() -> String {
    format!(
        "response_type=code&scope=openid&client_id={}&redirect_uri={LOOPBACK_URI}\
         &code_challenge={CHALLENGE}&code_challenge_method=S256",
        sample::public_client().id
    )
}

pub(crate) async fn json(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.text().await.expect("a body");
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

pub(crate) fn text(answer: &Value, name: &str) -> String {
    let text = answer[name].as_str();
    text.unwrap_or_else(|| panic!("{name} is missing"))
        .to_owned()
}

/// A parameter of an address's query.
pub(crate) fn param(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    Params::parse(query).one(name).ok()?.map(str::to_owned)
}

/// A browser: cookies, no scripts, and redirects followed within the service only.
#[derive(Clone)]
pub(crate) struct Browser<'a> {
    alias: &'a Alias,
    pub(crate) http: reqwest::Client,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let request = self.http.get(self.alias.url(path));
        self.send(request).await
    }

    pub(crate) async fn head(&mut self, path: &str) -> Page {
        let request = self.http.head(self.alias.url(path));
        self.send(request).await
    }

    /// An authorization request, up to the first page or the client's callback.
    pub(crate) async fn authorize(&mut self, query: &str) -> Page {
        self.follow(&format!("/oauth2/authorize?{query}")).await
    }

    /// An address, and where it leads within the service.
    pub(crate) async fn follow(&mut self, path: &str) -> Page {
        let page = self.get(path).await;
        self.settled(page).await
    }

    /// Submits a form with its hidden fields and these, and goes where that leads.
    pub(crate) async fn submit(&mut self, form: &Form, fields: &[(&str, &str)]) -> Page {
        let page = self.submit_once(form, fields).await;
        if page.location.as_deref() == Some("/account") {
            return page;
        }
        self.settled(page).await
    }

    pub(crate) async fn submit_once(&mut self, form: &Form, fields: &[(&str, &str)]) -> Page {
        let mut all = vec![("form_token", form.token.as_str())];
        all.extend(fields);
        self.post(&form.action, &all).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.http.post(self.alias.url(path)).form(fields);
        self.send(request).await
    }

    /// What a browser says of itself when a person presses a button or follows a link.
    pub(crate) async fn post_navigating(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.http.post(self.alias.url(path)).form(fields);
        let own = request.header("sec-fetch-site", "same-origin");
        self.send(own.header("sec-fetch-mode", "navigate")).await
    }

    pub(crate) async fn get_navigating(&mut self, path: &str) -> Page {
        let request = self.http.get(self.alias.url(path));
        self.send(request.header("sec-fetch-mode", "navigate"))
            .await
    }

    pub(crate) async fn post_from(&mut self, form: &Form, headers: &[(&str, &str)]) -> Page {
        let fields = [
            ("form_token", form.token.as_str()),
            ("decision", "approve_all"),
        ];
        let mut request = self.http.post(self.alias.url(&form.action)).form(&fields);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Page {
        let request = self.http.request(Method::DELETE, self.alias.url(path));
        self.send(request).await
    }

    async fn settled(&mut self, mut page: Page) -> Page {
        for _ in 0..5 {
            let Some(path) = page.location.clone().filter(|it| it.starts_with('/')) else {
                break;
            };
            let mut next = self.get(&path).await;
            next.path = path;
            page = next;
        }
        page
    }

    async fn send(&mut self, request: RequestBuilder) -> Page {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request.header(COOKIE, cookies.join("; "));
        let response = request.send().await.expect("an answer");
        self.keep_cookies(&response);
        let header = |name| {
            let value = response.headers().get(name)?;
            Some(value.to_str().expect("a header in ASCII").to_owned())
        };
        Page {
            status: response.status().as_u16(),
            location: header(LOCATION.as_str()),
            policy: header("content-security-policy"),
            path: String::new(),
            html: response.text().await.expect("a body"),
        }
    }

    fn keep_cookies(&mut self, response: &Response) {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().expect("a cookie in ASCII");
            let pair = cookie.split(';').next().unwrap_or("");
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) policy: Option<String>,
    /// The path that it was found at, after redirects.
    pub(crate) path: String,
    pub(crate) html: String,
}

/// A form as a browser would send it.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) token: String,
}

impl Page {
    /// The page's one form that has a token.
    pub(crate) fn form(&self) -> Form {
        Form {
            action: self.attribute("<form", "action").expect("a form"),
            token: self
                .attribute("name=\"form_token\"", "value")
                .expect("a form token"),
        }
    }

    /// The value of an attribute, after a mark in the page.
    pub(crate) fn attribute(&self, mark: &str, name: &str) -> Option<String> {
        let after = self.html.split_once(mark)?.1;
        let value = after.split_once(&format!("{name}=\""))?.1;
        Some(value.split_once('"')?.0.to_owned())
    }

    /// Whether the page has this check box, and whether it is ticked.
    pub(crate) fn ticked(&self, name: &str, value: &str) -> Option<bool> {
        let mark = format!("name=\"{name}\" value=\"{value}\"");
        let tag = self.html.split_once(&mark)?.1.split_once('>')?.0;
        Some(tag.contains("checked"))
    }

    /// The error that the client is told, if this is a redirect to it.
    pub(crate) fn error(&self) -> Option<String> {
        param(self.location.as_deref()?, "error")
    }

    /// What the page's form posts to the client, and where.
    pub(crate) fn posted(&self) -> (String, BTreeMap<String, String>) {
        let action = self.attribute("<form", "action").expect("a form");
        let hidden = self.html.split("<input type=\"hidden\" name=\"").skip(1);
        let fields = hidden.map(|it| {
            let (name, rest) = it.split_once('"').expect("a name");
            let value = rest.split_once("value=\"").expect("a value").1;
            let value = value.split_once('"').expect("a value").0;
            (name.to_owned(), unescaped(value))
        });
        (unescaped(&action), fields.collect())
    }
}

/// A text as it was before the template escaped it.
fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, character) in [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text
}

/// The claims of an ID token, unverified.
pub(crate) fn claims_of(tokens: &Value) -> Value {
    let id_token = text(tokens, "id_token");
    let claims = id_token.split('.').nth(1).expect("three parts");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    serde_json::from_slice(&claims).expect("JSON")
}

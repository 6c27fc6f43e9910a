//! A client that takes nothing on trust: what it needs it finds by discovery, and what it gets it
//! checks.

use std::collections::BTreeMap;

use reqwest::{RequestBuilder, Url};
use serde_json::Value;

use crate::{
    browser::{Browser, Callback, Person, Visit},
    checks::{self, ALPHANUMERIC, Answer, random, text},
    id_token::{Expected, IdToken},
    key_set::KeySet,
    service::Service,
};

/// How a client sends its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthMethod {
    Basic,
    Post,
}

/// A client, as it was registered.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) redirect_uri: String,
    pub(crate) post_logout_redirect_uri: Option<String>,
    /// Whether it is told that a session ended: then it knows sessions by name.
    told: bool,
    auth_method: AuthMethod,
}

/// How a client wants its answer (`response_mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Query,
    FormPost,
}

/// The parameters of an authorization request.
#[derive(Clone)]
pub(crate) struct Request(BTreeMap<&'static str, String>);

/// A client at work.
pub(crate) struct RelyingParty {
    pub(crate) client: Client,
    pub(crate) discovery: Value,
    mode: Mode,
    issuer: String,
    pub(crate) keys: KeySet,
    http: reqwest::Client,
}

/// A sign-in that went well.
pub(crate) struct SignIn {
    pub(crate) visit: Visit,
    pub(crate) exchange: Exchange,
    pub(crate) tokens: Tokens,
}

/// What goes to the token endpoint for a code.
#[derive(Clone)]
pub(crate) struct Exchange {
    form: Vec<(&'static str, String)>,
    nonce: Option<String>,
    asked: Vec<&'static str>,
}

/// A token response that was found good.
pub(crate) struct Tokens {
    pub(crate) response: Value,
    pub(crate) access_token: String,
    pub(crate) id_token: IdToken,
}

impl Client {
    /// By what `client create` printed.
    pub(crate) fn registered(said: &Value, auth_method: AuthMethod) -> Self {
        Self {
            id: text(said, "client_id"),
            secret: text(said, "client_secret"),
            redirect_uri: said["redirect_uris"][0].as_str().expect("a URI").to_owned(),
            post_logout_redirect_uri: said["post_logout_redirect_uris"][0]
                .as_str()
                .map(str::to_owned),
            told: said["backchannel_logout_uri"].is_string(),
            auth_method,
        }
    }

    /// What its ID tokens have besides, by its registration.
    fn known_by(&self) -> Vec<&'static str> {
        if self.told { vec!["sid"] } else { Vec::new() }
    }

    /// The browser comes back from signing out with the state that was sent, and nothing else
    /// (RP-Initiated Logout 1.0, 3).
    #[track_caller]
    pub(crate) fn is_taken_back(&self, callback: &Callback, state: Option<&str>) {
        assert_eq!(callback.posted, None);
        let registered = self.post_logout_redirect_uri.as_ref().expect("a URI");
        let added = callback.address.strip_prefix(registered);
        let added = added.unwrap_or_else(|| panic!("led to {}", callback.address));
        assert!(added.is_empty() || added.starts_with('?'), "{added}");
        let address = Url::parse(&callback.address).expect("an address");
        let query: Vec<(String, String)> = address.query_pairs().into_owned().collect();
        let state = state.map(|it| ("state".to_owned(), it.to_owned()));
        assert_eq!(query, Vec::from_iter(state));
    }
}

impl Request {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.insert(name, value.into());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Sorted by name.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let fields = self.0.iter();
        fields
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    /// What its ID token may have beyond what every one has.
    fn asked(&self) -> Vec<&'static str> {
        let scope = self.get("scope").unwrap_or_default();
        let claims: Value = self
            .get("claims")
            .and_then(|it| serde_json::from_str(it).ok())
            .unwrap_or_default();
        let by_claims = |name| claims["id_token"].get(name).is_some();
        let mut asked = Vec::new();
        if scope.split(' ').any(|it| it == "nickname") {
            asked.push("nickname");
        }
        if by_claims("acr") || self.get("acr_values").is_some() {
            asked.extend(["acr", "amr"]);
        }
        asked
    }
}

impl RelyingParty {
    /// A client that finds its way about.
    pub(crate) async fn discover(service: &Service, client: &Client, mode: Mode) -> Self {
        let http = service.http();
        let issuer = service.issuer.clone();
        let address = format!("{issuer}/.well-known/openid-configuration");
        let discovery = get(&http, &address).await.public();
        assert_eq!(discovery["issuer"], *issuer);
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "userinfo_endpoint",
        ] {
            checks::is_secure(&discovery[name]);
        }
        let method = client.auth_method.name();
        let methods = "token_endpoint_auth_methods_supported";
        assert!(checks::lists(&discovery, methods, method));
        let modes = "response_modes_supported";
        assert!(checks::lists(&discovery, modes, mode.name()));
        let keys = get(&http, &text(&discovery, "jwks_uri")).await.public();
        Self {
            client: client.clone(),
            keys: KeySet::sound(&keys),
            discovery,
            mode,
            issuer,
            http,
        }
    }

    /// A request for `openid`, with a state and a nonce of its own.
    pub(crate) fn request(&self) -> Request {
        let request = Request(BTreeMap::new())
            .with("client_id", &self.client.id)
            .with("redirect_uri", &self.client.redirect_uri)
            .with("response_type", "code")
            .with("scope", "openid")
            .with("state", random(10, ALPHANUMERIC))
            .with("nonce", random(10, ALPHANUMERIC));
        match self.mode {
            Mode::Query => request,
            Mode::FormPost => request.with("response_mode", "form_post"),
        }
    }

    /// The address that such a request makes.
    pub(crate) fn address(&self, fields: &[(String, String)]) -> Url {
        let endpoint = text(&self.discovery, "authorization_endpoint");
        Url::parse_with_params(&endpoint, fields).expect("an address")
    }

    /// Sends a browser to the service; where it leads.
    pub(crate) async fn send(
        &self,
        browser: &Browser,
        request: &Request,
        person: Option<&Person>,
    ) -> Visit {
        let address = self.address(&request.fields());
        browser.follow(&address, person).await
    }

    /// Lets somebody sign in.
    pub(crate) async fn sign_in(
        &self,
        browser: &Browser,
        request: &Request,
        person: Option<&Person>,
    ) -> SignIn {
        let visit = self.send(browser, request, person).await;
        self.signed_in(request, visit, None).await
    }

    /// Sends a browser to the service to sign out.
    pub(crate) async fn leave(
        &self,
        browser: &Browser,
        fields: &[(String, String)],
        person: Option<&Person>,
    ) -> Visit {
        let endpoint = text(&self.discovery, "end_session_endpoint");
        let address = Url::parse_with_params(&endpoint, fields).expect("an address");
        browser.follow(&address, person).await
    }

    /// Takes the code of a visit, and what it is worth.
    pub(crate) async fn signed_in(
        &self,
        request: &Request,
        visit: Visit,
        verifier: Option<String>,
    ) -> SignIn {
        let code = self.code(request, visit.callback());
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", self.client.redirect_uri.clone()),
        ];
        form.extend(verifier.map(|it| ("code_verifier", it)));
        let exchange = Exchange {
            form,
            nonce: request.get("nonce").map(str::to_owned),
            asked: [request.asked(), self.client.known_by()].concat(),
        };
        let tokens = self.tokens(&exchange).await;
        let bearer = &tokens.access_token;
        self.user_info(bearer).await.is_about(&tokens.id_token);
        SignIn {
            visit,
            exchange,
            tokens,
        }
    }

    /// The code of an authorization response.
    #[track_caller]
    pub(crate) fn code(&self, request: &Request, callback: &Callback) -> String {
        let response = self.response(callback);
        assert_eq!(response.get("error"), None, "{response:?}");
        self.is_about(request, &response, &["code"]);
        let code = &response["code"];
        assert!(code.len() >= 16, "{code}");
        checks::has_entropy(code, 96.0);
        code.clone()
    }

    /// The error of an authorization response.
    #[track_caller]
    pub(crate) fn error(&self, request: &Request, callback: &Callback) -> String {
        let response = self.response(callback);
        assert_eq!(response.get("code"), None, "{response:?}");
        self.is_about(
            request,
            &response,
            &["error", "error_description", "error_uri"],
        );
        let description = response.get("error_description").expect("a sentence");
        checks::has_error_characters(description);
        let error = &response["error"];
        checks::has_error_characters(error);
        error.clone()
    }

    /// What must stand in every response: whose it is, and to what.
    #[track_caller]
    fn is_about(&self, request: &Request, response: &BTreeMap<String, String>, others: &[&str]) {
        let state = response.get("state").map(String::as_str);
        assert_eq!(state, request.get("state"));
        // RFC 9207 2.4: the metadata promises it.
        assert_eq!(response.get("iss"), Some(&self.issuer));
        let known = |it: &&String| *it == "state" || *it == "iss" || others.contains(&it.as_str());
        let unknown: Vec<&String> = response.keys().filter(|it| !known(it)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    /// The parameters of a response, as the mode carries them.
    #[track_caller]
    pub(crate) fn response(&self, callback: &Callback) -> BTreeMap<String, String> {
        let registered = &*self.client.redirect_uri;
        let added = callback.address.strip_prefix(registered);
        let added = added.unwrap_or_else(|| panic!("led to {}", callback.address));
        let response = match (self.mode, &callback.posted) {
            (Mode::Query, None) => {
                let separator = if registered.contains('?') { '&' } else { '?' };
                added.strip_prefix(separator).expect("a query")
            }
            (Mode::FormPost, Some(form)) => {
                assert_eq!(added, "", "the response is in the body");
                form
            }
            (mode, _) => panic!("not by {mode:?}: {}", callback.address),
        };
        let url = Url::parse(&format!("form:?{response}")).expect("a form");
        let mut parameters = BTreeMap::new();
        for (name, value) in url.query_pairs() {
            let repeated = parameters.insert(name.to_string(), value.to_string());
            assert_eq!(repeated, None, "{name} is repeated");
        }
        parameters
    }

    /// Exchanges a code.
    pub(crate) async fn tokens(&self, exchange: &Exchange) -> Tokens {
        let answer = self.exchange(exchange).await;
        let response = granted(&answer);
        let access_token = text(&response, "access_token");
        let expected = Expected {
            issuer: &self.issuer,
            client_id: &self.client.id,
            alg: "RS256",
            nonce: exchange.nonce.as_deref(),
            access_token: &access_token,
            asked: exchange.asked.clone(),
            now: checks::now().as_secs(),
        };
        let id_token = text(&response, "id_token");
        let id_token = expected.verified(&id_token, &self.keys);
        Tokens {
            id_token: id_token.expect("a good ID token"),
            access_token,
            response,
        }
    }

    /// The same, whatever comes of it.
    pub(crate) async fn exchange(&self, exchange: &Exchange) -> Answer {
        self.ask_for_tokens(&exchange.form).await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str, scope: Option<&str>) -> Answer {
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh_token.to_owned()),
        ];
        form.extend(scope.map(|it| ("scope", it.to_owned())));
        self.ask_for_tokens(&form).await
    }

    async fn ask_for_tokens(&self, form: &[(&str, String)]) -> Answer {
        let request = self.http.post(text(&self.discovery, "token_endpoint"));
        let mut form = form.to_vec();
        let request = match self.client.auth_method {
            AuthMethod::Basic => request.basic_auth(&self.client.id, Some(&self.client.secret)),
            AuthMethod::Post => {
                form.push(("client_id", self.client.id.clone()));
                form.push(("client_secret", self.client.secret.clone()));
                request
            }
        };
        answer(request.form(&form)).await
    }

    /// `GET` userinfo with a bearer token.
    pub(crate) async fn user_info(&self, access_token: &str) -> UserInfo {
        let request = self.http.get(text(&self.discovery, "userinfo_endpoint"));
        UserInfo(answer(request.bearer_auth(access_token)).await)
    }

    /// `POST` the same.
    pub(crate) async fn user_info_by_post(
        &self,
        bearer: Option<&str>,
        form: &[(&str, &str)],
    ) -> UserInfo {
        let request = self.http.post(text(&self.discovery, "userinfo_endpoint"));
        let request = request.form(form);
        UserInfo(
            answer(match bearer {
                Some(bearer) => request.bearer_auth(bearer),
                None => request,
            })
            .await,
        )
    }
}

/// What userinfo says.
pub(crate) struct UserInfo(pub(crate) Answer);

impl UserInfo {
    /// The claims, of the one whom an ID token names (OIDC Core 5.3.2).
    #[track_caller]
    pub(crate) fn is_about(&self, id_token: &IdToken) -> Value {
        let claims = self.0.private(200);
        checks::has_sound_claims(&claims).expect("sound claims");
        assert_eq!(claims["sub"], id_token.claims["sub"]);
        claims
    }
}

/// The body of a token response that grants something (RFC 6749 5.1).
#[track_caller]
pub(crate) fn granted(answer: &Answer) -> Value {
    let response = answer.private(200);
    assert_eq!(response.get("error"), None);
    assert_eq!(response["token_type"], "Bearer");
    let seconds = response["expires_in"].as_u64().expect("seconds");
    assert!((1..=31_536_000).contains(&seconds), "{seconds}");
    for name in ["access_token", "refresh_token"] {
        if let Some(token) = response.get(name) {
            let token = token.as_str().expect("text");
            checks::has_token_characters(token);
            checks::has_entropy(token, 96.0);
        }
    }
    assert!(response.get("access_token").is_some());
    response
}

impl AuthMethod {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }
}

impl Mode {
    const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }
}

async fn get(http: &reqwest::Client, address: &str) -> Answer {
    answer(http.get(address)).await
}

async fn answer(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.expect("an answer")).await
}

//! One who talks to a node: Fred, and his client.

use std::{sync::Arc, time::Duration};

use alias_domain::Params;
use futures_util::future::join_all;
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::cluster::{Node, REDIRECT_URI};

/// Nobody is left without an answer for longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// A node closes a connection that is idle for five seconds: one that might just be closed is not
/// used again.
const IDLE: Duration = Duration::from_secs(2);

/// Whose requests they are.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// Fred's session token.
    pub(crate) session: String,
}

/// A connection to a node, kept open from one request to the next.
#[derive(Clone)]
pub(crate) struct Peer {
    http: Client,
    node: String,
    party: Arc<Party>,
}

/// What a node answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// 0 if it went away before it answered.
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Tokens of an exchange or a refresh.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Lets rivals start together, and returns what each comes to.
pub(crate) async fn race<T>(rivals: &[Peer], rival: impl AsyncFn(usize, &Peer) -> T) -> Vec<T> {
    let barrier = Barrier::new(rivals.len());
    let starts = async |(number, peer)| {
        barrier.wait().await;
        rival(number, peer).await
    };
    join_all(rivals.iter().enumerate().map(starts)).await
}

impl Peer {
    pub(crate) fn at(node: &Node, party: &Arc<Party>) -> Self {
        let http = Client::builder().redirect(Policy::none()).timeout(PATIENCE);
        let http = http.pool_idle_timeout(IDLE);
        Self {
            http: http.no_proxy().build().expect("a client"),
            node: node.address.clone(),
            party: Arc::clone(party),
        }
    }

    /// The same for another client or session.
    pub(crate) fn of(&self, party: Party) -> Self {
        Self {
            party: Arc::new(party),
            ..self.clone()
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("http://{}{path}", self.node))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// As Fred, by his session token.
    pub(crate) async fn as_user(&self, method: Method, path: &str) -> Answer {
        let request = self.request(method, path);
        Answer::to(request.bearer_auth(&self.party.session)).await
    }

    /// As the client.
    async fn as_client(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).form(form);
        let (id, secret) = (&self.party.client_id, &self.party.client_secret);
        Answer::to(request.basic_auth(id, Some(secret))).await
    }

    /// `POST /api/session`, whatever comes of it.
    pub(crate) async fn begins_session(&self, email: &str, password: &str) -> Answer {
        let credentials = json!({"email": email, "password": password});
        let request = self.request(Method::POST, "/api/session");
        Answer::to(request.json(&credentials)).await
    }

    /// The same party with a session of this user.
    pub(crate) async fn signed_in(&self, email: &str, password: &str) -> Party {
        let begun = self.begins_session(email, password).await;
        Party {
            session: text(&begun.json(), "access_token"),
            ..(*self.party).clone()
        }
    }

    /// An authorization request of the client that Fred brings, for these scopes and channels.
    pub(crate) async fn authorize(&self, asked: &str) -> Answer {
        self.authorize_towards(asked, REDIRECT_URI).await
    }

    pub(crate) async fn authorize_towards(&self, asked: &str, redirect_uri: &str) -> Answer {
        let client = &self.party.client_id;
        let path = format!(
            "/oauth2/authorize?response_type=code&client_id={client}\
            &redirect_uri={redirect_uri}&{asked}"
        );
        self.as_user(Method::GET, &path).await
    }

    /// A code for what was allowed before.
    pub(crate) async fn code(&self, asked: &str) -> String {
        let answer = self.authorize(asked).await;
        answer
            .code()
            .unwrap_or_else(|| panic!("no code: {answer:?}"))
    }

    /// A code for what Fred is asked for, and allows.
    pub(crate) async fn approved(&self, asked: &str) -> String {
        let page = self.authorize(asked).await.location();
        let form = self.form_token(&page).await;
        let answer = self.answers(&page, &form, "approve_all").await;
        answer
            .code()
            .unwrap_or_else(|| panic!("no code: {answer:?}"))
    }

    /// The token of the form on one of Fred's pages.
    pub(crate) async fn form_token(&self, page: &str) -> String {
        self.as_user(Method::GET, page).await.form_token()
    }

    pub(crate) async fn answers(&self, page: &str, form_token: &str, decision: &str) -> Answer {
        let form = [("form_token", form_token), ("decision", decision)];
        let request = self.request(Method::POST, page).form(&form);
        Answer::to(request.bearer_auth(&self.party.session)).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
        ];
        self.as_client("/api/oauth2/token", &form).await
    }

    /// The tokens of a fresh authorization for this.
    pub(crate) async fn tokens(&self, asked: &str) -> Tokens {
        self.exchange(&self.code(asked).await).await.tokens()
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Answer {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        self.as_client("/api/oauth2/token", &form).await
    }

    pub(crate) async fn userinfo(&self, user_token: &str) -> Answer {
        let request = self.request(Method::GET, "/api/oauth2/userinfo");
        Answer::to(request.bearer_auth(user_token)).await
    }

    pub(crate) async fn introspect(&self, token: &str) -> Answer {
        let form = [("token", token)];
        self.as_client("/api/oauth2/introspect", &form).await
    }

    /// RFC 7009.
    pub(crate) async fn gives_back(&self, token: &str) -> Answer {
        let form = [("token", token)];
        self.as_client("/api/oauth2/revoke", &form).await
    }

    /// Takes back what the client was granted: everything, or `/scopes/…`, or `/channels/…`.
    pub(crate) async fn takes_back(&self, what: &str) -> Answer {
        let path = format!("/api/grants/{}{what}", self.party.client_id);
        self.as_user(Method::DELETE, &path).await
    }

    /// Whether both tokens are worth nothing here.
    pub(crate) async fn finds_dead(&self, tokens: &Tokens) -> bool {
        self.userinfo(&tokens.access).await.status == 401
            && self.introspect(&tokens.access).await.json() == json!({"active": false})
            && self.refresh(&tokens.refresh).await.is_invalid_grant()
    }
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        Self::tried(request).await.unwrap_or_else(|error| {
            assert!(!error.is_timeout(), "no answer in time");
            Self::default()
        })
    }

    async fn tried(request: RequestBuilder) -> reqwest::Result<Self> {
        let answer = request.send().await?;
        Ok(Self {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await?,
        })
    }

    pub(crate) const fn is_missing(&self) -> bool {
        self.status == 0
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    #[track_caller]
    pub(crate) fn location(&self) -> String {
        let location = self.header("location");
        location
            .unwrap_or_else(|| panic!("no redirect: {self:?}"))
            .to_owned()
    }

    fn param(&self, name: &str) -> Option<String> {
        let location = self.header("location")?;
        let query = location.strip_prefix(REDIRECT_URI)?.strip_prefix('?')?;
        Params::parse(query).one(name).ok()?.map(str::to_owned)
    }

    /// The code, if it leads to the client with one.
    pub(crate) fn code(&self) -> Option<String> {
        self.param("code")
    }

    /// The error, if it leads to the client with one.
    pub(crate) fn error(&self) -> Option<String> {
        self.param("error")
    }

    #[track_caller]
    pub(crate) fn form_token(&self) -> String {
        let token = self.body.split("name=\"form_token\" value=\"").nth(1);
        let token = token.and_then(|it| it.split('"').next());
        token
            .unwrap_or_else(|| panic!("no form: {self:?}"))
            .to_owned()
    }

    /// The tokens of an exchange or a refresh that must succeed.
    #[track_caller]
    pub(crate) fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{self:?}");
        let tokens = self.json();
        Tokens {
            access: text(&tokens, "access_token"),
            refresh: text(&tokens, "refresh_token"),
        }
    }

    pub(crate) fn is_invalid_grant(&self) -> bool {
        self.status == 400 && self.json()["error"] == "invalid_grant"
    }

    pub(crate) fn is_invalid_client(&self) -> bool {
        self.status == 401 && self.json()["error"] == "invalid_client"
    }

    /// Whether it asks to come again later, as it must whenever it cannot be answered.
    pub(crate) fn is_unavailable(&self) -> bool {
        self.status == 503 && self.header("retry-after") == Some("5")
    }
}

#[track_caller]
pub(crate) fn text(value: &Value, name: &str) -> String {
    let text = value[name].as_str();
    text.unwrap_or_else(|| panic!("{name} is missing in {value}"))
        .to_owned()
}

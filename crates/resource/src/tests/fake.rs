//! An Alias that answers as it is told to, and keeps what it was asked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use alias_domain::Secret;
use serde_json::{Value, json};

use crate::{Alias, CacheTime, Settings};

pub(super) const CLIENT_ID: &str = "AAAAAAAAAAAAAAAAAAAAAQ";
pub(super) const CLIENT_SECRET: &str = "a-secret_of-the_service";
pub(super) const CLIENT: &str = "bjOB6HV7cTKtxvfr2k2ucg";
pub(super) const SUB: &str = "epGEcGfc6LQMmKTqffWW2g";

/// The issuer in the answers below, until the fake puts its own there.
const OWN: &str = "own";

/// The answer for a live user token.
pub(super) fn active() -> Value {
    json!({
        "active": true, "iss": OWN, "client_id": CLIENT, "sub": SUB, "token_type": "Bearer",
        "scope": "openid contact", "channels": "notifications", "exp": 4_000_000_000_u32,
    })
}

/// The same, but for one member.
pub(super) fn with(name: &str, value: Value) -> Value {
    let mut answer = active();
    answer[name] = value;
    answer
}

/// The same, but for some members.
pub(super) fn with_all(members: &Value) -> Value {
    let mut answer = active();
    for (name, value) in members.as_object().into_iter().flatten() {
        answer[name] = value.clone();
    }
    answer
}

/// One introspection request.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) authorization: String,
    pub(super) query: String,
    pub(super) body: String,
}

type Answers = Arc<dyn Fn() -> HttpResponse + Send + Sync>;

struct State {
    answer: Answers,
    discovery: Value,
    asked: Vec<Asked>,
    discoveries: usize,
    elsewhere: usize,
}

pub(super) struct Fake {
    address: SocketAddr,
    state: web::Data<Mutex<State>>,
}

fn open(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Alias at an issuer, as a service asks it.
pub(super) fn alias_at(issuer: &str, time: CacheTime) -> Alias {
    let settings = Settings::new(
        issuer.parse().expect("an issuer"),
        CLIENT_ID.parse().expect("a client ID"),
        Secret::new(CLIENT_SECRET.to_owned()),
    );
    Alias::new(settings.cache_time(time)).expect("sound settings")
}

impl Fake {
    /// One that finds every token live.
    pub(super) fn start() -> Self {
        let state = web::Data::new(Mutex::new(State {
            answer: Arc::new(|| HttpResponse::NotFound().finish()),
            discovery: Value::Null,
            asked: Vec::new(),
            discoveries: 0,
            elsewhere: 0,
        }));
        let served = state.clone();
        let app = move || {
            let discovery = "/.well-known/openid-configuration";
            App::new()
                .app_data(served.clone())
                .route(discovery, web::get().to(discover))
                .route("/introspect", web::post().to(introspect))
                .default_service(web::to(elsewhere))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .bind("127.0.0.1:0")
            .expect("a free port");
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        let fake = Self { address, state };
        open(&fake.state).discovery = json!({
            "issuer": fake.issuer(),
            "introspection_endpoint": fake.url("/introspect"),
        });
        fake.says(&active());
        fake
    }

    pub(super) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    pub(super) fn alias(&self, time: CacheTime) -> Alias {
        alias_at(&self.issuer(), time)
    }

    /// What every introspection is answered with from now on.
    pub(super) fn answers(&self, answer: impl Fn() -> HttpResponse + Send + Sync + 'static) {
        open(&self.state).answer = Arc::new(answer);
    }

    /// The same, as a JSON object in the name of this issuer.
    pub(super) fn says(&self, worth: &Value) {
        let mut worth = worth.clone();
        if worth["iss"] == OWN {
            worth["iss"] = json!(self.issuer());
        }
        self.answers(move || HttpResponse::Ok().json(&worth));
    }

    /// Puts something else into the discovery document, and mends the rest.
    pub(super) fn discovers(&self, name: &str, value: &Value) {
        let mut document = json!({
            "issuer": self.issuer(),
            "introspection_endpoint": self.url("/introspect"),
        });
        document[name] = value.clone();
        open(&self.state).discovery = document;
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        open(&self.state).asked.clone()
    }

    pub(super) fn discoveries(&self) -> usize {
        open(&self.state).discoveries
    }

    pub(super) fn visits_elsewhere(&self) -> usize {
        open(&self.state).elsewhere
    }
}

async fn discover(state: web::Data<Mutex<State>>) -> HttpResponse {
    let mut state = open(&state);
    state.discoveries += 1;
    HttpResponse::Ok().json(&state.discovery)
}

async fn introspect(
    request: HttpRequest,
    body: String,
    state: web::Data<Mutex<State>>,
) -> HttpResponse {
    let authorization = request.headers().get("authorization");
    let authorization = authorization.and_then(|it| it.to_str().ok());
    let answer = {
        let mut state = open(&state);
        state.asked.push(Asked {
            authorization: authorization.unwrap_or_default().to_owned(),
            query: request.query_string().to_owned(),
            body,
        });
        Arc::clone(&state.answer)
    };
    answer()
}

async fn elsewhere(state: web::Data<Mutex<State>>) -> HttpResponse {
    open(&state).elsewhere += 1;
    HttpResponse::NotFound().finish()
}

//! A protected service before an Alias that misbehaves as the real one cannot be made to. What the
//! real one does is shown by `crates/aliasd/tests/grant/resource.rs`.

mod fake;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{
    App, HttpResponse,
    body::MessageBody,
    http::{
        StatusCode,
        header::{LOCATION, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    test::{TestRequest, call_service, init_service},
    web,
};
use alias_domain::Secret;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{Alias, CacheTime, Grant, Refusal, Scope};
use fake::{CLIENT_SECRET, Fake};

const TOKEN: &str = "eyJ0eXAi.a-user-token";

/// What a protected route answers.
struct Answer {
    status: u16,
    challenge: Option<String>,
    retry_after: Option<String>,
    body: String,
}

impl Answer {
    fn error(&self) -> Value {
        let body: Value = serde_json::from_str(&self.body).expect("JSON");
        body["error"].clone()
    }
}

async fn deliver(grant: Grant) -> Result<String, Refusal> {
    grant.require(Scope::Contact)?;
    grant.require_channel("notifications")?;
    Ok(format!("{} of {}", grant.alias_id(), grant.client_id()))
}

/// A service of one route, asked with these `Authorization` headers.
async fn visit(alias: Option<web::Data<Alias>>, headers: &[&str]) -> Answer {
    let mut app = App::new().route("/", web::get().to(deliver));
    if let Some(alias) = alias {
        app = app.app_data(alias);
    }
    let app = init_service(app).await;
    let mut request = TestRequest::get().uri("/");
    for header in headers {
        request = request.append_header(("authorization", *header));
    }
    let response = call_service(&app, request.to_request()).await;
    let header = |name| {
        let value = response.headers().get(name)?;
        Some(value.to_str().expect("ASCII").to_owned())
    };
    Answer {
        status: response.status().as_u16(),
        challenge: header(WWW_AUTHENTICATE),
        retry_after: header(RETRY_AFTER),
        body: {
            let bytes = response.into_body().try_into_bytes();
            String::from_utf8(bytes.expect("a whole body").to_vec()).expect("UTF-8")
        },
    }
}

async fn bring(alias: &web::Data<Alias>, token: &str) -> Answer {
    visit(Some(alias.clone()), &[&format!("Bearer {token}")]).await
}

fn asks_each_time(fake: &Fake) -> web::Data<Alias> {
    web::Data::new(fake.alias(CacheTime::NONE))
}

#[actix_web::test]
async fn alias_is_asked_with_basic_and_the_token_in_the_body() {
    let fake = Fake::start();
    let answer = bring(&asks_each_time(&fake), TOKEN).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, format!("{} of {}", fake::SUB, fake::CLIENT));
    let asked = fake.asked();
    assert_eq!(asked.len(), 1);
    // "AAAAAAAAAAAAAAAAAAAAAQ:a-secret_of-the_service", in base64.
    let credentials = "Basic QUFBQUFBQUFBQUFBQUFBQUFBQUFBUTphLXNlY3JldF9vZi10aGVfc2VydmljZQ==";
    assert_eq!(asked[0].authorization, credentials);
    assert_eq!(asked[0].body, format!("token={TOKEN}"));
    assert_eq!(asked[0].query, "");
}

#[actix_web::test]
async fn without_one_token_in_the_header_nobody_is_asked() {
    let fake = Fake::start();
    let alias = asks_each_time(&fake);
    let bearer = format!("Bearer {TOKEN}");
    for (headers, status, challenge, error) in [
        (&[][..], 401, "Bearer", "unauthorized"),
        (&["Basic YTpi"], 401, "Bearer", "unauthorized"),
        (
            &[&bearer, &bearer],
            400,
            "Bearer error=\"invalid_request\"",
            "invalid_request",
        ),
        (
            &["Bearer a b"],
            401,
            "Bearer error=\"invalid_token\"",
            "invalid_token",
        ),
    ] {
        let answer = visit(Some(alias.clone()), headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.challenge.as_deref(), Some(challenge));
        assert_eq!(answer.error(), error);
    }
    assert_eq!(fake.asked().len(), 0);
}

#[actix_web::test]
async fn a_token_that_is_worth_nothing_is_invalid() {
    let fake = Fake::start();
    let past = (Utc::now() - TimeDelta::seconds(1)).timestamp();
    let mut refresh_token = fake::active();
    refresh_token
        .as_object_mut()
        .expect("an object")
        .remove("token_type");
    for worth in [
        json!({"active": false}),
        refresh_token,
        fake::with("exp", json!(past)),
    ] {
        fake.says(&worth);
        let answer = bring(&asks_each_time(&fake), TOKEN).await;
        assert_eq!(answer.status, 401, "{worth}");
        let challenge = "Bearer error=\"invalid_token\"";
        assert_eq!(answer.challenge.as_deref(), Some(challenge));
        assert_eq!(answer.error(), "invalid_token");
    }
}

#[actix_web::test]
async fn a_token_that_lacks_a_permission_is_told_which() {
    let fake = Fake::start();
    let openid = json!({"scope": "openid", "channels": null});
    let contact = json!({"scope": "openid contact", "channels": "events"});
    for (worth, rest) in [(openid, ""), (contact, ", channels=\"notifications\"")] {
        fake.says(&fake::with_all(&worth));
        let answer = bring(&asks_each_time(&fake), TOKEN).await;
        assert_eq!(answer.status, 403);
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"contact\"{rest}");
        assert_eq!(answer.challenge, Some(challenge));
        assert_eq!(answer.error(), "insufficient_scope");
    }
}

fn unavailable(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 503, "{why}");
    assert_eq!(answer.retry_after.as_deref(), Some("5"), "{why}");
    assert_eq!(answer.challenge, None, "{why}");
    assert_eq!(answer.error(), "temporarily_unavailable", "{why}");
}

#[actix_web::test]
async fn an_answer_that_makes_no_sense_lets_nobody_in_and_is_not_kept() {
    let fake = Fake::start();
    let alias = web::Data::new(fake.alias(CacheTime::LONGEST));
    let active = fake::with("iss", json!(fake.issuer())).to_string();
    let padded = format!("{active}{}", " ".repeat(64 * 1024));
    for status in [201, 204, 400, 401, 403, 404, 500, 503] {
        let status = StatusCode::from_u16(status).expect("a status");
        let sent = active.clone();
        fake.answers(move || HttpResponse::build(status).body(sent.clone()));
        unavailable(&bring(&alias, TOKEN).await, status.as_str());
    }
    for body in [
        "",
        "null",
        "{}",
        "<html>",
        "{\"active\":true}",
        &active[1..],
        &padded,
    ] {
        let sent = body.to_owned();
        fake.answers(move || HttpResponse::Ok().body(sent.clone()));
        unavailable(&bring(&alias, TOKEN).await, &body[..body.len().min(20)]);
    }
    fake.says(&fake::with("iss", json!("https://elsewhere.example")));
    unavailable(&bring(&alias, TOKEN).await, "another issuer");

    fake.answers(move || HttpResponse::Ok().body(active.clone()));
    assert_eq!(bring(&alias, TOKEN).await.status, 200);
}

#[actix_web::test]
async fn a_redirect_is_not_followed() {
    let fake = Fake::start();
    for status in [StatusCode::FOUND, StatusCode::TEMPORARY_REDIRECT] {
        let elsewhere = fake.url("/elsewhere");
        fake.answers(move || {
            HttpResponse::build(status)
                .insert_header((LOCATION, elsewhere.clone()))
                .finish()
        });
        unavailable(&bring(&asks_each_time(&fake), TOKEN).await, status.as_str());
    }
    assert_eq!(fake.visits_elsewhere(), 0);
}

#[actix_web::test]
async fn where_nobody_answers_nobody_is_let_in() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address")
    };
    let alias = web::Data::new(fake::alias_at(&format!("http://{gone}"), CacheTime::NONE));
    unavailable(&bring(&alias, TOKEN).await, "nobody there");
}

#[actix_web::test]
async fn a_discovery_document_that_is_not_the_issuers_is_not_believed() {
    let fake = Fake::start();
    for (name, value) in [
        ("issuer", json!("https://elsewhere.example")),
        ("issuer", json!(fake.url("/"))),
        ("issuer", Value::Null),
        ("introspection_endpoint", Value::Null),
        ("introspection_endpoint", json!("/introspect")),
        (
            "introspection_endpoint",
            json!("http://192.0.2.1/introspect"),
        ),
    ] {
        fake.discovers(name, &value);
        let answer = bring(&asks_each_time(&fake), TOKEN).await;
        unavailable(&answer, &format!("{name}: {value}"));
    }
    assert_eq!(fake.asked().len(), 0);
}

#[actix_web::test]
async fn what_was_discovered_serves_again_and_what_was_not_is_looked_for_anew() {
    let fake = Fake::start();
    let alias = asks_each_time(&fake);
    fake.discovers("issuer", &Value::Null);
    unavailable(&bring(&alias, TOKEN).await, "not discovered");
    fake.discovers("issuer", &json!(fake.issuer()));
    for _ in 0..3 {
        assert_eq!(bring(&alias, TOKEN).await.status, 200);
    }
    assert_eq!((fake.discoveries(), fake.asked().len()), (2, 3));
}

#[actix_web::test]
async fn one_answer_serves_many_requests_within_the_cache_time() {
    for (worth, status) in [(fake::active(), 200), (json!({"active": false}), 401)] {
        for (time, asked) in [(CacheTime::LONGEST, 1), (CacheTime::NONE, 20)] {
            let fake = Fake::start();
            fake.says(&worth);
            let alias = web::Data::new(fake.alias(time));
            let answers = join_all((0..20).map(|_| bring(&alias, TOKEN))).await;
            assert!(answers.iter().all(|it| it.status == status));
            assert_eq!(fake.asked().len(), asked);
        }
    }
}

#[actix_web::test]
async fn a_kept_answer_is_worth_nothing_past_the_end_of_its_token() {
    let fake = Fake::start();
    fake.says(&fake::with("exp", json!(2_000_000_000)));
    let alias = fake.alias(CacheTime::LONGEST);
    let token = Secret::new(TOKEN.to_owned());
    let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
    let before = alias.grant_at(&token, at(1_999_999_999)).await;
    assert!(before.is_ok_and(|it| it.expires_at() == at(2_000_000_000)));
    let after = alias.grant_at(&token, at(2_000_000_000)).await;
    assert_eq!(after, Err(Refusal::InvalidToken));
    assert_eq!(fake.asked().len(), 1);
}

#[actix_web::test]
async fn an_application_without_alias_lets_nobody_in() {
    let answer = visit(None, &[&format!("Bearer {TOKEN}")]).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.error(), "server_error");
}

/// A log that is read afterwards.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn the_log_says_why_and_has_neither_token_nor_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let fake = Fake::start();
    let alias = asks_each_time(&fake);
    fake.answers(|| HttpResponse::Unauthorized().finish());
    let refused = bring(&alias, TOKEN).await;
    // A body that quotes what it was sent.
    fake.answers(|| HttpResponse::Ok().json(json!({"active": TOKEN, "scope": CLIENT_SECRET})));
    let quoted = bring(&alias, TOKEN).await;
    drop(guard);
    let bytes = log.0.lock().unwrap_or_else(PoisonError::into_inner);
    let log = String::from_utf8_lossy(&bytes);
    assert!(
        log.contains("the client ID and secret of this service are refused"),
        "{log}"
    );
    assert!(
        log.contains("an introspection response that makes no sense"),
        "{log}"
    );
    for said in [&*log, &refused.body, &quoted.body] {
        assert!(
            !said.contains(TOKEN) && !said.contains(CLIENT_SECRET),
            "{said}"
        );
    }
}

//! A service behind Alias, with the crate for such services: what a user takes back, it refuses.

use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, web};
use alias_resource::{Alias, CacheTime, Grant, Refusal, Secret, Settings};
use reqwest::Response;
use serde_json::Value;

use crate::page::{Page, QUERY, text};

/// A service that delivers on the channel `notifications`, and how it asks Alias.
struct Service {
    address: String,
    http: reqwest::Client,
}

async fn deliver(grant: Grant) -> Result<String, Refusal> {
    grant.require_channel("notifications")?;
    Ok(format!("{} {}", grant.client_id(), grant.alias_id()))
}

impl Service {
    /// One that is registered as a resource server.
    fn start(page: &Page, time: CacheTime) -> Self {
        let create = [
            "client",
            "create",
            "--name",
            "Messages",
            "--resource-server",
        ];
        let registered = page.alias.cli(&create, "");
        Self::start_as(page, time, &registered)
    }

    fn start_as(page: &Page, time: CacheTime, client: &Value) -> Self {
        let settings = Settings::new(
            page.alias.issuer.parse().expect("an issuer"),
            text(client, "client_id").parse().expect("a client ID"),
            Secret::new(text(client, "client_secret")),
        );
        let alias = Alias::new(settings.cache_time(time)).expect("sound settings");
        let alias = web::Data::new(alias);
        let app = move || {
            let deliver = web::post().to(deliver);
            App::new()
                .app_data(alias.clone())
                .route("/notifications", deliver)
        };
        let server = HttpServer::new(app)
            .workers(2)
            .disable_signals()
            .bind("127.0.0.1:0")
            .expect("a free port");
        let address = format!("http://{}/notifications", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self {
            address,
            http: page.http.clone(),
        }
    }

    async fn visit(&self, token: &str) -> Response {
        let request = self.http.post(&self.address).bearer_auth(token);
        request.send().await.expect("an answer")
    }

    async fn status(&self, token: &str) -> u16 {
        self.visit(token).await.status().as_u16()
    }
}

/// `DELETE /api/grants/{client}…`, as the user.
async fn take_back(page: &Page, what: &str) {
    let path = format!("{}/api/grants/{}{what}", page.alias.issuer, page.client_id);
    let request = page.http.delete(path).bearer_auth(&page.session_token);
    assert_eq!(request.send().await.expect("an answer").status(), 204);
}

fn challenge(response: &Response) -> &str {
    let header = response.headers().get("www-authenticate");
    header.and_then(|it| it.to_str().ok()).unwrap_or_default()
}

#[actix_web::test]
async fn r24_a_revoked_channel_is_refused_at_once_where_nothing_is_cached() {
    let page = Page::open().await;
    let service = Service::start(&page, CacheTime::NONE);
    let (_, tokens) = page.exchange(&page.code(QUERY).await).await;
    let token = text(&tokens, "access_token");
    let admitted = service.visit(&token).await;
    assert_eq!(admitted.status(), 200);
    let said = admitted.text().await.expect("a body");
    assert!(said.starts_with(&format!("{} ", page.client_id)), "{said}");
    assert_eq!(said.len(), 45, "a client ID and an alias ID: {said}");

    take_back(&page, "/channels/notifications").await;
    let refused = service.visit(&token).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(
        challenge(&refused),
        "Bearer error=\"insufficient_scope\", scope=\"contact\", channels=\"notifications\""
    );
    take_back(&page, "").await;
    let refused = service.visit(&token).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(challenge(&refused), "Bearer error=\"invalid_token\"");
}

#[actix_web::test]
async fn r24_a_revoked_channel_is_refused_within_the_cache_time() {
    let page = Page::open().await;
    let usual = Service::start(&page, CacheTime::default());
    let slow = Service::start(&page, CacheTime::LONGEST);
    let (_, tokens) = page.exchange(&page.code(QUERY).await).await;
    let token = text(&tokens, "access_token");
    for service in [&usual, &slow] {
        assert_eq!(service.status(&token).await, 200);
    }
    take_back(&page, "/channels/notifications").await;
    let taken_back = Instant::now();
    assert_eq!(slow.status(&token).await, 200, "an answer is kept");
    loop {
        let visited = taken_back.elapsed();
        match usual.status(&token).await {
            403 => break,
            status => assert_eq!(status, 200),
        }
        assert!(visited < Duration::from_secs(1), "{visited:?}");
    }
}

#[actix_web::test]
async fn a_service_takes_no_token_but_a_live_user_token() {
    let page = Page::open().await;
    let service = Service::start(&page, CacheTime::NONE);
    let code = page.code(QUERY).await;
    assert_eq!(service.status(&code).await, 401);
    let (_, tokens) = page.exchange(&code).await;
    for name in ["refresh_token", "id_token"] {
        assert_eq!(service.status(&text(&tokens, name)).await, 401, "{name}");
    }
    assert_eq!(service.status(&page.session_token).await, 401);
    let token = text(&tokens, "access_token");
    assert_eq!(service.status(&token).await, 200);
    page.alias.cli(&["user", "lock", "fred@example.com"], "");
    assert_eq!(service.status(&token).await, 401, "R30");
}

#[actix_web::test]
async fn where_alias_cannot_be_asked_nobody_is_let_in() {
    let page = Page::open().await;
    let create = [
        "client",
        "create",
        "--name",
        "Messages",
        "--resource-server",
    ];
    let registered = page.alias.cli(&create, "");
    let service = Service::start_as(&page, CacheTime::NONE, &registered);
    let (_, tokens) = page.exchange(&page.code(QUERY).await).await;
    let token = text(&tokens, "access_token");
    assert_eq!(service.status(&token).await, 200);
    let id = text(&registered, "client_id");
    page.alias.cli(&["client", "rotate-secret", &id], "");
    // What the command line changes holds within a second.
    let deadline = Instant::now() + Duration::from_secs(1);
    let refused = loop {
        let answer = service.visit(&token).await;
        if answer.status() != 200 || Instant::now() > deadline {
            break answer;
        }
    };
    assert_eq!(refused.status(), 503, "the secret is another");
    assert_eq!(refused.headers()["retry-after"], "5");
    drop(page);
    assert_eq!(service.status(&token).await, 503, "Alias is gone");
}

//! More passwords than can be hashed.

use std::{
    io::Write,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::rt::time::sleep;
use alias_domain::{
    Secret,
    flows::Ports,
    ports::{Failure, MockPasswords, PasswordHash, PasswordVerdict, Passwords},
};
use async_trait::async_trait;
use futures_util::future::pending;
use serde_json::json;

use crate::support::{Alias, client};

#[actix_web::test]
async fn beyond_the_bound_a_sign_in_is_503_with_retry_after_in_json_and_on_a_page() {
    let mut passwords = MockPasswords::new();
    passwords
        .expect_verify()
        .returning(|_, _| Err(Failure::Busy));
    let passwords = Arc::new(passwords);
    let alias = Alias::start_with(|ports| Ports { passwords, ..ports }).await;
    let credentials = json!({"email": "fred@example.com", "password": "x"});
    let request = client().post(alias.url("/api/session")).json(&credentials);
    let refused = request.send().await.expect("an answer");
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "5");
    let told: serde_json::Value = refused.json().await.expect("JSON");
    assert_eq!(
        told,
        json!({
            "error": "temporarily_unavailable",
            "error_description": "too busy: try again in a few seconds",
        })
    );

    let mut browser = alias.browser();
    let form = browser.get("/sign-in").await.form();
    let fields = [("email", "fred@example.com"), ("password", "x")];
    let page = browser.submit_once(&form, &fields).await;
    assert_eq!(page.status, 503);
    assert!(page.html.contains("It is busy"), "{}", page.html);
}

/// Every hash waits for a core that never is free.
#[derive(Default)]
struct Full {
    waiting: Arc<AtomicUsize>,
}

/// One that waits, until it is dropped.
struct Waits(Arc<AtomicUsize>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Passwords for Full {
    async fn hash(&self, _: &Secret) -> Result<PasswordHash, Failure> {
        pending().await
    }

    async fn verify(
        &self,
        _: &Secret,
        _: Option<PasswordHash>,
    ) -> Result<PasswordVerdict, Failure> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waits = Waits(Arc::clone(&self.waiting));
        pending().await
    }
}

async fn until(waiting: &AtomicUsize, number: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while waiting.load(Ordering::SeqCst) != number {
        let now = waiting.load(Ordering::SeqCst);
        assert!(Instant::now() < deadline, "{now} wait, and not {number}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[actix_web::test]
async fn a_client_that_hung_up_costs_no_hash() {
    let passwords = Arc::new(Full::default());
    let waiting = Arc::clone(&passwords.waiting);
    let alias = Alias::start_with(|ports| Ports { passwords, ..ports }).await;
    let body = r#"{"email":"fred@example.com","password":"x"}"#;
    let request = format!(
        "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (address, mut clients) = (alias.url("").replace("http://", ""), Vec::new());
    for _ in 0..20 {
        let mut client = TcpStream::connect(&address).expect("it listens");
        client.write_all(request.as_bytes()).expect("it reads");
        clients.push(client);
    }
    until(&waiting, 20).await;
    clients.truncate(1);
    until(&waiting, 1).await;
}

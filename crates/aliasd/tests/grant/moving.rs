//! From the embedded store to PostgreSQL with one command: nothing is lost, and what was issued goes
//! on working.

use std::sync::Arc;

use alias_storage_postgres::testing::TestDatabase;
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    page::{PASSWORD, Page, QUERY, form_token, part, text},
    running::Running,
    store::TestStore,
};

async fn get(page: &Page, path: &str) -> Value {
    let request = page.http.get(format!("{}{path}", page.alias.issuer));
    let answer = request.bearer_auth(&page.session_token).send().await;
    answer.expect("an answer").json().await.expect("JSON")
}

async fn worth(page: &Page, tokens: &Value) -> Value {
    let token = text(tokens, "access_token");
    let (_, worth) = page
        .post("/api/oauth2/introspect", &[("token", &token)])
        .await;
    worth
}

fn id_token(tokens: &Value, index: usize) -> Value {
    serde_json::from_str(&part(&text(tokens, "id_token"), index)).expect("JSON")
}

/// The header's `kid` and the `sub` of an exchange's ID token.
fn identity(tokens: &Value) -> (Value, Value) {
    let (header, claims) = (id_token(tokens, 0), id_token(tokens, 1));
    (header["kid"].clone(), claims["sub"].clone())
}

async fn refreshed(page: &Page, tokens: &Value) -> Value {
    let (status, refreshed) = page.refresh(&text(tokens, "refresh_token")).await;
    assert_eq!(status, 200, "{refreshed}");
    refreshed
}

/// A browser that keeps cookies.
struct Browser(Client);

impl Browser {
    fn open() -> Self {
        let builder = Client::builder().cookie_store(true).no_proxy();
        // The service that answers the next request may be another than that of the last.
        let builder = builder.pool_max_idle_per_host(0);
        let http = builder.redirect(Policy::none()).build();
        Self(http.expect("a client"))
    }

    async fn sign_in(&self, issuer: &str) {
        let address = format!("{issuer}/sign-in");
        let html = self.0.get(&address).send().await.expect("an answer");
        let token = form_token(&html.text().await.expect("a page"));
        let form = [
            ("form_token", token.as_str()),
            ("email", "fred@example.com"),
            ("password", PASSWORD),
        ];
        let answer = self.0.post(&address).form(&form).send().await;
        assert_eq!(answer.expect("an answer").status(), 303);
    }

    /// The account page, or where it leads who is not signed in.
    async fn account(&self, issuer: &str) -> u16 {
        let page = self.0.get(format!("{issuer}/account")).send().await;
        page.expect("an answer").status().as_u16()
    }
}

#[actix_web::test]
async fn nothing_is_lost_on_the_way_to_postgres() {
    let folder = TempDir::new().expect("a folder");
    let embedded = Running::serve_in(folder, TestStore::Sqlite, &[]);
    let mut page = Page::open_at(embedded).await;
    let issuer = page.alias.issuer.clone();
    let browser = Browser::open();
    browser.sign_in(&issuer).await;
    assert_eq!(browser.account(&issuer).await, 200);

    // Another client, whom Fred leaves again.
    let narrow = QUERY.replace("&channels=notifications%20product_updates", "");
    let other = page.with_client(&[]);
    let (_, left) = other.exchange(&other.code(&narrow).await).await;
    let disconnect = format!("{issuer}/api/grants/{}", other.client_id);
    let disconnect = page
        .http
        .delete(disconnect)
        .bearer_auth(&page.session_token);
    assert_eq!(disconnect.send().await.expect("an answer").status(), 204);

    // The first client has tokens of its third generation, twice; a code that waits; and a form that
    // Fred looks at.
    let (_, first) = page.exchange(&page.code(QUERY).await).await;
    let third = refreshed(&page, &refreshed(&page, &first).await).await;
    let (_, stolen) = page.exchange(&page.code(QUERY).await).await;
    let robbed = refreshed(&page, &refreshed(&page, &stolen).await).await;
    let waiting = page.code(QUERY).await;
    let asked = page.authorize(&format!("{QUERY}&prompt=consent")).await;
    let form = page.shown(&asked).await;
    let rotate = [
        "client",
        "rotate-secret",
        &page.client_id,
        "--keep-old",
        "24h",
    ];
    let rotated = page.alias.cli(&rotate, "");
    let keys = get(&page, "/.well-known/jwks.json").await;
    let grants = get(&page, "/api/grants").await;
    let before = worth(&page, &third).await;
    assert_eq!(before["active"], true);

    let Page {
        client_id,
        client_secret,
        alias,
        ..
    } = other;
    drop(alias);
    let alias = Arc::get_mut(&mut page.alias).expect("nobody else holds it");
    let imported = alias.move_to(TestStore::Postgres(TestDatabase::empty()));
    assert_ne!(imported["applied"], json!([]), "one command");
    assert_eq!(
        imported["imported"],
        json!({
            "keys": 4, "clients": 2, "users": 1, "sessions": 2, "interactions": 3,
            "connections": 2, "authorizations": 3, "participations": 2, "notices": 0,
        })
    );

    // Who was signed in still is.
    assert_eq!(browser.account(&issuer).await, 200);
    assert_eq!(get(&page, "/api/grants").await, grants);
    assert_eq!(get(&page, "/.well-known/jwks.json").await, keys);
    // Both secrets of the client work, and tokens are worth what they were.
    assert_eq!(worth(&page, &third).await, before);
    page.client_secret = text(&rotated, "client_secret");
    assert_eq!(worth(&page, &third).await, before);
    let fourth = refreshed(&page, &third).await;
    assert_eq!(worth(&page, &fourth).await["scope"], before["scope"]);
    // A replay is still one, and ends what was robbed.
    for tokens in [&stolen, &robbed] {
        let (status, refused) = page.refresh(&text(tokens, "refresh_token")).await;
        assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    }
    assert_eq!(worth(&page, &robbed).await, json!({"active": false}));
    // The code is exchanged, once; the form is answered; the same user, by the same key.
    let (status, exchanged) = page.exchange(&waiting).await;
    assert_eq!((status, identity(&exchanged)), (200, identity(&first)));
    assert_eq!(page.exchange(&waiting).await.0, 400);
    let (status, allowed) = page.exchange(&page.allow(&form).await).await;
    assert_eq!((status, identity(&allowed)), (200, identity(&first)));
    // Who comes back after a disconnect is the same user there.
    let other = Page {
        client_id,
        client_secret,
        ..page.clone()
    };
    let (_, back) = other.exchange(&other.code(&narrow).await).await;
    assert_eq!(identity(&back), identity(&left));
    // The password, and a session that begins after the move.
    let fresh = Browser::open();
    fresh.sign_in(&issuer).await;
    assert_eq!(fresh.account(&issuer).await, 200);
}

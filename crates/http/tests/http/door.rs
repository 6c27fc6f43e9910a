//! The door of a node, and the address for those who watch it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use alias_domain::testing::MemoryStore;
use alias_http::{Bound, Door, Public};
use serde_json::{Value, json};

use crate::support::{self, client, ports, public, running, service};

/// A node whose store is not there yet, with both its addresses.
struct Node {
    door: Door,
    public: SocketAddr,
    internal: SocketAddr,
}

impl Node {
    fn starting() -> Self {
        let door = Door::closed("the database is away");
        let elsewhere = Public {
            health: false,
            ..public()
        };
        let scrapes = AtomicU32::new(0);
        let exposition = move || format!("scrapes {}", scrapes.fetch_add(1, Ordering::Relaxed));
        let listen = ([127, 0, 0, 1], 0).into();
        Self {
            public: running(Bound::public(door.clone(), elsewhere)),
            internal: running(Bound::internal(door.clone(), listen, Arc::new(exposition))),
            door,
        }
    }

    fn open(&self) {
        let store = Arc::new(MemoryStore::default());
        self.door.open(service(ports(store)));
    }

    async fn status(&self, path: &str) -> u16 {
        get(self.public, path).await.status().as_u16()
    }

    async fn readiness(&self) -> (u16, Value) {
        support::json(client().get(format!("http://{}/readyz", self.internal))).await
    }
}

async fn get(address: SocketAddr, path: &str) -> reqwest::Response {
    let request = client().get(format!("http://{address}{path}"));
    request.send().await.expect("an answer")
}

#[actix_web::test]
async fn before_the_store_is_there_everything_waits_and_readyz_says_why() {
    let node = Node::starting();
    assert_eq!(get(node.internal, "/livez").await.status(), 200);
    let why = |reason| (503, json!({ "status": "starting", "reason": reason }));
    assert_eq!(node.readiness().await, why("the database is away"));
    node.door.wait("the database is away still");
    assert_eq!(node.readiness().await, why("the database is away still"));

    for path in [
        "/",
        "/account",
        "/oauth2/authorize",
        "/nonsense",
        "/api/grants",
        "/api/nonsense",
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
    ] {
        let response = get(node.public, path).await;
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.headers()["retry-after"], "5", "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
        let body = response.text().await.expect("a body");
        let for_programs = path.starts_with("/api/") || path.starts_with("/.well-known/");
        assert_eq!(body.contains("temporarily_unavailable"), for_programs);
        assert_eq!(body.contains("<title>"), !for_programs, "{path}");
    }
}

#[actix_web::test]
async fn what_pages_look_like_is_there_before_the_store() {
    let node = Node::starting();
    let page = get(node.public, "/").await.text().await.expect("a page");
    let style = page.split_once("rel=\"stylesheet\" href=\"");
    let style = style.and_then(|it| it.1.split_once('"')).expect("a style");
    assert_eq!(node.status(style.0).await, 200);
}

#[actix_web::test]
async fn once_the_store_is_there_everything_is_served() {
    let node = Node::starting();
    assert_eq!(node.status("/sign-in").await, 503);
    node.open();
    assert_eq!(node.readiness().await, (200, json!({ "status": "ready" })));
    assert_eq!(node.status("/sign-in").await, 200);
    assert_eq!(node.status("/.well-known/jwks.json").await, 200);
    assert_eq!(node.status("/nonsense").await, 404);
    assert_eq!(node.status("/api/nonsense").await, 404);
}

#[actix_web::test]
async fn a_node_that_stops_says_so_and_serves_to_the_end() {
    let node = Node::starting();
    node.open();
    node.door.close();
    let stopping = (503, json!({ "status": "stopping" }));
    assert_eq!(node.readiness().await, stopping);
    assert_eq!(node.status("/sign-in").await, 200);
    node.door.wait("in vain");
    assert_eq!(node.readiness().await, stopping, "there is no way back");
}

#[actix_web::test]
async fn a_node_that_stops_before_it_is_ready_never_says_that_it_is() {
    let node = Node::starting();
    node.door.close();
    assert_eq!(node.status("/sign-in").await, 503);
    node.open();
    assert_eq!(
        node.readiness().await,
        (503, json!({ "status": "stopping" }))
    );
}

#[actix_web::test]
async fn health_and_measures_are_at_the_internal_address_alone() {
    let node = Node::starting();
    node.open();
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(get(node.internal, path).await.status(), 200, "{path}");
        let public = get(node.public, path).await;
        assert_eq!(public.status(), 404, "{path}");
        let body = public.text().await.expect("a body");
        assert!(body.contains("<title>Error"), "{path}");
    }
    for path in ["/", "/sign-in", "/.well-known/jwks.json"] {
        assert_eq!(get(node.internal, path).await.status(), 404, "{path}");
    }
    let first = get(node.internal, "/metrics").await;
    let media_type = first.headers()["content-type"].to_str().expect("ASCII");
    assert!(media_type.starts_with("text/plain; version=0.0.4"));
    let (first, second) = (first.text().await, get(node.internal, "/metrics").await);
    assert_ne!(first.ok(), second.text().await.ok(), "rendered each time");
}

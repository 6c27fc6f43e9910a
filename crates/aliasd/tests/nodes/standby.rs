//! A server whose commits wait for a standby that does not answer.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use alias_storage_postgres::testing::ask_at;
use futures_util::future::{join, join_all};
use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    cluster::{EMAIL, EVERYTHING, Node, PASSWORD, introduce, place},
    peer::Peer,
    sandbox::Sandbox,
    server::Server,
};

/// How many connections a node may have of which many requests come.
const FEW: usize = 4;

/// The same for one whose every worker has some.
const ENOUGH: usize = 16;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// However slow the machine is, nothing takes as long.
const HANGS: Duration = Duration::from_secs(60);

/// What a query finds, on a thread that may wait.
async fn ask(server: &Server, query: &'static str) -> String {
    let url = server.url.clone();
    let asked = spawn_blocking(move || ask_at(&url, query));
    asked.await.expect("an answer").unwrap_or_default()
}

/// The server's processes that serve the node, and not who asks here.
async fn backends(server: &Server) -> usize {
    let count = "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'aliasd' AND pid <> pg_backend_pid()";
    ask(server, count).await.parse().expect("a number")
}

/// From now on commits wait for a standby, which there is none of. The server takes that up in a
/// moment.
async fn hang(server: &Server, peer: &Peer) {
    ask(
        server,
        "ALTER SYSTEM SET synchronous_standby_names = 'nobody'",
    )
    .await;
    ask(server, "SELECT pg_reload_conf()").await;
    let began = Instant::now();
    while peer.get("/readyz").await.status == 200 {
        assert!(began.elapsed() < HANGS, "it says that it is ready");
        sleep(LOOK).await;
    }
}

async fn recover(server: &Server) {
    ask(server, "ALTER SYSTEM RESET synchronous_standby_names").await;
    ask(server, "SELECT pg_reload_conf()").await;
}

/// A server of a test's own, and where a node is to start that may have so many connections.
fn own_server(connections: usize) -> (Server, Sandbox) {
    let server = Server::start();
    let mut sandbox = place(&server.url);
    sandbox.run(&["migrate"]).succeeded();
    sandbox.set("ALIAS_DATABASE__CONNECTIONS", &connections.to_string());
    (server, sandbox)
}

/// Looks until the future has ended; the most backends that were seen.
async fn watched<T>(server: &Server, work: impl Future<Output = T>) -> (T, usize) {
    let (ended, most) = (Cell::new(false), Cell::new(0));
    let work = async {
        let done = work.await;
        ended.set(true);
        done
    };
    let looks = async {
        while !ended.get() {
            most.set(most.get().max(backends(server).await));
            sleep(LOOK).await;
        }
    };
    let (done, ()) = join(work, looks).await;
    (done, most.get())
}

#[tokio::test]
async fn a_standby_that_hangs_holds_no_more_than_the_nodes_connections_and_readyz_says_so() {
    let (server, sandbox) = own_server(FEW);
    let mut node = Node::start(&sandbox);
    let party = introduce(&sandbox, &node).await;
    let peers: Vec<_> = (0..12).map(|_| Peer::at(&node, &party)).collect();
    let peer = &peers[0];
    assert_eq!(peer.get("/readyz").await.status, 200);

    hang(&server, peer).await;
    for _ in 0..3 {
        let requests = peers.iter().map(async |it| it.authorize(EVERYTHING).await);
        let (answers, most) = watched(&server, join_all(requests)).await;
        for answer in answers {
            assert!(answer.is_unavailable(), "{answer:?}");
        }
        assert!(most <= FEW, "{most} backends");
    }
    let ready = peer.get("/readyz").await;
    assert!(ready.is_unavailable(), "{ready:?}");
    let reason = ready.json()["reason"].to_string();
    assert!(reason.contains("the store is unavailable: "), "{reason}");
    assert_eq!(peer.get("/livez").await.status, 200);

    recover(&server).await;
    let began = Instant::now();
    while peer.get("/readyz").await.status != 200 {
        assert!(began.elapsed() < HANGS, "it does not recover");
        sleep(LOOK).await;
    }
    let requests = peers.iter().map(async |it| it.code(EVERYTHING).await);
    join_all(requests).await;
    assert!(backends(&server).await <= FEW);
    assert!(node.runs());
}

/// The transaction stands on this server, and nobody knows whether it will once the standby takes
/// over.
#[tokio::test]
async fn a_commit_that_the_server_warns_of_and_does_not_confirm_has_failed() {
    let (server, sandbox) = own_server(ENOUGH);
    let node = Node::start(&sandbox);
    let party = introduce(&sandbox, &node).await;
    let peer = Peer::at(&node, &party);
    hang(&server, &peer).await;
    // A statement by itself, and a transaction of several.
    for alone in [true, false] {
        let asks = async {
            match alone {
                true => peer.authorize(EVERYTHING).await,
                false => peer.begins_session(EMAIL, PASSWORD).await,
            }
        };
        let cancels = async {
            let began = Instant::now();
            let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'aliasd' AND wait_event = 'SyncRep'
                    AND query NOT LIKE '%pg_logical_emit_message%'";
            while ask(&server, cancel).await != "t" {
                assert!(began.elapsed() < HANGS, "nobody waits");
                sleep(LOOK).await;
            }
        };
        let (answer, ()) = join(asks, cancels).await;
        assert!(answer.is_unavailable(), "{answer:?}");
    }
    recover(&server).await;
}

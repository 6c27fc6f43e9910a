//! A node that is killed, a server that restarts, is away or is not the right one.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use alias_storage_postgres::testing::TestDatabase;
use futures_util::future::{join, join_all};
use tokio::{
    sync::watch,
    task::{spawn_blocking, yield_now},
};

use crate::{
    cluster::{Cluster, EVERYTHING, Node, introduce, place},
    peer::{Answer, Party, Peer},
    sandbox::{MASTER_KEY, Sandbox},
    server::Server,
};

/// What `serve` says before it ends.
#[track_caller]
fn refused(sandbox: &Sandbox) -> String {
    sandbox.run(&["serve"]).refused()
}

#[tokio::test]
async fn a_second_node_with_another_master_key_refuses_to_start_and_the_first_goes_on() {
    let cluster = Cluster::start().await;
    let tokens = cluster.peer(0).tokens(EVERYTHING).await;
    let mut other = place(&cluster.database.url());
    other.set("ALIAS_KEYS__MASTER", &MASTER_KEY.replace("AAEC", "BBEC"));
    let refused = refused(&other);
    assert!(refused.contains("keys.master"), "{refused}");
    for peer in &cluster.peers() {
        assert_eq!(peer.userinfo(&tokens.access).await.status, 200);
        peer.tokens(EVERYTHING).await;
    }
}

#[test]
fn a_wrong_user_or_database_ends_serve_in_one_line() {
    let database = TestDatabase::migrated();
    let stranger = place(&database.url().replace("alias@", "stranger@"));
    let said = refused(&stranger);
    assert!(said.ends_with("refuses user stranger or the password"));
    let elsewhere = place(&format!("{}_not", database.url()));
    assert!(refused(&elsewhere).contains("make it with `createdb"));
    let behind = TestDatabase::empty();
    assert!(refused(&place(&behind.url())).ends_with("run `aliasd migrate`"));
}

#[tokio::test]
async fn when_a_node_is_killed_the_other_answers_on_and_nothing_serves_twice() {
    let mut cluster = Cluster::start().await;
    let [first, second] = cluster.peers();
    let (mut codes, mut chains) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        codes.push(first.code(EVERYTHING).await);
        chains.push(first.tokens(EVERYTHING).await.refresh);
    }
    let (answered, victim) = (Cell::new(0), RefCell::new(&mut cluster.nodes[1]));
    let doomed = async |answer: &mut Answer| {
        answered.set(answered.get() + usize::from(!answer.is_missing()));
        if answered.get() == 20 {
            victim.borrow_mut().kill();
        }
    };
    // Everything at once, at both nodes.
    let codes_shown = join_all(codes.iter().map(async |code| {
        let dies = async {
            let mut answer = second.exchange(code).await;
            doomed(&mut answer).await;
            answer
        };
        join(first.exchange(code), dies).await
    }));
    let chains_shown = join_all(chains.iter().map(async |token| {
        let dies = async {
            let mut answer = second.refresh(token).await;
            doomed(&mut answer).await;
            answer
        };
        join(first.refresh(token), dies).await
    }));
    let (of_codes, of_chains) = join(codes_shown, chains_shown).await;

    let all = of_codes.iter().chain(&of_chains);
    assert!(all.clone().any(|it| it.1.is_missing()), "it was too late");
    let again = codes.iter().zip(&of_codes);
    for (code, (lives, died)) in again {
        assert!(lives.status == 200 || lives.is_invalid_grant(), "{lives:?}");
        assert!(lives.status != 200 || died.status != 200);
        assert!(first.exchange(code).await.is_invalid_grant());
    }
    let generations = "SELECT string_agg(DISTINCT refresh_generation::text, ' ')
        FROM authorizations WHERE refresh_generation > 1";
    assert_eq!(cluster.ask(generations), "2");
    for (lives, _) in &of_chains {
        let next = lives.tokens().refresh;
        assert_eq!(first.refresh(&next).await.status, 200);
    }
    cluster.nodes[1] = Node::start(&cluster.sandbox);
    cluster.peer(1).tokens(EVERYTHING).await;
}

/// What comes to two nodes without pause, until it is told to end.
struct Load {
    /// Codes that were made and presented at both nodes.
    codes: watch::Sender<usize>,
    /// Refreshes that were answered.
    refreshes: watch::Sender<usize>,
    /// Requests that could not be answered.
    unavailable: watch::Sender<usize>,
    ends: Cell<bool>,
}

impl Load {
    fn new() -> Self {
        Self {
            codes: watch::Sender::new(0),
            refreshes: watch::Sender::new(0),
            unavailable: watch::Sender::new(0),
            ends: Cell::new(false),
        }
    }

    /// Asks until there is another answer than that there is none.
    async fn answer(&self, ask: impl AsyncFn() -> Answer) -> Answer {
        loop {
            let answer = ask().await;
            if answer.status != 503 {
                return answer;
            }
            assert!(answer.is_unavailable(), "{answer:?}");
            self.unavailable.send_modify(|it| *it += 1);
        }
    }

    /// No code yields tokens twice, whatever becomes of the answers.
    async fn exchanges(&self, [here, there]: &[Peer; 2]) {
        while !self.ends.get() {
            let issued = self.answer(async || here.authorize(EVERYTHING).await).await;
            let code = issued.code().expect("a code");
            let told = join(
                self.answer(async || here.exchange(&code).await),
                self.answer(async || there.exchange(&code).await),
            );
            let told: [Answer; 2] = told.await.into();
            let granted = told.iter().filter(|it| it.status == 200).count();
            let refused = told.iter().filter(|it| it.is_invalid_grant()).count();
            assert!(granted < 2 && granted + refused == 2, "{told:?}");
            self.codes.send_modify(|it| *it += 1);
        }
    }

    /// R23: no answer that was lost signs a user out.
    async fn refreshes(&self, [here, there]: &[Peer; 2]) {
        let mut tokens = here.tokens(EVERYTHING).await;
        while !self.ends.get() {
            let refresh = async |at: &Peer| {
                let token = &tokens.refresh;
                self.answer(async || at.refresh(token).await).await.tokens()
            };
            (tokens, _) = join(refresh(here), refresh(there)).await;
            self.refreshes.send_modify(|it| *it += 1);
        }
    }

    /// What needs no database is answered all the while.
    async fn watches(&self, peer: &Peer) {
        while !self.ends.get() {
            assert_eq!(peer.get("/livez").await.status, 200);
            let ready = peer.get("/readyz").await;
            assert!(ready.status == 200 || ready.is_unavailable(), "{ready:?}");
            let page = peer.get("/account").await;
            assert!(page.status == 303 || page.is_unavailable(), "{page:?}");
        }
    }

    async fn moves(&self, what: &watch::Sender<usize>, by: usize) {
        let mut now = what.subscribe();
        let target = *now.borrow() + by;
        let moved = now.wait_for(|it| *it >= target).await;
        assert!(moved.is_ok());
    }
}

async fn obey(mut server: Server, order: &'static str) -> Server {
    let done = spawn_blocking(move || {
        server.obey(order);
        server
    });
    done.await.expect("it obeys")
}

async fn restarts(load: &Load, mut server: Server) -> Server {
    for stop in ["stop --mode fast", "stop --mode immediate"] {
        load.moves(&load.codes, 20).await;
        server = obey(server, stop).await;
        load.moves(&load.unavailable, 100).await;
        server = obey(server, "start").await;
        load.moves(&load.refreshes, 20).await;
    }
    load.moves(&load.codes, 20).await;
    load.ends.set(true);
    server
}

/// A server of a test's own, current, with a folder whose programs work on it.
fn own_server() -> (Server, Sandbox) {
    let server = Server::start();
    let sandbox = place(&server.url);
    sandbox.run(&["migrate"]).succeeded();
    (server, sandbox)
}

#[tokio::test]
async fn a_server_that_restarts_makes_requests_wait_and_nothing_serves_twice() {
    let (server, sandbox) = own_server();
    let mut nodes = [Node::start(&sandbox), Node::start(&sandbox)];
    let party = introduce(&sandbox, &nodes[0]).await;
    let peers = || [Peer::at(&nodes[0], &party), Peer::at(&nodes[1], &party)];
    let load = Load::new();
    let exchanges = (0..4).map(async |_| load.exchanges(&peers()).await);
    let refreshes = (0..4).map(async |_| load.refreshes(&peers()).await);
    let watches = peers();
    let (_server, ..) = tokio::join!(
        restarts(&load, server),
        join_all(exchanges),
        join_all(refreshes),
        load.watches(&watches[0]),
        load.watches(&watches[1]),
    );
    assert!(nodes.iter_mut().all(Node::runs));
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_waited_for() {
    let (mut server, sandbox) = own_server();
    server.obey("stop");
    let node = Node::start(&sandbox);
    let party = Party {
        client_id: String::new(),
        client_secret: String::new(),
        session: String::new(),
    };
    let peer = Peer::at(&node, &Arc::new(party));
    assert_eq!(peer.get("/livez").await.status, 200);
    let ready = peer.get("/readyz").await;
    assert!(ready.is_unavailable(), "{ready:?}");
    let reason = ready.json()["reason"].to_string();
    assert!(reason.contains("cannot be reached"), "{reason}");
    for path in ["/account", "/.well-known/jwks.json", "/api/grants"] {
        assert!(peer.get(path).await.is_unavailable(), "{path}");
    }
    server.obey("start");
    while peer.get("/readyz").await.status != 200 {
        yield_now().await;
    }
    let party = introduce(&sandbox, &node).await;
    Peer::at(&node, &party).tokens(EVERYTHING).await;
}

//! Two nodes on one database, a client, and Fred, who has allowed it everything.

use std::{
    fs::File,
    io::Write,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use alias_storage_postgres::testing::TestDatabase;
use serde_json::Value;

use crate::{
    peer::{Party, Peer, text},
    sandbox::{MASTER_KEY, Sandbox},
};

pub(crate) const EMAIL: &str = "fred@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const REDIRECT_URI: &str = "https://example.com/alias-callback";

/// How many come at once.
const RIVALS: usize = 50;

/// Everything that the client may ask for.
pub(crate) const EVERYTHING: &str =
    "scope=openid+offline_access+contact+nickname&channels=events+tips";

/// Two nodes on one database.
pub(crate) struct Cluster {
    // First, for the nodes end before their database.
    pub(crate) nodes: [Node; 2],
    pub(crate) sandbox: Sandbox,
    pub(crate) database: TestDatabase,
    pub(crate) party: Arc<Party>,
}

/// A running `aliasd serve`, killed when dropped.
pub(crate) struct Node {
    child: Child,
    pub(crate) address: String,
}

/// A folder whose programs work on this database.
pub(crate) fn place(url: &str) -> Sandbox {
    let mut sandbox = Sandbox::embedded();
    sandbox
        .set("ALIAS_DATABASE__URL", url)
        .set("ALIAS_KEYS__MASTER", MASTER_KEY)
        .set("ALIAS_HTTP__LISTEN", "127.0.0.1:0")
        .set("RUST_LOG", "error");
    sandbox
}

impl Node {
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::spawn(sandbox.command(&["serve", "--json"]), sandbox)
    }

    /// Its log goes to a file: nobody reads along, so a pipe would fill.
    fn spawn(mut serve: Command, sandbox: &Sandbox) -> Self {
        let path = sandbox.path().join("log");
        let log = File::options().create(true).append(true).open(&path);
        let mut child = serve
            .stderr(log.expect("a log"))
            .spawn()
            .expect("aliasd runs");
        let mut out = child.stdout.take().expect("standard output");
        let announced = serde_json::Deserializer::from_reader(&mut out)
            .into_iter::<Value>()
            .next();
        let Some(Ok(announced)) = announced else {
            let log = std::fs::read_to_string(path).unwrap_or_default();
            panic!("it did not start: {log}");
        };
        Self {
            child,
            address: text(&announced, "listening"),
        }
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it ran");
        self.child.wait().expect("it ends");
    }

    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Cluster {
    /// Fred has signed in at the first node, and has allowed everything there.
    pub(crate) async fn start() -> Self {
        let database = TestDatabase::migrated();
        let sandbox = place(&database.url());
        let nodes = [Node::start(&sandbox), Node::start(&sandbox)];
        let party = introduce(&sandbox, &nodes[0]).await;
        Self {
            nodes,
            sandbox,
            database,
            party,
        }
    }

    /// Fred's client and himself, over a connection of their own to each node.
    pub(crate) fn peers(&self) -> [Peer; 2] {
        [0, 1].map(|node| self.peer(node))
    }

    pub(crate) fn peer(&self, node: usize) -> Peer {
        Peer::at(&self.nodes[node], &self.party)
    }

    /// As many as come at once, turn about at both nodes, their connections open already.
    pub(crate) async fn rivals(&self) -> Vec<Peer> {
        let mut rivals = Vec::new();
        for number in 0..RIVALS {
            let rival = self.peer(number % 2);
            assert_eq!(rival.get("/livez").await.status, 200);
            rivals.push(rival);
        }
        rivals
    }

    /// What a command that must succeed prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.sandbox.json(arguments)
    }

    /// The first column of the first row that a query finds.
    pub(crate) fn ask(&self, query: &str) -> String {
        self.database.ask(query).unwrap_or_default()
    }
}

/// A client, and Fred, who signs in at a node and allows everything.
pub(crate) async fn introduce(sandbox: &Sandbox, node: &Node) -> Arc<Party> {
    let client = sandbox.json(&[
        "client",
        "create",
        "--name",
        "Example",
        "--redirect-uri",
        REDIRECT_URI,
        "--channel",
        "events=Events",
        "--channel",
        "tips=Tips",
    ]);
    create_user(sandbox, EMAIL);
    let party = Party {
        client_id: text(&client, "client_id"),
        client_secret: text(&client, "client_secret"),
        session: String::new(),
    };
    let newcomer = Peer::at(node, &Arc::new(party));
    let party = Arc::new(newcomer.signed_in(EMAIL, PASSWORD).await);
    let code = Peer::at(node, &party).approved(EVERYTHING).await;
    assert!(code.len() >= 40);
    party
}

pub(crate) fn create_user(sandbox: &Sandbox, email: &str) {
    let arguments = [
        "user",
        "create",
        "--password-stdin",
        "--nickname",
        "Fred",
        "--email",
        email,
    ];
    let mut child = sandbox
        .command(&arguments)
        .stdin(Stdio::piped())
        .spawn()
        .expect("aliasd runs");
    let mut stdin = child.stdin.take().expect("standard input");
    writeln!(stdin, "{PASSWORD}").expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
}

//! The program as all modules share it: over TLS, with the clients that the plans register.

use std::{
    io::{BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    authority::{Authority, Signed},
    browser::Person,
    relying_party::{AuthMethod, Client},
    store::TestStore,
};

/// 32 bytes of nothing: a master key for tests.
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Keeps the service running for as long as its own standard input is open, which is as long as
/// the process that started it lives, and leaves nothing behind.
const KEEPER: &str = r#"trap "" INT
"$0" --json serve & cat
kill -KILL $!; wait $!; rm -rf "$PWD""#;

const CALLBACK: &str = "https://leaving.example/callback";

/// The options of a client to which people come back from signing out.
const TAKES_BACK: [&str; 2] = [
    "--post-logout-redirect-uri",
    "https://leaving.example/post_logout_redirect",
];

/// The running service, and whom it knows.
pub(crate) struct Service {
    pub(crate) issuer: String,
    /// `client_secret_basic`, as most modules want it.
    pub(crate) basic: Client,
    /// Another one, whose redirect URI has a query.
    pub(crate) second: Client,
    /// `client_secret_post`.
    pub(crate) post: Client,
    /// One to which people come back from signing out.
    pub(crate) leaving: Client,
    address: SocketAddr,
    authority: Authority,
    folder: PathBuf,
    store: TestStore,
    /// With its standard input, which nobody writes to or closes.
    _keeper: Child,
}

impl Service {
    /// The one that all modules share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Service> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let folder = TempDir::new().expect("a folder").keep();
        let (store, authority) = (TestStore::chosen(), Authority::new());
        let signed = authority.sign("localhost");
        for (name, text) in [
            ("tls.pem", &signed.certificate),
            ("tls.key", &signed.key),
            ("ca.pem", &authority.pem()),
        ] {
            std::fs::write(folder.join(name), text).expect("a file to write");
        }
        // The issuer has the port, so it must be known before.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let issuer = format!("https://localhost:{}", address.port());

        run(&folder, &store, &["migrate"], "");
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let mut keeper = environment(Command::new("sh"), &folder, &store)
            .args(["-c", KEEPER, env!("CARGO_BIN_EXE_aliasd")])
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("ALIAS_ISSUER", &issuer)
            .env("ALIAS_HTTP__LISTEN", address.to_string())
            .env("ALIAS_HTTP__TLS__CERTIFICATE", "tls.pem")
            .env("ALIAS_HTTP__TLS__KEY", "tls.key")
            .env("ALIAS_OUTBOUND__ALLOW_PRIVATE", "127.0.0.0/8, ::1")
            .env("ALIAS_OUTBOUND__CA_FILE", "ca.pem")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("a shell");
        let out = BufReader::new(keeper.stdout.take().expect("its output"));
        let mut said = serde_json::Deserializer::from_reader(out).into_iter::<Value>();
        if !matches!(said.next(), Some(Ok(_))) {
            let log = std::fs::read_to_string(folder.join("log"));
            panic!("aliasd did not start: {}", log.unwrap_or_default());
        }

        let register = |name: &str, redirect_uri: &str, auth_method, options: &[&str]| {
            let create = registration(name, redirect_uri, auth_method, options);
            Client::registered(&run(&folder, &store, &create, ""), auth_method)
        };
        Self {
            basic: register(
                "First",
                "https://first.example/callback",
                AuthMethod::Basic,
                &[],
            ),
            second: register(
                "Second",
                "https://second.example/callback?dummy1=lorem&dummy2=ipsum",
                AuthMethod::Basic,
                &[],
            ),
            post: register(
                "Third",
                "https://third.example/callback",
                AuthMethod::Post,
                &[],
            ),
            leaving: register("Fourth", CALLBACK, AuthMethod::Basic, &TAKES_BACK),
            issuer,
            address,
            authority,
            folder,
            store,
            _keeper: keeper,
        }
    }

    /// Registers a client that is told when a session ends.
    pub(crate) fn told(&self, backchannel_logout_uri: &str) -> Client {
        let options = [
            &TAKES_BACK[..],
            &["--backchannel-logout-uri", backchannel_logout_uri],
        ]
        .concat();
        let create = registration("Fifth", CALLBACK, AuthMethod::Basic, &options);
        Client::registered(&self.cli(&create, ""), AuthMethod::Basic)
    }

    /// A certificate that the service trusts where it goes by itself.
    pub(crate) fn certificate(&self) -> Signed {
        self.authority.sign("localhost")
    }

    /// Somebody who has granted nothing yet.
    pub(crate) fn newcomer(&self) -> Person {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let person = Person {
            email: format!("person-{number}@example.com"),
            password: "correct horse battery".to_owned(),
        };
        let create = [
            "user",
            "create",
            "--email",
            &person.email,
            "--nickname",
            "Ines",
            "--password-stdin",
        ];
        self.cli(&create, &format!("{}\n", person.password));
        person
    }

    /// A client of HTTP that trusts the service's authority alone, and goes where it is told.
    pub(crate) fn http(&self) -> reqwest::Client {
        reqwest::Client::builder()
            .tls_certs_only([self.authority.root()])
            .resolve("localhost", self.address)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client")
    }

    /// What a command prints.
    pub(crate) fn cli(&self, arguments: &[&str], input: &str) -> Value {
        run(&self.folder, &self.store, arguments, input)
    }

    /// What a command says that must fail.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let mut command = environment(aliasd(), &self.folder, &self.store);
        let output = command.args(arguments).output().expect("aliasd runs");
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

fn registration<'a>(
    name: &'a str,
    redirect_uri: &'a str,
    auth_method: AuthMethod,
    options: &[&'a str],
) -> Vec<&'a str> {
    let create = ["client", "create", "--name", name];
    let redirect = ["--redirect-uri", redirect_uri];
    let method = ["--auth-method", auth_method.name()];
    [&create[..], &redirect, &method, options].concat()
}

fn aliasd() -> Command {
    Command::new(env!("CARGO_BIN_EXE_aliasd"))
}

fn environment(mut command: Command, folder: &Path, store: &TestStore) -> Command {
    command
        .current_dir(folder)
        .env_clear()
        .env("ALIAS_KEYS__MASTER", MASTER_KEY)
        .env("ALIAS_DATABASE__URL", store.url());
    command
}

fn run(folder: &Path, store: &TestStore, arguments: &[&str], input: &str) -> Value {
    let mut child = environment(aliasd(), folder, store)
        .arg("--json")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("aliasd runs");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "aliasd failed: {said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

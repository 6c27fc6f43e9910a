//! The program, running in a folder of its own.

use std::{
    io::{BufReader, pipe},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::Arc,
};

use alias_domain::ports::Store;
use serde_json::Value;
use tempfile::TempDir;

use crate::store::TestStore;

/// 32 bytes of nothing: a master key for tests.
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A running `aliasd`, stopped when dropped.
pub(crate) struct Running {
    child: Child,
    folder: TempDir,
    store: TestStore,
    variables: Vec<(&'static str, String)>,
    pub(crate) issuer: String,
    /// What it said on standard output once it listened.
    pub(crate) said: Value,
}

impl Running {
    /// `aliasd dev`, on free ports.
    pub(crate) fn dev() -> Self {
        let (folder, store) = (TempDir::new().expect("a folder"), TestStore::chosen());
        let (port, demo) = (free_port(), free_port());
        let mut command = aliasd(folder.path(), &store);
        command
            .args([
                "--json",
                "dev",
                "--demo-listen",
                &format!("127.0.0.1:{demo}"),
            ])
            .env("ALIAS_HTTP__LISTEN", format!("127.0.0.1:{port}"));
        let log = log_in(folder.path());
        Self::start(command, log, folder, store, port)
    }

    /// `aliasd serve`, on a free port and a fresh database.
    pub(crate) fn serve() -> Self {
        Self::serve_in(TempDir::new().expect("a folder"), TestStore::chosen(), &[])
    }

    /// `aliasd serve`, on a free port and the database of a folder or of this store, with these
    /// variables, which every other `aliasd` there gets too.
    pub(crate) fn serve_in(
        folder: TempDir,
        store: TestStore,
        variables: &[(&'static str, &str)],
    ) -> Self {
        let log = log_in(folder.path());
        Self::serve_logging_to(log, folder, store, variables)
    }

    /// The same on a fresh database, with a log that goes to a pipe whose other end is gone.
    pub(crate) fn serve_unheard(variables: &[(&'static str, &str)]) -> Self {
        let (reader, log) = pipe().expect("a pipe");
        drop(reader);
        let folder = TempDir::new().expect("a folder");
        Self::serve_logging_to(log.into(), folder, TestStore::chosen(), variables)
    }

    fn serve_logging_to(
        log: Stdio,
        folder: TempDir,
        store: TestStore,
        variables: &[(&'static str, &str)],
    ) -> Self {
        let port = free_port();
        let migrated = aliasd(folder.path(), &store).arg("migrate").output();
        succeeded(&migrated.expect("aliasd runs"));
        let mut command = serving(folder.path(), &store, port);
        command.envs(variables.iter().copied());
        let mut running = Self::start(command, log, folder, store, port);
        let owned = |&(name, value): &(_, &str)| (name, value.to_owned());
        running.variables = variables.iter().map(owned).collect();
        running
    }

    /// Stops it, has an empty store take in everything that it keeps, and starts it there, at the
    /// same address. What the import printed.
    pub(crate) fn move_to(&mut self, store: TestStore) -> Value {
        self.stop();
        let from = self.store.url();
        self.store = store;
        let imported = self.cli(&["import", "--from", &from], "");
        self.start_again();
        imported
    }

    /// Starts it after it was stopped, at the same address.
    pub(crate) fn start_again(&mut self) {
        let port = self
            .issuer
            .rsplit(':')
            .next()
            .and_then(|it| it.parse().ok());
        let command = serving(self.folder.path(), &self.store, port.expect("a port"));
        let folder = self.folder.path();
        (self.child, self.said) = spawned(command, log_in(folder), folder);
    }

    /// What it keeps, beside it.
    pub(crate) async fn open_store(&self) -> Arc<dyn Store> {
        self.store.open(self.folder.path()).await
    }

    /// Tells it to stop, and waits until it has, as it should.
    pub(crate) fn stop(&mut self) {
        let told = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(told.expect("kill runs").success());
        assert!(self.child.wait().expect("an end").success());
    }

    fn start(command: Command, log: Stdio, folder: TempDir, store: TestStore, port: u16) -> Self {
        let (child, said) = spawned(command, log, folder.path());
        let issuer = format!("http://localhost:{port}");
        Self {
            child,
            folder,
            store,
            variables: Vec::new(),
            issuer,
            said,
        }
    }

    pub(crate) fn said(&self, name: &str) -> &str {
        self.said[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name} is missing"))
    }

    /// Another `aliasd` on the same database: what it prints, as JSON.
    pub(crate) fn cli(&self, arguments: &[&str], input: &str) -> Value {
        let mut child = aliasd(self.folder.path(), &self.store)
            .arg("--json")
            .args(arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("aliasd runs");
        let mut stdin = child.stdin.take().expect("its input");
        std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        succeeded(&output);
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// What it wrote to its log so far.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read(self.folder.path().join("log")).expect("a log");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Everything that it wrote to its log and its database so far, as bytes.
    pub(crate) fn left_behind(&self) -> Vec<u8> {
        let mut bytes = std::fs::read(self.folder.path().join("log")).expect("a log");
        bytes.extend(self.store.bytes(self.folder.path()));
        bytes
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A log for each thing that happens, so that a test can tell what must not be in it.
fn aliasd(folder: &Path, store: &TestStore) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aliasd"));
    command
        .current_dir(folder)
        .env_clear()
        .env("RUST_LOG", "trace")
        .env("ALIAS_KEYS__MASTER", MASTER_KEY)
        .env("ALIAS_DATABASE__URL", store.url())
        .stdin(Stdio::null());
    command
}

fn serving(folder: &Path, store: &TestStore, port: u16) -> Command {
    let mut command = aliasd(folder, store);
    command
        .args(["--json", "serve"])
        .env("ALIAS_ISSUER", format!("http://localhost:{port}"))
        .env("ALIAS_HTTP__LISTEN", format!("127.0.0.1:{port}"))
        .env("ALIAS_HTTP__DRAIN_DELAY", "0s");
    command
}

fn log_in(folder: &Path) -> Stdio {
    let log = std::fs::File::create(folder.join("log"));
    log.expect("a log").into()
}

/// A program that said on standard output that it listens, and what it said.
fn spawned(mut command: Command, log: Stdio, folder: &Path) -> (Child, Value) {
    command.stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn().expect("aliasd runs");
    let out = child.stdout.take().expect("its output");
    let Some(said) = first_json(out) else {
        let log = std::fs::read_to_string(folder.join("log"));
        panic!("aliasd did not start: {}", log.unwrap_or_default());
    };
    (child, said)
}

fn succeeded(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "aliasd failed: {said}");
}

/// The first JSON value of a stream, or `None` if it ends before.
fn first_json(out: ChildStdout) -> Option<Value> {
    let values = serde_json::Deserializer::from_reader(BufReader::new(out));
    values.into_iter().next()?.ok()
}

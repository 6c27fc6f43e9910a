//! The program in a folder of its own, as an operator runs it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use alias_domain::ports::Store;
use alias_storage_postgres::testing::TestDatabase;

use serde_json::Value;
use tempfile::TempDir;

use crate::store::TestStore;

/// 32 bytes as base64url.
pub(crate) const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A folder in which the program runs, with an environment of its own.
pub(crate) struct Sandbox {
    folder: TempDir,
    variables: Vec<(String, String)>,
    store: TestStore,
}

/// What a command did.
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Sandbox {
    /// On the store that the tests run on.
    pub(crate) fn new() -> Self {
        Self::on(TestStore::chosen())
    }

    /// On the embedded store, for what is about its file.
    pub(crate) fn embedded() -> Self {
        Self::on(TestStore::Sqlite)
    }

    /// On a database of PostgreSQL.
    pub(crate) fn postgres(database: TestDatabase) -> Self {
        Self::on(TestStore::Postgres(database))
    }

    fn on(store: TestStore) -> Self {
        let variables = match store {
            TestStore::Sqlite => Vec::new(),
            TestStore::Postgres(_) => vec![("ALIAS_DATABASE__URL".to_owned(), store.url())],
        };
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            variables,
            store,
        }
    }

    /// What the program keeps, beside it.
    pub(crate) async fn open_store(&self) -> Arc<dyn Store> {
        self.store.open(self.path()).await
    }

    /// Everything that its database holds.
    pub(crate) fn stored_bytes(&self) -> Vec<u8> {
        self.store.bytes(self.path())
    }

    /// With a database.
    pub(crate) fn migrated() -> Self {
        let sandbox = Self::new();
        sandbox.run(&["migrate"]).succeeded();
        sandbox
    }

    /// Sets a variable for every later command.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file to write");
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_aliasd"), arguments)
    }

    /// Commands that a document has, as whoever follows it types them.
    pub(crate) fn follow(&self, commands: &str) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_aliasd"));
        let folder = program.parent().expect("a folder");
        self.program("/bin/sh", &["-euc", commands])
            .env("PATH", folder)
            .output()
            .expect("a shell runs")
            .into()
    }

    /// A program of the system, in the place and with the variables of this sandbox, that runs a command.
    pub(crate) fn system(&self, program: &str) -> Command {
        let mut command = self.program(program, &[]);
        command.env("PATH", std::env::var_os("PATH").expect("a path"));
        command
    }

    fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments)
            .output()
            .expect("aliasd runs")
            .into()
    }

    /// The same, where this many files may be open.
    pub(crate) fn run_with_files(&self, files: u32, arguments: &[&str]) -> Ran {
        let mut command = self.through(&format!("ulimit -n {files}"), arguments);
        command.output().expect("aliasd runs").into()
    }

    /// A command that a shell runs after this one.
    fn through(&self, shell: &str, arguments: &[&str]) -> Command {
        let script = format!("{shell} && exec \"$0\" \"$@\"");
        let program = env!("CARGO_BIN_EXE_aliasd");
        self.program("/bin/sh", &[&["-c", &script, program], arguments].concat())
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        Self::given(self.command(arguments), input)
    }

    /// What a command is refused with whose standard output is a full disk.
    #[track_caller]
    pub(crate) fn on_a_full_disk(&self, arguments: &[&str], input: &[u8]) -> String {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let mut command = self.command(arguments);
        command.stdout(full.expect("Linux has it"));
        Self::given(command, input).refused()
    }

    fn given(mut command: Command, input: &[u8]) -> Ran {
        let mut child = command.stdin(Stdio::piped()).spawn().expect("aliasd runs");
        let mut stdin = child.stdin.take().expect("standard input");
        // A command that refuses before it reads has closed its end.
        let _ = stdin.write_all(input);
        drop(stdin);
        child.wait_with_output().expect("aliasd ends").into()
    }

    /// What a command that must succeed prints with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_str(&ran.succeeded().out).expect("one JSON value")
    }

    /// Starts what keeps running, and waits for the JSON object by which it says that it listens.
    pub(crate) fn start(&self, arguments: &[&str]) -> (Running, Value) {
        self.start_logging_to(Stdio::piped(), arguments)
    }

    /// The same, with another standard error than one that the test reads.
    pub(crate) fn start_logging_to(&self, log: Stdio, arguments: &[&str]) -> (Running, Value) {
        let mut command = self.command(&[arguments, &["--json"]].concat());
        command.stderr(log);
        Self::started(command)
    }

    /// The same, where this many files may be open.
    pub(crate) fn start_with_files(&self, files: u32, arguments: &[&str]) -> (Running, Value) {
        self.start_through(&format!("ulimit -n {files}"), arguments)
    }

    /// The same, after what this does to the shell that it is started from.
    pub(crate) fn start_through(&self, shell: &str, arguments: &[&str]) -> (Running, Value) {
        Self::started(self.through(shell, &[arguments, &["--json"]].concat()))
    }

    fn started(mut command: Command) -> (Running, Value) {
        let mut child = command.spawn().expect("aliasd runs");
        let mut out = child.stdout.take().expect("standard output");
        let announced = serde_json::Deserializer::from_reader(&mut out)
            .into_iter::<Value>()
            .next();
        let running = Running::of(child);
        match announced {
            Some(Ok(announced)) => (running, announced),
            _ => panic!("it did not start: {}", running.stopped().err),
        }
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.status, Some(0), "{}", self.err);
        self
    }

    /// The one line that an error is.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.out, "");
        self.failed()
    }

    /// The same, whatever it printed before.
    #[track_caller]
    pub(crate) fn failed(self) -> String {
        assert_eq!(self.status, Some(1), "{}{}", self.out, self.err);
        let line = self.err.strip_suffix('\n').expect("a line");
        assert!(!line.contains('\n'), "one line: {line}");
        line.strip_prefix("aliasd: ")
            .expect("who speaks")
            .to_owned()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            status: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// A service that is killed when the test ends, unless it was stopped.
pub(crate) struct Running {
    child: Child,
    log: BufReader<Box<dyn Read>>,
    /// What of the log has been read so far.
    logged: String,
}

impl Running {
    /// What this starts, whatever it says.
    pub(crate) fn spawned(mut command: Command) -> Self {
        Self::of(command.spawn().expect("aliasd runs"))
    }

    fn of(mut child: Child) -> Self {
        let log: Box<dyn Read> = match child.stderr.take() {
            Some(log) => Box::new(log),
            None => Box::new(std::io::empty()),
        };
        Self {
            child,
            log: BufReader::new(log),
            logged: String::new(),
        }
    }

    /// The limits that it runs under, as Linux shows them.
    pub(crate) fn limits(&self) -> String {
        self.process("limits")
    }

    /// The most memory that it has had so far, in KiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = self.process("status");
        let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|it| it.split_whitespace().next()?.parse().ok());
        peak.expect("a number")
    }

    fn process(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.child.id());
        std::fs::read_to_string(path).expect("what Linux shows")
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn stop(self) -> Ran {
        self.signal("TERM");
        self.stopped()
    }

    pub(crate) fn signal(&self, name: &str) {
        let told = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(told.success());
    }

    /// Waits until it logs this, and gives the whole line.
    pub(crate) fn logs(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).expect("UTF-8");
            assert_ne!(read, 0, "never logged {message:?}: {}", self.logged);
            self.logged.push_str(&line);
            let line: Value = serde_json::from_str(&line).expect("a JSON log line");
            if line["fields"]["message"] == message {
                return line;
            }
        }
    }

    /// Waits until it logs a line with a mark in it, and returns the line.
    pub(crate) fn logged(&mut self, mark: &str) -> String {
        let mut lines = self.log.by_ref().lines();
        let line = lines.find(|it| it.as_ref().is_ok_and(|it| it.contains(mark)));
        line.and_then(Result::ok).expect("it logs that")
    }

    /// Tells it to stop, and waits for so long, whether its log is read or not.
    pub(crate) fn stop_within(mut self, patience: Duration) -> Ran {
        self.signal("TERM");
        let told = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return Ran {
                    status: status.code(),
                    out: String::new(),
                    err: String::new(),
                };
            }
            assert!(told.elapsed() < patience, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it has ended.
    pub(crate) fn stopped(mut self) -> Ran {
        self.log.read_to_string(&mut self.logged).expect("UTF-8");
        let status = self.child.wait().expect("an end");
        Ran {
            status: status.code(),
            out: String::new(),
            err: std::mem::take(&mut self.logged),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// With all that `serve` needs, on a port that it finds itself.
pub(crate) fn ready_to_serve() -> Sandbox {
    let mut sandbox = Sandbox::migrated();
    sandbox
        .set("ALIAS_KEYS__MASTER", MASTER_KEY)
        .set("ALIAS_HTTP__LISTEN", "127.0.0.1:0")
        .set("ALIAS_HTTP__DRAIN_DELAY", "0s");
    sandbox
}

/// A loopback address that nobody listens on now.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

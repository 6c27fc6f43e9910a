//! A log that cannot be written, or is not read, costs lines and nothing else.

use std::{
    fs::File,
    io::{Read, pipe},
    process::Stdio,
    time::Duration,
};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::sandbox::{MASTER_KEY, Running, Sandbox, free_address, ready_to_serve};

/// Far longer than an answer or an end takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// With every answer in its log, and an address for those who watch.
fn talkative(mut sandbox: Sandbox) -> Sandbox {
    sandbox
        .set("RUST_LOG", "info,alias_http=debug")
        .set("ALIAS_HTTP__INTERNAL_LISTEN", "127.0.0.1:0");
    sandbox
}

/// The same on the embedded store.
pub(crate) fn embedded() -> Sandbox {
    let mut sandbox = Sandbox::embedded();
    sandbox.run(&["migrate"]).succeeded();
    sandbox
        .set("ALIAS_KEYS__MASTER", MASTER_KEY)
        .set("ALIAS_HTTP__LISTEN", "127.0.0.1:0")
        .set("ALIAS_HTTP__DRAIN_DELAY", "0s");
    talkative(sandbox)
}

/// A pipe without a reader.
fn unheard() -> Stdio {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

struct Service {
    running: Running,
    public: String,
    internal: String,
    http: reqwest::Client,
}

impl Service {
    fn start(sandbox: &Sandbox, log: Stdio) -> Self {
        Self::of(sandbox.start_logging_to(log, &["serve"]))
    }

    fn of((running, announced): (Running, Value)) -> Self {
        let address = |name: &str| announced[name].as_str().expect("an address").to_owned();
        Self {
            running,
            public: address("listening"),
            internal: address("internal"),
            http: reqwest::Client::builder()
                .timeout(PATIENCE)
                .build()
                .expect("a client"),
        }
    }

    async fn get(&self, path: &str) -> u16 {
        let answer = self.http.get(format!("http://{}{path}", self.public));
        answer.send().await.expect("an answer").status().as_u16()
    }

    async fn sign_in(&self, password: &str) -> u16 {
        let credentials = json!({ "email": "fred@example.com", "password": password });
        let answer = self
            .http
            .post(format!("http://{}/api/session", self.public))
            .json(&credentials);
        answer.send().await.expect("an answer").status().as_u16()
    }

    /// The value of a metric without labels.
    async fn measured(&self, metric: &str) -> u64 {
        let answer = self.http.get(format!("http://{}/metrics", self.internal));
        let text = answer.send().await.expect("an answer").text().await;
        let text = text.expect("a body");
        let line = text.lines().find_map(|it| it.strip_prefix(metric));
        let value = line.unwrap_or_else(|| panic!("{metric} is missing: {text}"));
        value.trim().parse().expect("a number")
    }

    fn stop(self) {
        self.running.stop_within(PATIENCE).succeeded();
    }
}

const LOST: &str = "alias_log_lines_lost_total ";

#[tokio::test]
async fn a_log_whose_reader_is_gone_loses_lines_and_nothing_else() {
    let sandbox = talkative(ready_to_serve());
    let service = Service::start(&sandbox, unheard());
    for _ in 0..20 {
        assert_eq!(service.get("/sign-in").await, 200);
    }
    assert_eq!(service.sign_in("a guess").await, 401);
    assert!(service.measured(LOST).await > 20);
    assert_eq!(service.measured("alias_panics_total ").await, 0);
    service.stop();
}

/// Beyond its limit of a file's size, a process is ended by a signal unless it minds.
#[tokio::test]
async fn a_log_that_may_not_grow_loses_lines_and_nothing_else() {
    const LIMIT: u64 = 16 * 1024 * 1024;
    let sandbox = embedded();
    let log = File::create(sandbox.path().join("log")).expect("a new file");
    log.set_len(LIMIT - 2000).expect("room for a few lines");
    // In blocks of 512 bytes, as POSIX has it.
    let shell = format!("ulimit -f {}; exec 2>>log", LIMIT / 512);
    let service = Service::of(sandbox.start_through(&shell, &["serve"]));
    for _ in 0..20 {
        assert_eq!(service.get("/sign-in").await, 200);
    }
    assert!(service.measured(LOST).await > 0);
    service.stop();
}

#[tokio::test]
async fn a_log_on_a_full_disk_stops_no_thread_of_the_store() {
    let sandbox = embedded();
    let create = ["user", "create", "--email", "fred@example.com"];
    let create = [&create[..], &["--password-stdin"]].concat();
    let password = "correct horse battery";
    sandbox
        .run_with_input(&create, format!("{password}\n").as_bytes())
        .succeeded();
    let full = File::options().write(true).open("/dev/full");
    let service = Service::start(&sandbox, full.expect("a full disk").into());

    // While another process keeps the file, nothing can be written, which the writer's thread logs.
    let other = Connection::open(sandbox.path().join(".alias/alias.db")).expect("the database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    assert_eq!(service.sign_in(password).await, 503);
    other.execute_batch("ROLLBACK").expect("the lock is free");
    assert_eq!(service.sign_in(password).await, 200);
    assert!(service.measured(LOST).await > 0);
    service.stop();
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_neither_requests_nor_the_end() {
    let mut sandbox = talkative(ready_to_serve());
    sandbox.set("RUST_LOG", "trace");
    let (reader, writer) = pipe().expect("a pipe");
    let service = Service::start(&sandbox, writer.into());
    // Far more than a pipe holds.
    for _ in 0..100 {
        let ten = std::array::from_fn::<_, 10, _>(|_| service.get("/sign-in"));
        assert_eq!(futures_util::future::join_all(ten).await, [200; 10]);
    }
    service.stop();
    drop(reader);
}

#[tokio::test]
async fn once_a_log_is_read_again_a_line_says_how_many_were_lost() {
    let sandbox = talkative(ready_to_serve());
    let (mut reader, writer) = pipe().expect("a pipe");
    let service = Service::start(&sandbox, writer.into());
    let mut asked = 0;
    while service.measured(LOST).await == 0 {
        let many = std::array::from_fn::<_, 64, _>(|_| service.get("/livez"));
        futures_util::future::join_all(many).await;
        asked += 64;
        assert!(asked < 100_000, "nothing was lost of {asked} lines");
    }
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).expect("UTF-8");
        log
    });
    // The first lines that are written again make it known.
    let said = async {
        while service.get("/sign-in").await == 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if log.is_finished() {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), said).await;
    let lost = service.measured(LOST).await;
    service.stop();
    let log = log.join().expect("a log");
    let lines = log.lines().map(serde_json::from_str::<Value>);
    let lines: Vec<Value> = lines.map(|it| it.expect("a whole line")).collect();
    let message = "lines of the log were lost";
    let mut told = lines.iter().filter(|it| it["fields"]["message"] == message);
    let told = told.next_back().expect("what was lost is told");
    assert_eq!(told["fields"]["in_all"], lost, "{told}");
}

#[tokio::test]
async fn an_output_that_nobody_reads_is_no_reason_to_end() {
    let sandbox = ready_to_serve();
    let mut command = sandbox.command(&["serve", "--json"]);
    command.stdout(unheard());
    let mut running = Running::spawned(command);
    let line = running.logs("listening");
    let address = line["fields"]["address"].as_str().expect("an address");
    let ready = reqwest::get(format!("http://{address}/readyz")).await;
    assert_eq!(ready.expect("an answer").status(), 200);
    running.stop().succeeded();
}

#[tokio::test]
async fn a_bare_level_is_for_alias_alone_and_the_dependencies_speak_when_they_are_named() {
    for (filter, speaks) in [
        ("trace", false),
        ("debug", false),
        ("trace,alias_http=info", false),
        ("debug,actix_web=trace,actix_server=trace,mio=trace", true),
    ] {
        let mut sandbox = ready_to_serve();
        sandbox.set("RUST_LOG", filter);
        let (running, announced) = sandbox.start(&["serve"]);
        let address = announced["listening"].as_str().expect("an address");
        let answer = reqwest::get(format!("http://{address}/sign-in")).await;
        assert_eq!(answer.expect("an answer").status(), 200);
        let log = running.stop().succeeded().err;
        let lines = log.lines().map(serde_json::from_str::<Value>);
        let strangers = lines.map(|it| it.expect("a JSON log line")).filter(|it| {
            let target = it["target"].as_str().unwrap_or_default();
            let detail = it["level"] == "DEBUG" || it["level"] == "TRACE";
            detail && !target.starts_with("alias")
        });
        assert_eq!(strangers.count() > 0, speaks, "{filter}: {log}");
    }
}

#[test]
fn a_filter_that_makes_no_sense_is_named_and_the_usual_one_serves() {
    for filter in ["info,alias_http=loud", ""] {
        let mut sandbox = ready_to_serve();
        sandbox.set("RUST_LOG", filter);
        let (running, _) = sandbox.start(&["serve"]);
        let log = running.stop().succeeded().err;
        assert!(log.contains("\"listening\""), "{log}");
        assert_eq!(log.contains("RUST_LOG"), !filter.is_empty(), "{log}");
    }
}

#[test]
fn dev_warns_where_others_can_reach_it_that_its_password_is_known() {
    for (listen, demo, warns) in [
        ("127.0.0.1", "127.0.0.1", false),
        ("[::1]", "127.0.0.1", false),
        ("0.0.0.0", "127.0.0.1", true),
        ("127.0.0.1", "0.0.0.0", true),
    ] {
        let on = |ip: &str| {
            let address = free_address();
            address.replace("127.0.0.1", ip)
        };
        let mut sandbox = Sandbox::new();
        sandbox.set("ALIAS_HTTP__LISTEN", &on(listen));
        let (running, _) = sandbox.start(&["dev", "--demo-listen", &on(demo)]);
        let log = running.stop().succeeded().err;
        let warning = "everybody knows the demo user's password";
        assert_eq!(log.contains(warning), warns, "{listen} {demo}: {log}");
    }
}

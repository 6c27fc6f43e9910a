//! Connections to the program as it is run: many, under a limit of open files, and floods.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::Value;

use crate::sandbox::{Running, Sandbox, ready_to_serve};

/// Stands for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves where there may be so many open files.
fn serve_with_files(sandbox: &Sandbox, files: u32) -> (Running, SocketAddr) {
    let (running, announced) = sandbox.start_with_files(files, &["serve"]);
    let address = announced["listening"].as_str().expect("an address");
    (running, address.parse().expect("an address"))
}

/// This program needs more files than are usual.
fn may_open(files: u64) {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    if soft < files {
        setrlimit(Resource::RLIMIT_NOFILE, files, hard).expect("more files");
    }
}

fn connected(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream
}

/// Opens connections which send this and wait. One that gave way already takes nothing.
fn stalled(address: SocketAddr, count: usize, sent: &[u8]) -> Vec<TcpStream> {
    let stall = |_| {
        let mut stream = connected(address);
        let _ = stream.write(sent);
        stream
    };
    (0..count).map(stall).collect()
}

/// Asks on a connection of its own: the whole answer.
fn asked(address: SocketAddr, path: &str) -> String {
    let mut stream = connected(address);
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Whether the process lives: the status line.
fn live(address: SocketAddr) -> String {
    let answer = asked(address, "/livez");
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn an_honest_request_is_served_among_stalled_connections_beyond_the_limit_of_open_files() {
    may_open(4096);
    let mut sandbox = ready_to_serve();
    sandbox.set("ALIAS_HTTP__INTERNAL_LISTEN", "127.0.0.1:0");
    let (mut running, announced) = sandbox.start_with_files(1024, &["serve"]);
    let address = |name: &str| -> SocketAddr {
        let address = announced[name].as_str().expect("an address");
        address.parse().expect("an address")
    };
    let warned =
        running.logs("fewer connections than http.connections says: raise the limit of open files");
    let connections = warned["fields"]["connections"].as_u64().expect("a number");
    assert!((700..1024).contains(&connections), "{connections}");

    let body = b"POST /api/session HTTP/1.1\r\nhost: localhost\r\n\
                 transfer-encoding: chunked\r\n\r\n5\r\n{";
    let held = stalled(address("listening"), 1_100, body);
    let answer = asked(address("listening"), "/.well-known/openid-configuration");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(live(address("internal")), "HTTP/1.1 200 OK");
    // It had not to wait until one of the others was ended for its body.
    let metrics = asked(address("internal"), "/metrics");
    let given_way = metrics
        .lines()
        .find_map(|it| it.strip_prefix("alias_http_connections_ended_total{cause=\"full\"} "));
    let given_way: u64 = given_way.expect("there").parse().expect("a number");
    assert!(given_way > 100, "{given_way}");
    drop(held);
    running.stop().succeeded();
}

#[test]
fn a_flood_of_pipelined_requests_leaves_room_and_memory_for_others() {
    may_open(4096);
    let sandbox = ready_to_serve();
    let (running, address) = serve_with_files(&sandbox, 1024);
    let flood = b"GET /sign-in HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(2_000);
    let floods: Vec<_> = (0..100)
        .map(|_| {
            let (mut stream, flood) = (connected(address), flood.clone());
            stream
                .set_write_timeout(Some(PATIENCE))
                .expect("a time-out");
            // Nobody reads the answers; so it ends before it is all written, or after.
            std::thread::spawn(move || stream.write_all(&flood).map(|()| stream))
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(live(address), "HTTP/1.1 200 OK");
    }
    let mebibytes = running.peak_memory() / 1024;
    assert!(mebibytes < 128, "{mebibytes} MiB");
    drop(floods);
    running.stop().succeeded();
}

#[test]
fn a_limit_of_open_files_that_is_too_low_is_named_with_its_remedy() {
    let mut sandbox = ready_to_serve();
    let refused = |sandbox: &Sandbox, files| sandbox.run_with_files(files, &["serve"]).refused();
    let said = refused(&sandbox, 128);
    assert!(said.starts_with("http.connections: 16 need "), "{said}");
    assert!(
        said.contains("the limit is 128: raise it (LimitNOFILE"),
        "{said}"
    );

    sandbox.set("ALIAS_HTTP__CONNECTIONS", "2000");
    let said = refused(&sandbox, 1024);
    assert!(said.starts_with("http.connections: 2000 need "), "{said}");
}

#[test]
fn the_soft_limit_of_open_files_is_raised_to_what_is_needed() {
    let mut sandbox = ready_to_serve();
    sandbox.set("ALIAS_HTTP__CONNECTIONS", "500");
    let (running, _) = sandbox.start_through("ulimit -Sn 256", &["serve"]);
    let limits = running.limits();
    let line = limits.lines().find(|it| it.starts_with("Max open files"));
    let soft = line.and_then(|it| it.split_whitespace().nth(3)?.parse::<u64>().ok());
    assert!(soft.is_some_and(|it| it >= 500), "{limits}");
    running.stop().succeeded();
}

#[test]
fn http_settings_of_connections_are_shown_and_checked() {
    let mut sandbox = ready_to_serve();
    let shown: Value = sandbox.json(&["config"]);
    assert_eq!(shown["http.keep_alive"]["value"], "75s");
    assert_eq!(shown["http.connections"]["value"], "4096");
    sandbox.set("ALIAS_HTTP__CONNECTIONS", "many");
    assert_eq!(
        sandbox.run(&["config"]).failed(),
        "http.connections (ALIAS_HTTP__CONNECTIONS): a number from 16 to 100000 is expected"
    );
}

#[test]
fn an_idle_connection_is_closed_after_the_time_that_is_set() {
    let mut sandbox = ready_to_serve();
    sandbox.set("ALIAS_HTTP__KEEP_ALIVE", "1s");
    let (running, announced) = sandbox.start(&["serve"]);
    let address = announced["listening"].as_str().expect("an address");
    let mut stream = connected(address.parse().expect("an address"));
    let asked = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(asked).expect("written");
    let (begun, mut answer) = (Instant::now(), String::new());
    stream.read_to_string(&mut answer).expect("an end");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(begun.elapsed() >= Duration::from_millis(900), "too soon");
    running.stop().succeeded();
}

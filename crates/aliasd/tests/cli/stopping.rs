use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, ready_to_serve};

/// Ready to serve, with an address for those who watch.
fn watched(drain_delay: &str) -> Sandbox {
    let mut sandbox = ready_to_serve();
    sandbox
        .set("ALIAS_HTTP__INTERNAL_LISTEN", "127.0.0.1:0")
        .set("ALIAS_HTTP__DRAIN_DELAY", drain_delay);
    sandbox
}

fn address(announced: &Value, name: &str) -> SocketAddr {
    let address = announced[name].as_str().expect("an address");
    address.parse().expect("an address")
}

async fn readiness(internal: SocketAddr) -> (u16, Value) {
    let answer = reqwest::get(format!("http://{internal}/readyz")).await;
    let answer = answer.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn stopping() -> (u16, Value) {
    (503, json!({ "status": "stopping" }))
}

/// A request whose handler waits for the rest of its body.
struct InFlight(BufReader<TcpStream>);

impl InFlight {
    fn begin(public: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(public).expect("a connection");
        let head = "POST /api/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                    content-length: 2\r\nexpect: 100-continue\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("written");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        // From here on it is being answered.
        stream.read_line(&mut line).expect("a line");
        assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
        stream.read_line(&mut line).expect("a line");
        Self(stream)
    }

    /// Sends the rest, and gives the answer.
    fn finish(mut self) -> String {
        self.0.get_mut().write_all(b"{}").expect("written");
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

/// Tries until nobody listens any more.
fn await_refusal(public: SocketAddr) {
    loop {
        match TcpStream::connect(public) {
            Ok(_) => std::thread::yield_now(),
            Err(error) => return assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
        }
    }
}

#[tokio::test]
async fn a_request_in_flight_is_answered_after_everybody_was_told_and_nobody_comes_any_more() {
    let sandbox = watched("0s");
    let (mut running, announced) = sandbox.start(&["serve"]);
    let (public, internal) = (
        address(&announced, "listening"),
        address(&announced, "internal"),
    );
    assert_eq!(readiness(internal).await.0, 200);
    let request = InFlight::begin(public);

    running.signal("TERM");
    running.logs("stopping; once more stops at once");
    assert_eq!(readiness(internal).await, stopping());
    await_refusal(public);
    assert_eq!(readiness(internal).await, stopping(), "still watched");

    let answer = request.finish();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("invalid_request"), "{answer}");
    running.stopped().succeeded();
    await_refusal(internal);
}

#[tokio::test]
async fn until_the_delay_is_over_requests_are_served_and_a_second_signal_ends_it() {
    let sandbox = watched("1h");
    let (mut running, announced) = sandbox.start(&["serve"]);
    let (public, internal) = (
        address(&announced, "listening"),
        address(&announced, "internal"),
    );
    let _waits = InFlight::begin(public);
    running.signal("INT");
    running.logs("stopping; once more stops at once");
    assert_eq!(readiness(internal).await, stopping());
    let page = reqwest::get(format!("http://{public}/sign-in")).await;
    assert_eq!(page.expect("a page").status(), 200);

    running.stop().succeeded();
    await_refusal(public);
}

//! Connections that wait for their peer, over real sockets: what stalls, floods or reads nothing.
//!
//! The bounds are short here, so that they are seen. A test that waits for an end waits for
//! `PATIENCE`, which stands for ever.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::rt::task::spawn_blocking;
use alias_domain::testing::MemoryStore;
use alias_http::{Bound, Bounds, Door, Public, Tls};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};

use crate::{
    support::{ports, public, running, service},
    tls::SelfSigned,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Far shorter than in life, but for what a test is not about.
fn brief() -> Bounds {
    Bounds {
        head: Duration::from_secs(2),
        body: Duration::from_millis(300),
        write: Duration::from_millis(500),
        linger: Duration::from_secs(1),
        ..Bounds::default()
    }
}

fn serving(bounds: Bounds) -> SocketAddr {
    serving_over(None, bounds)
}

fn serving_over(tls: Option<Tls>, bounds: Bounds) -> SocketAddr {
    let door = Door::closed("not yet");
    door.open(service(ports(Arc::new(MemoryStore::default()))));
    let public = Public {
        tls,
        bounds,
        ..public()
    };
    running(Bound::public(door, public))
}

/// What a test does at its end of connections, while the service runs.
async fn meanwhile<T: Send + 'static>(peer: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(peer).await.expect("a peer that succeeds")
}

fn connected(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    let patient = Some(PATIENCE);
    stream.set_read_timeout(patient).expect("a time-out");
    stream.set_write_timeout(patient).expect("a time-out");
    stream
}

trait Peer: Read + Write {}
impl<T: Read + Write> Peer for T {}

/// A connection in plain HTTP, or one over TLS.
fn peer(address: SocketAddr, tls: bool) -> Box<dyn Peer> {
    let stream = connected(address);
    if !tls {
        return Box::new(stream);
    }
    let mut connector = SslConnector::builder(SslMethod::tls_client()).expect("a connector");
    connector.set_verify(SslVerifyMode::NONE);
    let connected = connector.build().connect("localhost", stream);
    Box::new(connected.expect("a handshake"))
}

/// All that comes until the connection ends.
#[track_caller]
fn until_the_end(stream: &mut impl Read) -> String {
    let (mut all, mut some) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(length) => all.extend_from_slice(&some[..length]),
            Err(error) if is_hanging(&error) => panic!("it never ends"),
            // Torn off is ended, too.
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn is_hanging(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// One answer with a body of announced length, which leaves the connection as it is.
#[track_caller]
fn answer(stream: &mut impl Read) -> String {
    let (mut all, mut byte) = (Vec::new(), [0; 1]);
    let mut next = |all: &mut Vec<u8>| {
        stream.read_exact(&mut byte).expect("an answer");
        all.push(byte[0]);
    };
    while !all.ends_with(b"\r\n\r\n") {
        next(&mut all);
    }
    let head = String::from_utf8_lossy(&all).to_lowercase();
    let length = head.split("content-length: ").nth(1);
    let length = length.and_then(|it| it.split("\r\n").next()?.parse().ok());
    for _ in 0..length.unwrap_or(0) {
        next(&mut all);
    }
    String::from_utf8_lossy(&all).into_owned()
}

const LIVE: &str = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// The head of a request with a body.
fn post(path: &str, length: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{length}\r\n\r\n"
    )
}

const CHUNKED: &str = "transfer-encoding: chunked";

fn is_live(address: SocketAddr) -> bool {
    let mut stream = connected(address);
    stream.write_all(LIVE.as_bytes()).expect("written");
    answer(&mut stream).starts_with("HTTP/1.1 200 ")
}

#[actix_web::test]
async fn a_body_that_stalls_is_answered_and_its_connection_ends() {
    let plain = serving(brief());
    let encrypted = serving_over(Some(Tls::new(SelfSigned::new().identity())), brief());
    meanwhile(move || {
        for (address, tls) in [(plain, false), (encrypted, true)] {
            for path in ["/api/session", "/api/grants", "/nonsense", "/livez"] {
                for (length, part) in [(CHUNKED, "5\r\n{\"a"), ("content-length: 9", "{\"a")] {
                    let mut stream = peer(address, tls);
                    let sent = post(path, length) + part;
                    stream.write_all(sent.as_bytes()).expect("written");
                    let answer = until_the_end(&mut stream);
                    assert!(
                        answer.starts_with("HTTP/1.1 4"),
                        "{path} {length}: {answer}"
                    );
                    assert!(answer.contains("connection: close\r\n"), "{answer}");
                }
            }
        }
    })
    .await;
}

#[actix_web::test]
async fn an_answer_that_leaves_a_body_unread_ends_its_connection() {
    let address = serving(Bounds {
        body: PATIENCE * 2,
        ..brief()
    });
    meanwhile(move || {
        let long = "a".repeat(70_000);
        for (path, length, part) in [
            ("/api/session", "content-length: 70000", "{"),
            ("/api/session", CHUNKED, &*format!("11170\r\n{long}\r\n")),
            ("/nonsense", CHUNKED, &*format!("11170\r\n{long}\r\n")),
            ("/api/session", CHUNKED, "no length\r\n"),
        ] {
            let mut stream = connected(address);
            let sent = post(path, length) + part;
            stream.write_all(sent.as_bytes()).expect("written");
            let answer = until_the_end(&mut stream);
            assert!(
                answer.starts_with("HTTP/1.1 4"),
                "{path} {length}: {answer}"
            );
            assert!(answer.contains("connection: close\r\n"), "{answer}");
        }
        // No length, and no end.
        let mut stream = connected(address);
        let upgrade = "GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
                       upgrade: websocket\r\n\r\nwhatever comes";
        stream.write_all(upgrade.as_bytes()).expect("written");
        let answer = until_the_end(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    })
    .await;
}

#[actix_web::test]
async fn a_body_that_arrives_and_that_nobody_wants_leaves_the_connection_as_it_is() {
    let address = serving(brief());
    meanwhile(move || {
        let mut stream = connected(address);
        for (path, length, body) in [
            ("/nonsense", "content-length: 5", "hello"),
            ("/livez", CHUNKED, "5\r\nhello\r\n0\r\n\r\n"),
        ] {
            let sent = post(path, length) + body + LIVE;
            stream.write_all(sent.as_bytes()).expect("written");
            let refused = answer(&mut stream);
            assert!(refused.starts_with("HTTP/1.1 40"), "{refused}");
            assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
        }
    })
    .await;
}

#[actix_web::test]
async fn a_head_is_to_come_in_time_however_slowly_it_comes_and_whichever_it_is() {
    let address = serving(brief());
    meanwhile(move || {
        for requests_before in [0, 1] {
            let mut stream = connected(address);
            for _ in 0..requests_before {
                stream.write_all(LIVE.as_bytes()).expect("written");
                assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
            }
            let mut reader = stream.try_clone().expect("a clone");
            let ended = std::thread::spawn(move || until_the_end(&mut reader));
            let begun = Instant::now();
            let mut sent: &[u8] = b"GET /livez HTTP/1.1\r\nx: ";
            while !ended.is_finished() && stream.write_all(sent).is_ok() {
                assert!(begun.elapsed() < PATIENCE, "it never ends");
                std::thread::sleep(Duration::from_millis(25));
                sent = b"a";
            }
            ended.join().expect("an end");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_peer_that_reads_no_answers_is_left() {
    let plain = serving(brief());
    let encrypted = serving_over(Some(Tls::new(SelfSigned::new().identity())), brief());
    meanwhile(move || {
        let requests = LIVE.replace("livez", "sign-in").repeat(100);
        for (address, tls) in [(plain, false), (encrypted, true)] {
            let mut stream = peer(address, tls);
            // A bound for the test: the buffers of both ends are smaller.
            let left = (0..10_000).find_map(|_| stream.write_all(requests.as_bytes()).err());
            let error = left.expect("it takes no more");
            assert!(!is_hanging(&error), "it never ends: {error}");
        }
    })
    .await;
}

#[actix_web::test]
async fn pipelined_requests_are_answered_in_their_order_while_others_have_their_turns() {
    let address = serving(Bounds::default());
    meanwhile(move || {
        let body = post("/api/session", "content-length: 2") + "{}";
        let chunks = post("/api/session", CHUNKED) + "2\r\n{}\r\n0\r\n\r\n";
        let round = [LIVE, &*body, LIVE, &*chunks].concat();
        let mut expected = ["200", "400", "200", "400"].into_iter().cycle();
        let mut stream = connected(address);
        let mut writer = stream.try_clone().expect("a clone");
        let written = std::thread::spawn(move || {
            for _ in 0..250 {
                writer.write_all(round.as_bytes()).expect("written");
            }
            writer.shutdown(Shutdown::Write).expect("no more");
        });
        for turn in 0..1000 {
            if turn % 100 == 0 {
                assert!(is_live(address));
            }
            let answer = answer(&mut stream);
            let status = expected.next().unwrap_or_default();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{answer}"
            );
        }
        assert_eq!(until_the_end(&mut stream), "");
        written.join().expect("all written");
    })
    .await;
}

#[actix_web::test]
async fn pipelined_bodies_are_answered_on_a_connection_that_stays() {
    let address = serving(Bounds::default());
    meanwhile(move || {
        let mut stream = connected(address);
        let sent = (post("/api/session", "content-length: 2") + "{}").repeat(12);
        stream.write_all(sent.as_bytes()).expect("written");
        for _ in 0..12 {
            let answer = answer(&mut stream);
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
            assert!(!answer.contains("connection: close"), "{answer}");
        }
        stream.write_all(LIVE.as_bytes()).expect("written");
        assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
    })
    .await;
}

#[actix_web::test]
async fn nothing_is_answered_after_an_answer_that_ends_the_connection() {
    let address = serving(brief());
    meanwhile(move || {
        let long = "a".repeat(64 * 1024 + 1);
        let announced = format!("content-length: {}", long.len());
        for body in [
            post("/api/session", &announced) + &long,
            post("/api/session", CHUNKED) + &format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len()),
        ] {
            let mut stream = connected(address);
            let sent = body + LIVE;
            stream.write_all(sent.as_bytes()).expect("written");
            let answers = until_the_end(&mut stream);
            assert!(answers.starts_with("HTTP/1.1 413 "), "{answers}");
            assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
        }
    })
    .await;
}

#[actix_web::test]
async fn what_follows_an_answer_that_ends_the_connection_is_thrown_away() {
    let address = serving(brief());
    meanwhile(move || {
        let long = "a".repeat(64 * 1024 + 1);
        let announced = format!("content-length: {}", long.len());
        let mut stream = connected(address);
        let head = post("/api/session", &announced);
        stream.write_all(head.as_bytes()).expect("written");
        assert!(answer(&mut stream).starts_with("HTTP/1.1 413 "));
        stream.write_all((long + LIVE).as_bytes()).expect("written");
        assert_eq!(until_the_end(&mut stream), "");
    })
    .await;
}

#[actix_web::test]
async fn an_idle_connection_is_kept_for_as_long_as_is_said() {
    let long = serving(Bounds::default());
    let short = serving(Bounds {
        keep_alive: Duration::from_millis(300),
        ..brief()
    });
    meanwhile(move || {
        let mut stream = connected(short);
        stream.write_all(LIVE.as_bytes()).expect("written");
        assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
        assert_eq!(until_the_end(&mut stream), "");

        let mut stream = connected(long);
        stream.write_all(LIVE.as_bytes()).expect("written");
        assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
        // Longer than the library would by itself.
        let a_while = Some(Duration::from_secs(6));
        stream.set_read_timeout(a_while).expect("a time-out");
        let nothing = stream.read(&mut [0]).expect_err("nothing comes");
        assert!(is_hanging(&nothing), "{nothing}");
        stream.write_all(LIVE.as_bytes()).expect("written");
        assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
    })
    .await;
}

#[actix_web::test]
async fn whoever_has_waited_longest_gives_way_once_there_are_too_many() {
    // Nothing ends for another reason.
    let bounds = Bounds {
        connections: 32,
        keep_alive: PATIENCE * 60,
        head: PATIENCE * 60,
        body: PATIENCE * 60,
        write: PATIENCE * 60,
        linger: PATIENCE * 60,
    };
    let few = |tls| serving_over(tls, bounds);
    let plain = few(None);
    let encrypted = few(Some(Tls::new(SelfSigned::new().identity())));
    meanwhile(move || {
        let body = post("/api/session", CHUNKED) + "5\r\n{";
        let unread = LIVE.replace("livez", "sign-in").repeat(1000);
        // Idle, in a head, in a body, with answers that it does not read; in a handshake.
        for (address, sent) in [
            (plain, LIVE),
            (plain, "GET /li"),
            (plain, &*body),
            (plain, &*unread),
            (encrypted, ""),
        ] {
            let stalled: Vec<_> = (0..150)
                .map(|_| {
                    let mut stream = connected(address);
                    // One that gave way already takes nothing.
                    let _ = stream.set_nonblocking(true);
                    let _ = stream.write(sent.as_bytes());
                    stream
                })
                .collect();
            let mut honest = peer(address, address == encrypted);
            honest.write_all(LIVE.as_bytes()).expect("written");
            let answer = answer(&mut honest);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            drop(stalled);
        }
    })
    .await;
}

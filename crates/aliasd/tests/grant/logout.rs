//! Clients are told that a session ended, whatever they make of it (OpenID Connect Back-Channel
//! Logout 1.0).

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use alias_domain::Params;
use josekit::{
    jwk::Jwk,
    jws::{ES256, JwsVerifier, RS256},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{sleep, timeout},
};

use crate::{
    page::{Page, QUERY, REDIRECT_URI, part, text},
    running::Running,
    store::TestStore,
};

/// Far longer than a first retry takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client does with its first notice. It takes the second one.
#[derive(Clone)]
pub(crate) enum First {
    Takes,
    Refuses,
    /// Waits until the other side gives up.
    IsSlow,
    /// Says more than anybody reads.
    IsHuge,
    Redirects(String),
    IsBroken,
    CutsOff,
}

/// A client's back channel.
pub(crate) struct BackChannel {
    address: SocketAddr,
    asked: Arc<AtomicU32>,
    /// The bodies of the requests.
    bodies: UnboundedReceiver<String>,
}

impl BackChannel {
    pub(crate) fn open(first: First) -> Self {
        Self::open_at("127.0.0.1:0", first)
    }

    fn open_at(address: &str, first: First) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (asked, (tell, bodies)) = (Arc::new(AtomicU32::new(0)), unbounded_channel());
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let before = count.fetch_add(1, Ordering::SeqCst);
                let (tell, first) = (tell.clone(), first.clone());
                thread::spawn(move || {
                    let mut stream = stream;
                    let body = body(&mut stream);
                    let deed = if before == 0 { first } else { First::Takes };
                    // Who asked may have gone, and so may the test.
                    let _ = answer(&mut stream, deed);
                    let _ = tell.send(body);
                });
            }
        });
        Self {
            address,
            asked,
            bodies,
        }
    }

    pub(crate) fn uri(&self, scheme: &str) -> String {
        format!("{scheme}://{}/logout?by=alias", self.address)
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    /// The logout token of the next request.
    pub(crate) async fn token(&mut self) -> String {
        let body = timeout(PATIENCE, self.bodies.recv()).await;
        let body = body.expect("in time").expect("a request");
        let form = Params::parse(&body);
        let token = form.one("logout_token").expect("once").expect("a token");
        assert!(!body.contains('&'), "nothing else");
        token.to_owned()
    }
}

/// The body of a form that is posted.
fn body(stream: &mut TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (Vec::new(), String::new());
    while reader.read_line(&mut line).is_ok_and(|it| it > 2) {
        head.push(line.trim_end().to_ascii_lowercase());
        line.clear();
    }
    assert!(head[0].starts_with("post /logout?by=alias http/1.1"));
    assert!(head.contains(&"content-type: application/x-www-form-urlencoded".to_owned()));
    let length = head
        .iter()
        .find_map(|it| it.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|it| it.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).expect("a body");
    String::from_utf8(body).expect("a form")
}

fn answer(stream: &mut TcpStream, deed: First) -> std::io::Result<()> {
    let empty = "content-length: 0\r\nconnection: close\r\n\r\n";
    match deed {
        First::Takes => write!(stream, "HTTP/1.1 200 OK\r\n{empty}"),
        First::Refuses => write!(stream, "HTTP/1.1 400 Bad Request\r\n{empty}"),
        First::IsBroken => write!(stream, "HTTP/1.1 500 Internal Server Error\r\n{empty}"),
        First::Redirects(to) => write!(
            stream,
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}\r\n{empty}"
        ),
        First::CutsOff => Ok(()),
        First::IsSlow => stream.read(&mut [0]).map(drop),
        First::IsHuge => {
            write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b'x'; 65_536])?;
            }
        }
    }
}

/// The page's request, for a client without channels.
fn query() -> String {
    QUERY.replace("&channels=notifications%20product_updates", "")
}

/// From now on the page is of a client that is told of logout here; Fred connects to it.
pub(crate) async fn connects(page: &mut Page, uri: &str, algorithm: &str) -> Value {
    let created = page.alias.cli(
        &[
            "client",
            "create",
            "--name",
            "Told",
            "--redirect-uri",
            REDIRECT_URI,
            "--backchannel-logout-uri",
            uri,
            "--id-token-alg",
            algorithm,
        ],
        "",
    );
    page.client_id = text(&created, "client_id");
    page.client_secret = text(&created, "client_secret");
    let (_, tokens) = page.exchange(&page.code(&query()).await).await;
    serde_json::from_str(&part(&text(&tokens, "id_token"), 1)).expect("JSON")
}

/// `DELETE /api/session`: the user is answered, whatever the clients do.
async fn sign_out(page: &Page) {
    let session = format!("{}/api/session", page.alias.issuer);
    let request = page.http.delete(session).bearer_auth(&page.session_token);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

/// The claims of a logout token, verified as a client does: the key by the key set of the discovery
/// document, then each claim.
pub(crate) async fn verified(page: &Page, token: &str, algorithm: &str) -> Value {
    let get = async |address: String| -> Value {
        let answer = page.http.get(address).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    };
    let issuer = &page.alias.issuer;
    let discovery = get(format!("{issuer}/.well-known/openid-configuration")).await;
    assert_eq!(discovery["backchannel_logout_supported"], true);
    let keys = get(text(&discovery, "jwks_uri")).await;
    let header: Value = serde_json::from_str(&part(token, 0)).expect("JSON");
    assert_eq!(header["typ"], "logout+jwt");
    assert_eq!(header["alg"], algorithm);
    let listed = keys["keys"].as_array().expect("keys");
    let key = listed.iter().find(|it| it["kid"] == header["kid"]);
    let key = key.and_then(Value::as_object).expect("its key").clone();
    let key = Jwk::from_map(key).expect("a key");
    let verifier: Box<dyn JwsVerifier> = match algorithm {
        "RS256" => Box::new(RS256.verifier_from_jwk(&key).expect("a verifier")),
        _ => Box::new(ES256.verifier_from_jwk(&key).expect("a verifier")),
    };
    let (payload, _) =
        josekit::jws::deserialize_compact(token, verifier.as_ref()).expect("a good signature");
    let claims: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(claims["iss"], *issuer);
    let seconds = |name: &str| claims[name].as_i64().expect("an integer");
    assert_eq!(seconds("exp") - seconds("iat"), 120);
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    assert_eq!(claims["events"], event);
    assert!(claims.get("nonce").is_none());
    assert!(claims["jti"].is_string());
    claims
}

/// The level and the number of each try of which the log says that it failed for this reason.
fn failed_tries(log: &str, reason: &str) -> Vec<(Value, Value)> {
    // The last line may be half written.
    let lines = log.lines().filter_map(|it| serde_json::from_str(it).ok());
    lines
        .filter(|line: &Value| {
            line["fields"]["message"] == "a client was not told that a session ended"
                && line["fields"]["answer"]
                    .as_str()
                    .is_some_and(|it| it.contains(reason))
        })
        .map(|line| (line["level"].clone(), line["fields"]["attempt"].clone()))
        .collect()
}

/// A service with these settings.
pub(crate) fn serve_allowing(settings: &[(&'static str, &'static str)]) -> Running {
    let folder = TempDir::new().expect("a folder");
    Running::serve_in(folder, TestStore::chosen(), settings)
}

#[actix_web::test]
async fn each_client_is_told_once_it_can_be_and_the_user_waits_for_none() {
    let allowed = ("ALIAS_OUTBOUND__ALLOW_PRIVATE", "127.0.0.1");
    let mut page = Page::open_at(serve_allowing(&[allowed])).await;
    let trap = BackChannel::open(First::Takes);
    let mut fine = BackChannel::open(First::Takes);
    let mut refusing = BackChannel::open(First::Refuses);
    let private = BackChannel::open_at("127.0.0.2:0", First::Takes);
    let mut failing = [
        First::IsSlow,
        First::IsHuge,
        First::Redirects(trap.uri("http")),
        First::IsBroken,
        First::CutsOff,
    ]
    .map(BackChannel::open);

    let id_token = connects(&mut page, &fine.uri("http"), "ES256").await;
    let client_id = page.client_id.clone();
    let mut untold = Vec::new();
    let back_channels = failing.iter().chain([&refusing]).map(|it| it.uri("http"));
    for uri in back_channels.chain([private.uri("https")]) {
        connects(&mut page, &uri, "RS256").await;
        untold.push(page.client_id.clone());
    }
    sign_out(&page).await;

    let token = fine.token().await;
    let claims = verified(&page, &token, "ES256").await;
    assert_eq!(claims["aud"], Value::from(client_id));
    assert_eq!(claims["sub"], id_token["sub"]);
    assert_eq!(claims["sid"], id_token["sid"]);
    assert!(claims["sid"].is_string());
    let mut tokens = vec![token];
    tokens.push(refusing.token().await);

    for back_channel in &mut failing {
        let (first, second) = (back_channel.token().await, back_channel.token().await);
        let first_claims = verified(&page, &first, "RS256").await;
        let second_claims = verified(&page, &second, "RS256").await;
        for name in ["aud", "sub", "sid"] {
            assert_eq!(first_claims[name], second_claims[name], "{name}");
        }
        assert_ne!(first_claims["jti"], second_claims["jti"]);
        tokens.extend([first, second]);
    }
    let asked: Vec<u32> = failing.iter().map(BackChannel::asked).collect();
    assert_eq!(asked, [2; 5]);
    assert_eq!((fine.asked(), refusing.asked()), (1, 1));
    assert_eq!(trap.asked(), 0, "no redirect is followed");
    assert_eq!(private.asked(), 0, "nobody goes there");

    let left = page.alias.left_behind();
    let holds = |text: &str| left.windows(text.len()).any(|it| it == text.as_bytes());
    assert!(holds("127.0.0.2 is a private address"));
    let log = page.alias.log();
    for client in untold {
        let mut lines = log.lines().filter(|it| it.contains(&client));
        let said = lines.any(|it| it.contains("session ended") && it.contains("\"answer\":"));
        assert!(said, "the log does not say that {client} was not told");
    }
    for token in tokens {
        let signature = token.rsplit('.').next().expect("a signature");
        assert!(!holds(signature), "a logout token was left behind");
    }
}

#[actix_web::test]
async fn a_notice_that_fails_while_nobody_can_read_the_log_is_sent_again() {
    let allowed = ("ALIAS_OUTBOUND__ALLOW_PRIVATE", "127.0.0.1");
    let mut page = Page::open_at(Running::serve_unheard(&[allowed])).await;
    let mut broken = BackChannel::open(First::IsBroken);
    connects(&mut page, &broken.uri("http"), "RS256").await;
    sign_out(&page).await;
    broken.token().await;
    broken.token().await;
    page.sign_in().await;
    let Page { alias, .. } = page;
    Arc::into_inner(alias).expect("no other page").stop();
}

#[actix_web::test]
async fn whoever_is_locked_or_deleted_beside_the_service_is_told_of() {
    let allowed = ("ALIAS_OUTBOUND__ALLOW_PRIVATE", "127.0.0.0/8");
    let mut page = Page::open_at(serve_allowing(&[allowed])).await;
    let mut fine = BackChannel::open(First::Takes);
    let id_token = connects(&mut page, &fine.uri("http"), "RS256").await;
    page.alias.cli(&["user", "lock", "fred@example.com"], "");
    let claims = verified(&page, &fine.token().await, "RS256").await;
    assert_eq!(claims["sid"], id_token["sid"]);

    page.alias.cli(&["user", "unlock", "fred@example.com"], "");
    page.sign_in().await;
    page.code(&query()).await;
    page.alias.cli(&["user", "delete", "fred@example.com"], "");
    let claims = verified(&page, &fine.token().await, "RS256").await;
    assert_eq!(claims["sub"], id_token["sub"]);
    assert_ne!(claims["sid"], id_token["sid"], "another session");
    assert_eq!(fine.asked(), 2);
}

#[actix_web::test]
async fn by_default_no_private_address_is_asked_and_the_log_warns_of_the_first_try_alone() {
    let mut page = Page::open().await;
    let fine = BackChannel::open(First::Takes);
    connects(&mut page, &fine.uri("http"), "RS256").await;
    sign_out(&page).await;
    let tried_twice = async {
        loop {
            let tries = failed_tries(&page.alias.log(), "127.0.0.1 is a private address");
            if tries.len() >= 2 {
                return tries;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let tries = timeout(PATIENCE, tried_twice).await.expect("in time");
    let levels = [("WARN", 1), ("INFO", 2)].map(|(level, attempt)| (json!(level), json!(attempt)));
    assert_eq!(tries[..2], levels);
    assert_eq!(fine.asked(), 0);
}

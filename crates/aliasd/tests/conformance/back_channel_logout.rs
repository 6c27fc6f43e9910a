//! Back-Channel Logout OP: `oidcc-backchannel-rp-initiated-logout-certification-test-plan`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use openssl::{
    pkey::PKey,
    ssl::{SslAcceptor, SslMethod, SslStream},
    x509::X509,
};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use crate::{
    checks::{self, lists},
    code_flow::{Scene, long_state},
    config,
    id_token::IdToken,
    relying_party::Mode,
    rp_initiated_logout::awkward_state,
    service::Service,
};

/// Far longer than a notice takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client's back channel, over TLS.
struct BackChannel {
    uri: String,
    notices: UnboundedReceiver<Notice>,
}

/// What came by it.
struct Notice {
    tls: &'static str,
    head: String,
    body: String,
}

impl BackChannel {
    fn open(service: &Service) -> Self {
        let signed = service.certificate();
        let certificate = X509::from_pem(signed.certificate.as_bytes()).expect("PEM");
        let key = PKey::private_key_from_pem(signed.key.as_bytes()).expect("PEM");
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("TLS");
        acceptor
            .set_certificate(&certificate)
            .expect("a certificate");
        acceptor.set_private_key(&key).expect("its key");
        let acceptor = acceptor.build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (tell, notices) = unbounded_channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who asked may have gone, and so may the test.
                if let Some(notice) = acceptor.accept(stream).ok().and_then(taken) {
                    let _ = tell.send(notice);
                }
            }
        });
        let uri = format!("https://localhost:{port}/backchannel_logout");
        Self { uri, notices }
    }

    async fn notice(&mut self) -> Notice {
        let notice = timeout(PATIENCE, self.notices.recv()).await;
        notice.expect("a notice in time").expect("an open channel")
    }
}

/// Reads a request, and says that all is well.
fn taken(stream: SslStream<TcpStream>) -> Option<Notice> {
    let tls = stream.ssl().version_str();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|it| *it > 0)?;
    }
    let head = head.to_ascii_lowercase();
    let length = head.split_once("content-length: ")?.1;
    let length = length.split_once("\r\n")?.0.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = "HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-length: 0\r\n\r\n";
    reader.get_mut().write_all(answer.as_bytes()).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Notice { tls, head, body })
}

impl Notice {
    /// The logout token, which is all that there is.
    fn logout_token(&self) -> String {
        let form = Url::parse(&format!("form:?{}", self.body)).expect("a form");
        let fields: Vec<(String, String)> = form.query_pairs().into_owned().collect();
        let [(name, token)] = &fields[..] else {
            panic!("{fields:?}");
        };
        assert_eq!(name, "logout_token");
        token.clone()
    }
}

/// Back-Channel Logout 1.0, 2.4 and 2.6.
fn is_about(header: &Value, claims: &Value, id_token: &IdToken) {
    assert_eq!(header["typ"], "logout+jwt");
    for name in ["iss", "aud", "sub", "sid"] {
        assert!(claims[name].is_string(), "{name}");
        assert_eq!(claims[name], id_token.claims[name], "{name}");
    }
    let now = checks::now().as_secs();
    let seconds = |name: &str| claims[name].as_u64().expect("seconds");
    assert!(seconds("iat").abs_diff(now) <= 300);
    assert!(seconds("exp") > now && seconds("exp") - seconds("iat") <= 120);
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    assert_eq!(claims["events"], event);
    assert!(!checks::text(claims, "jti").is_empty());
    let mut names: Vec<&String> = claims.as_object().expect("an object").keys().collect();
    names.sort();
    assert_eq!(
        names,
        ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"]
    );
}

#[actix_web::test]
async fn oidcc_backchannel_logout_discovery_endpoint_verification() {
    let document = config::discovery().await;
    config::has_secure_endpoints(&document);
    checks::is_secure(&document["end_session_endpoint"]);
    assert_eq!(document["backchannel_logout_supported"], true);
    assert_eq!(document["backchannel_logout_session_supported"], true);
    assert!(lists(&document, "claims_supported", "sid"));
}

#[actix_web::test]
async fn oidcc_backchannel_rp_initiated_logout() {
    let service = Service::shared();
    let mut back_channel = BackChannel::open(service);
    let client = service.told(&back_channel.uri);
    let scene = Scene::of(&client, Mode::Query).await;
    let request = scene.rp.request().with("state", long_state(128));
    let id_token = scene.sign_in(&request).await.tokens.id_token;

    let state = awkward_state();
    let way_back = client.post_logout_redirect_uri.clone().expect("one");
    let farewell = [
        ("id_token_hint", id_token.text.clone()),
        ("post_logout_redirect_uri", way_back),
        ("state", state.clone()),
    ];
    let farewell = farewell.map(|(name, value)| (name.to_owned(), value));
    let person = Some(&scene.person);
    let visit = scene.rp.leave(&scene.browser, &farewell, person).await;
    client.is_taken_back(visit.callback(), Some(&state));

    let notice = back_channel.notice().await;
    assert_eq!(notice.tls, "TLSv1.3");
    assert!(
        notice
            .head
            .starts_with("post /backchannel_logout http/1.1\r\n")
    );
    let content_type = "content-type: application/x-www-form-urlencoded\r\n";
    assert!(notice.head.contains(content_type), "{}", notice.head);
    let verified = scene.rp.keys.verified(&notice.logout_token(), "RS256");
    let (header, claims) = verified.expect("a good signature");
    is_about(&header, &claims, &id_token);
    scene.is_nobody().await;
}

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    ssl::{SslAcceptor, SslMethod},
    x509::{X509, X509Name, X509NameRef, extension::SubjectAlternativeName},
};

use super::*;

/// A server that answers every request alike, and counts them.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicU32>,
}

impl Server {
    fn start(answer: impl Into<Vec<u8>>) -> Self {
        Self::over(answer, Some)
    }

    fn over<S: Read + Write>(
        answer: impl Into<Vec<u8>>,
        accept: impl Fn(std::net::TcpStream) -> Option<S> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (asked, answer) = (Arc::new(AtomicU32::new(0)), answer.into());
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(mut stream) = accept(stream) else {
                    continue;
                };
                count.fetch_add(1, Ordering::Relaxed);
                // Who asks may not wait for the end.
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&answer);
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}/logout", self.address)
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

const FINE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn outbound(networks: &str) -> Outbound {
    let networks = networks.parse().expect("networks");
    Outbound::new(networks, None).expect("a client")
}

async fn asked(outbound: &Outbound, url: &str) -> Result<u16, Unsent> {
    let answer = outbound.post_form(url, &[("a", "b")]).await;
    answer.map(|it| it.status)
}

#[tokio::test]
async fn http_is_for_a_loopback_address_that_is_allowed() {
    let server = Server::start(FINE);
    assert_eq!(asked(&outbound("127.0.0.1"), &server.url()).await, Ok(204));
    let name = server.url().replace("127.0.0.1", "localhost");
    assert_eq!(asked(&outbound("127.0.0.1"), &name).await, Ok(204));
    assert_eq!(server.asked(), 2);

    for networks in ["", "127.0.0.2", "::1", "10.0.0.0/8"] {
        let refused = asked(&outbound(networks), &server.url()).await;
        assert!(matches!(refused, Err(Unsent::Private(_))), "{networks}");
        let refused = asked(&outbound(networks), &name).await;
        let Err(Unsent::Failed(reason)) = refused else {
            unreachable!("{networks}: {refused:?}");
        };
        assert!(reason.contains("private addresses alone"), "{reason}");
    }
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn http_to_anywhere_else_is_refused_though_all_networks_are_allowed() {
    let outbound = outbound("0.0.0.0/0, ::/0");
    for url in [
        "http://10.0.0.1/",
        "http://example.com/",
        "http://localhost.example/",
        "http://localhost./",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "/relative",
        "",
    ] {
        assert_eq!(asked(&outbound, url).await, Err(Unsent::Address), "{url}");
    }
}

#[tokio::test]
async fn an_address_is_the_same_however_it_is_written() {
    let outbound = outbound("");
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "%31%32%37.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        let refused = asked(&outbound, &format!("https://{host}/")).await;
        assert!(matches!(refused, Err(Unsent::Private(_))), "{host}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Server::start(FINE);
    let location = elsewhere.url();
    let server = Server::start(format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
    ));
    assert_eq!(asked(&outbound("127.0.0.1"), &server.url()).await, Ok(307));
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn a_large_answer_is_not_read_to_its_end() {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let fitting = [head.as_bytes(), &[b'x'; LARGEST_ANSWER]].concat();
    let larger = [&fitting[..], b"x"].concat();
    let outbound = outbound("127.0.0.1");
    let url = Server::start(fitting).url();
    assert_eq!(asked(&outbound, &url).await, Ok(200));
    let url = Server::start(larger).url();
    assert_eq!(asked(&outbound, &url).await, Err(Unsent::TooLarge));
}

#[tokio::test]
async fn what_goes_wrong_tells_neither_the_address_nor_what_was_sent() {
    let server = Server::start("no HTTP");
    let url = format!("{}?a-secret-path", server.url());
    let form = [("logout_token", "a-secret-token")];
    let failed = outbound("127.0.0.1").post_form(&url, &form).await;
    let Err(Unsent::Failed(reason)) = failed else {
        unreachable!("{failed:?}");
    };
    assert!(!reason.contains("a-secret"), "{reason}");
}

fn key() -> PKey<Private> {
    let rsa = Rsa::generate(2048).expect("a key");
    PKey::from_rsa(rsa).expect("a key")
}

fn name(text: &str) -> X509Name {
    let mut name = X509Name::builder().expect("a name");
    name.append_entry_by_nid(Nid::COMMONNAME, text)
        .expect("a name");
    name.build()
}

/// A certificate of this machine's address, signed by an authority.
fn certificate(key: &PKey<Private>, issuer: &X509NameRef, signer: &PKey<Private>) -> X509 {
    let build = || {
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        let serial = BigNum::from_u32(7)?.to_asn1_integer()?;
        builder.set_serial_number(&serial)?;
        builder.set_subject_name(&name("127.0.0.1"))?;
        builder.set_issuer_name(issuer)?;
        builder.set_pubkey(key)?;
        let (start, end) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(1)?);
        builder.set_not_before(&start)?;
        builder.set_not_after(&end)?;
        let alternative = SubjectAlternativeName::new()
            .ip("127.0.0.1")
            .build(&builder.x509v3_context(None, None))?;
        builder.append_extension(alternative)?;
        builder.sign(signer, MessageDigest::sha256())?;
        Ok::<_, openssl::error::ErrorStack>(builder.build())
    };
    build().expect("a certificate")
}

#[tokio::test]
async fn an_authority_that_is_configured_is_trusted_and_no_other_that_nobody_knows() {
    let key = key();
    // It signs itself: it is its own authority.
    let certificate = certificate(&key, &name("127.0.0.1"), &key);
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("an acceptor");
    acceptor.set_private_key(&key).expect("a key");
    acceptor.set_certificate(&certificate).expect("its own");
    let acceptor = acceptor.build();
    let server = Server::over(FINE, move |it| acceptor.accept(it).ok());
    let url = server.url().replace("http:", "https:");

    let refused = asked(&outbound("127.0.0.1"), &url).await;
    assert!(matches!(refused, Err(Unsent::Failed(_))), "{refused:?}");
    let pem = certificate.to_pem().expect("PEM");
    let networks = || "127.0.0.1".parse().expect("networks");
    let trusting = Outbound::new(networks(), Some(&pem)).expect("a client");
    assert_eq!(asked(&trusting, &url).await, Ok(204));
    let private = Outbound::new(PrivateNetworks::default(), Some(&pem)).expect("a client");
    assert!(matches!(
        asked(&private, &url).await,
        Err(Unsent::Private(_))
    ));
}

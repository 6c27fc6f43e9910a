//! The service's own TLS, with an authority of our own.

use std::{net::SocketAddr, sync::Arc};

use alias_domain::testing::MemoryStore;
use alias_http::{Bound, Door, Identity, IdentityError, Public, Tls};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion},
    x509::{X509, X509Builder, X509NameBuilder, extension::SubjectAlternativeName},
};
use reqwest::tls::TlsInfo;

use crate::support::{ports, public, running, service};

/// A certificate that signs itself, with its key.
pub(crate) struct SelfSigned {
    certificate: X509,
    key: PKey<Private>,
}

impl SelfSigned {
    fn made(bits: u32) -> Result<Self, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(bits)?)?;
        let mut name = X509NameBuilder::new()?;
        name.append_entry_by_text("CN", "localhost")?;
        let name = name.build();
        let mut builder = X509Builder::new()?;
        builder.set_version(2)?;
        let serial = BigNum::from_u32(1)?.to_asn1_integer()?;
        builder.set_serial_number(&serial)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(&name)?;
        builder.set_pubkey(&key)?;
        let (from, to) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(1)?);
        builder.set_not_before(&from)?;
        builder.set_not_after(&to)?;
        let host = SubjectAlternativeName::new()
            .dns("localhost")
            .build(&builder.x509v3_context(None, None))?;
        builder.append_extension(host)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self {
            certificate: builder.build(),
            key,
        })
    }

    pub(crate) fn new() -> Self {
        Self::made(2048).expect("a certificate")
    }

    fn certificate_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().expect("PEM")
    }

    fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().expect("PEM")
    }

    pub(crate) fn identity(&self) -> Identity {
        let read = Identity::from_pem(&self.certificate_pem(), &self.key_pem());
        read.unwrap_or_else(|error| panic!("{error}"))
    }

    /// What a client that trusts this certificate is shown, on a connection of its own.
    async fn seen(&self, address: SocketAddr) -> Option<Vec<u8>> {
        let root = reqwest::Certificate::from_pem(&self.certificate_pem()).expect("a root");
        let client = reqwest::Client::builder()
            .tls_certs_only([root])
            .resolve("localhost", address)
            .tls_info(true)
            .no_proxy()
            .build()
            .expect("a client");
        let url = format!("https://localhost:{}/livez", address.port());
        let response = client.get(url).send().await.ok()?;
        assert_eq!(response.status(), 200);
        let info: &TlsInfo = response.extensions().get().expect("TLS");
        info.peer_certificate().map(<[u8]>::to_vec)
    }
}

fn serving(tls: &Tls) -> SocketAddr {
    let door = Door::closed("not yet");
    door.open(service(ports(Arc::new(MemoryStore::default()))));
    let public = Public {
        tls: Some(tls.clone()),
        ..public()
    };
    running(Bound::public(door, public))
}

#[actix_web::test]
async fn a_renewed_certificate_is_shown_to_new_connections() {
    let (first, second) = (SelfSigned::new(), SelfSigned::new());
    let tls = Tls::new(first.identity());
    let address = serving(&tls);
    assert_eq!(
        first.seen(address).await,
        first.certificate.to_der().ok(),
        "the first"
    );
    assert_eq!(second.seen(address).await, None, "not trusted");

    assert!(!tls.renew(first.identity()), "nothing new");
    assert!(tls.renew(second.identity()));
    assert_eq!(
        second.seen(address).await,
        second.certificate.to_der().ok(),
        "the second"
    );
    assert_eq!(first.seen(address).await, None, "no longer shown");
}

#[actix_web::test]
async fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    let address = serving(&Tls::new(SelfSigned::new().identity()));
    for (version, spoken) in [
        (SslVersion::TLS1_1, false),
        (SslVersion::TLS1_2, true),
        (SslVersion::TLS1_3, true),
    ] {
        let handshake = move || {
            let mut connector = SslConnector::builder(SslMethod::tls_client())?;
            connector.set_verify(SslVerifyMode::NONE);
            // OpenSSL itself would offer nothing older otherwise.
            connector.set_cipher_list("DEFAULT:@SECLEVEL=0")?;
            connector.set_min_proto_version(Some(version))?;
            connector.set_max_proto_version(Some(version))?;
            let stream = std::net::TcpStream::connect(address).expect("a connection");
            let connected = connector.build().connect("localhost", stream);
            Ok::<_, ErrorStack>(connected.is_ok_and(|it| it.ssl().version2() == Some(version)))
        };
        let done = actix_web::rt::task::spawn_blocking(handshake);
        let done = done.await.expect("a handshake").expect("a connector");
        assert_eq!(done, spoken, "{version:?}");
    }
}

/// RFC 9325 4.1.
#[actix_web::test]
async fn tls_1_2_agrees_on_keys_by_elliptic_curves_alone() {
    let address = serving(&Tls::new(SelfSigned::new().identity()));
    for (ciphers, spoken) in [
        ("ECDHE-RSA-AES128-GCM-SHA256", true),
        ("ECDHE-RSA-AES256-GCM-SHA384", true),
        ("ECDHE-RSA-CHACHA20-POLY1305", true),
        ("DHE-RSA-AES128-GCM-SHA256", false),
        ("DHE-RSA-AES256-GCM-SHA384", false),
        ("DHE-RSA-CHACHA20-POLY1305", false),
        ("AES128-GCM-SHA256", false),
    ] {
        let handshake = move || {
            let mut connector = SslConnector::builder(SslMethod::tls_client())?;
            connector.set_verify(SslVerifyMode::NONE);
            connector.set_cipher_list(ciphers)?;
            connector.set_max_proto_version(Some(SslVersion::TLS1_2))?;
            let stream = std::net::TcpStream::connect(address).expect("a connection");
            Ok::<_, ErrorStack>(connector.build().connect("localhost", stream).is_ok())
        };
        let done = actix_web::rt::task::spawn_blocking(handshake);
        let done = done.await.expect("a handshake").expect("a connector");
        assert_eq!(done, spoken, "{ciphers}");
    }
}

#[actix_web::test]
async fn http_1_1_alone_is_agreed_on() {
    let address = serving(&Tls::new(SelfSigned::new().identity()));
    let agreed = move || {
        let mut connector = SslConnector::builder(SslMethod::tls_client())?;
        connector.set_verify(SslVerifyMode::NONE);
        connector.set_alpn_protos(b"\x02h2\x08http/1.1")?;
        let stream = std::net::TcpStream::connect(address).expect("a connection");
        let connected = connector.build().connect("localhost", stream);
        let connected = connected.expect("a handshake");
        let protocol = connected.ssl().selected_alpn_protocol();
        Ok::<_, ErrorStack>(protocol.map(<[u8]>::to_vec))
    };
    let agreed = actix_web::rt::task::spawn_blocking(agreed).await;
    let agreed = agreed.expect("a handshake").expect("a connector");
    assert_eq!(agreed.as_deref(), Some(&b"http/1.1"[..]));
}

#[test]
fn what_cannot_be_served_with_is_refused() {
    use IdentityError as E;
    let (one, other) = (SelfSigned::new(), SelfSigned::new());
    let weak = SelfSigned::made(1024).expect("a weak certificate");
    let refused = |certificate: &[u8], key: &[u8]| Identity::from_pem(certificate, key).err();
    let (certificate, key) = (one.certificate_pem(), one.key_pem());
    let locked = one
        .key
        .private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_256_cbc(), b"hunter2")
        .expect("PEM");

    assert_eq!(refused(&certificate, &key), None);
    assert_eq!(refused(&certificate, &other.key_pem()), Some(E::Mismatch));
    assert!(matches!(refused(b"", &key), Some(E::Certificate(_))));
    assert!(matches!(refused(&key, &key), Some(E::Certificate(_))));
    let torn = &certificate[..certificate.len() / 2];
    assert!(matches!(refused(torn, &key), Some(E::Certificate(_))));
    assert!(matches!(refused(&certificate, b""), Some(E::Key(_))));
    assert!(matches!(
        refused(&certificate, &certificate),
        Some(E::Key(_))
    ));
    assert!(matches!(refused(&certificate, &locked), Some(E::Key(_))));
    assert_eq!(
        refused(&weak.certificate_pem(), &weak.key_pem()),
        Some(E::Certificate("ee key too small".to_owned()))
    );
}

#[test]
fn an_identity_knows_when_it_expires() {
    let expires_at = SelfSigned::new().identity().expires_at();
    let hours = (expires_at - chrono::Utc::now()).num_hours();
    assert!((23..=24).contains(&hours), "{hours}");
}

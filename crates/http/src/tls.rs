//! The service's own TLS. What it shows of itself may change while it runs: certificates are
//! renewed.

use std::{fmt, net::IpAddr, sync::Arc};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    error::ErrorStack,
    pkey::{PKey, Private},
    ssl::{
        AlpnError, ClientHelloResponse, SslAcceptor, SslAlert, SslMethod, SslRef, select_next_proto,
    },
    x509::{GeneralNameRef, X509},
};

use crate::measures;

/// What Mozilla recommends of TLS 1.2 for a service that anybody may use, but for the key exchange in
/// finite fields (DHE): its groups cannot be negotiated and may be weak (RFC 9325 4.1).
const TLS_1_2: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
    ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
    ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/// A certificate with its chain and its key, which OpenSSL has taken.
pub struct Identity {
    chain: Vec<X509>,
    key: PKey<Private>,
    valid_from: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    hosts: Vec<CertifiedHost>,
}

/// A host that a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum CertifiedHost {
    /// In lower case; `*` may stand for the first label.
    Name(String),
    Address(IpAddr),
}

/// Why there is no identity in two texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The certificate.
    #[error("{0}")]
    Certificate(String),
    /// The key.
    #[error("{0}")]
    Key(String),
    /// Each is sound, but the key is another certificate's.
    #[error("the key does not fit the certificate")]
    Mismatch,
}

impl Identity {
    /// Reads the certificate, followed by what it is signed with up to a root, and its key: PEM.
    ///
    /// # Errors
    /// What OpenSSL would not serve with. No error repeats what a text says.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let refused = |error: &ErrorStack| IdentityError::Certificate(reason(error));
        let chain = X509::stack_from_pem(certificate).map_err(|error| refused(&error))?;
        let leaf = chain
            .first()
            .ok_or_else(|| IdentityError::Certificate("no certificate in PEM".to_owned()))?;
        // Without a callback OpenSSL would ask at the terminal for the passphrase.
        let key = PKey::private_key_from_pem_callback(key, |_| Ok(0)).map_err(|_| {
            IdentityError::Key("no private key in PEM, or one under a passphrase".to_owned())
        })?;
        let public = leaf.public_key().map_err(|error| refused(&error))?;
        if !public.public_eq(&key) {
            return Err(IdentityError::Mismatch);
        }
        let identity = Self {
            valid_from: time(leaf.not_before()).map_err(|error| refused(&error))?,
            expires_at: time(leaf.not_after()).map_err(|error| refused(&error))?,
            hosts: hosts(leaf),
            chain,
            key,
        };
        // What is too weak for the acceptor would show at the first connection otherwise.
        identity.trial().map_err(|error| refused(&error))?;
        Ok(identity)
    }

    /// When the certificate expires.
    #[must_use]
    pub const fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// From when on the certificate is valid.
    #[must_use]
    pub const fn valid_from(&self) -> DateTime<Utc> {
        self.valid_from
    }

    /// Whether the certificate is for this host: a name, or an IP address. What is no subject
    /// alternative name counts for nothing (RFC 9525 6.3).
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        self.hosts.iter().any(|it| match (it, address) {
            (CertifiedHost::Address(certified), Some(address)) => *certified == address,
            (CertifiedHost::Name(certified), None) => is_covered(certified, host),
            _ => false,
        })
    }

    /// The hosts that it is for, to be read by people.
    #[must_use]
    pub fn hosts(&self) -> String {
        let hosts = self.hosts.iter().map(ToString::to_string);
        match hosts.collect::<Vec<_>>() {
            none if none.is_empty() => "no host".to_owned(),
            hosts => hosts.join(", "),
        }
    }

    fn trial(&self) -> Result<(), ErrorStack> {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        for (place, certificate) in self.chain.iter().enumerate() {
            if place == 0 {
                acceptor.set_certificate(certificate)?;
            } else {
                acceptor.add_extra_chain_cert(certificate.clone())?;
            }
        }
        acceptor.set_private_key(&self.key)
    }

    fn show(&self, connection: &mut SslRef) -> Result<(), ErrorStack> {
        for (place, certificate) in self.chain.iter().enumerate() {
            if place == 0 {
                connection.set_certificate(certificate)?;
            } else {
                connection.add_chain_cert(certificate.clone())?;
            }
        }
        connection.set_private_key(&self.key)
    }
}

/// The subject alternative names that are hosts.
fn hosts(leaf: &X509) -> Vec<CertifiedHost> {
    let names = leaf.subject_alt_names();
    let host = |it: &GeneralNameRef| {
        let name = it
            .dnsname()
            .map(|name| CertifiedHost::Name(name.to_ascii_lowercase()));
        name.or_else(|| address(it.ipaddress()?).map(CertifiedHost::Address))
    };
    names.iter().flatten().filter_map(host).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

/// Whether a certified name is for a host, which is in lower case: `*` is one label, the first.
fn is_covered(certified: &str, host: &str) -> bool {
    match certified.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, it)| it == parent),
        None => certified == host,
    }
}

impl fmt::Display for CertifiedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

fn time(time: &Asn1TimeRef) -> Result<DateTime<Utc>, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Ok(DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

/// OpenSSL's words for what is wrong, without its numbers.
fn reason(error: &ErrorStack) -> String {
    let mut reasons = error.errors().iter().filter_map(|it| it.reason());
    reasons
        .next_back()
        .unwrap_or("OpenSSL refuses it")
        .to_owned()
}

/// What new connections are shown. Its clones are the same.
#[derive(Clone)]
pub struct Tls(Arc<ArcSwap<Identity>>);

impl Tls {
    /// To show this identity.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        measures::certificate(identity.expires_at);
        Self(Arc::new(ArcSwap::from_pointee(identity)))
    }

    /// What new connections are shown at this moment.
    #[must_use]
    pub fn shown(&self) -> Arc<Identity> {
        self.0.load_full()
    }

    /// Shows another identity from now on; connections that are there keep theirs. `false` if it
    /// is the one that is shown already.
    pub fn renew(&self, identity: Identity) -> bool {
        // The key fits the certificate, so equal certificates have equal keys.
        let renewed = self.0.load().chain != identity.chain;
        if renewed {
            measures::certificate(identity.expires_at);
            self.0.store(Arc::new(identity));
        }
        renewed
    }

    /// TLS 1.2 and 1.3, as Mozilla recommends for a service that anybody may use, without DHE; and
    /// HTTP/1.1, for which alone the bounds of a connection hold.
    pub(crate) fn acceptor(&self) -> Result<SslAcceptor, ErrorStack> {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        acceptor.set_cipher_list(TLS_1_2)?;
        let shown = Arc::clone(&self.0);
        acceptor.set_client_hello_callback(move |connection: &mut SslRef, _: &mut SslAlert| {
            shown.load().show(connection)?;
            Ok(ClientHelloResponse::SUCCESS)
        });
        acceptor.set_alpn_select_callback(|_, offered| {
            select_next_proto(b"\x08http/1.1", offered).ok_or(AlpnError::NOACK)
        });
        Ok(acceptor.build())
    }
}

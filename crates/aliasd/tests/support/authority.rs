//! Certificates that an authority of our own signed.

use std::net::IpAddr;

use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    x509::{
        X509, X509Builder, X509Name, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};

/// An authority that signs certificates.
pub(crate) struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

/// A certificate and its key, as files hold them.
pub(crate) struct Signed {
    pub(crate) certificate: String,
    pub(crate) key: String,
    /// The certificate as a connection shows it.
    pub(crate) der: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::made().expect("an authority")
    }

    /// A certificate for a host, by name or by address, and for no other.
    pub(crate) fn sign(&self, host: &str) -> Signed {
        self.signed(host, 0).expect("a certificate")
    }

    /// The same, for a day that is over.
    pub(crate) fn sign_expired(&self, host: &str) -> Signed {
        self.signed(host, -2).expect("a certificate")
    }

    /// What clients trust.
    pub(crate) fn root(&self) -> reqwest::Certificate {
        let der = self.certificate.to_der().expect("DER");
        reqwest::Certificate::from_der(&der).expect("a root")
    }

    /// The same, as a file holds it.
    pub(crate) fn pem(&self) -> String {
        let pem = self.certificate.to_pem().expect("PEM");
        String::from_utf8(pem).expect("ASCII")
    }

    fn made() -> Result<Self, ErrorStack> {
        let (key, name) = (key()?, name("An authority of our own")?);
        let mut builder = builder(&key, &name, 0)?;
        builder.set_issuer_name(&name)?;
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self {
            certificate: builder.build(),
            key,
        })
    }

    fn signed(&self, host: &str, from: i64) -> Result<Signed, ErrorStack> {
        let key = key()?;
        let mut builder = builder(&key, &name(host)?, from)?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        let mut names = SubjectAlternativeName::new();
        match host.parse::<IpAddr>() {
            Ok(_) => names.ip(host),
            Err(_) => names.dns(host),
        };
        let host = names.build(&builder.x509v3_context(Some(&self.certificate), None))?;
        builder.append_extension(host)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        let certificate = builder.build();
        let text = |pem: Vec<u8>| String::from_utf8_lossy(&pem).into_owned();
        Ok(Signed {
            certificate: text(certificate.to_pem()?),
            key: text(key.private_key_to_pem_pkcs8()?),
            der: certificate.to_der()?,
        })
    }
}

fn key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn name(common_name: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", common_name)?;
    Ok(name.build())
}

/// For a day that begins so many days from now, and not signed yet.
fn builder(key: &PKey<Private>, subject: &X509Name, days: i64) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed();
    let now = now.map_or(0, |it| it.as_secs().cast_signed());
    let day = |number: i64| Asn1Time::from_unix(now + (days + number) * 86_400);
    let (from, to) = (day(0)?, day(1)?);
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    let serial = serial.to_asn1_integer()?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(subject)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&from)?;
    builder.set_not_after(&to)?;
    Ok(builder)
}

//! One key that signs ID tokens: made, kept sealed, opened again, published.

use std::str::FromStr;

use alias_domain::{
    Secret,
    ports::{Failure, StoredKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use josekit::jws::{self, JwsHeader, JwsSigner, RS256};
use openssl::{pkey::PKey, rsa::Rsa};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    chance, crypto,
    jwe::{self, Header},
    key::Key,
};

/// What ID tokens are signed with (RFC 7518 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// RSA with PKCS #1 v1.5 and SHA-256: the one that every client knows (R18).
    Rs256,
}

/// The size of an RSA key: as long as 128 bits of security ask for (NIST SP 800-57 1, table 2), and
/// that of the seed's example (R18).
const RSA_BITS: u32 = 3072;

/// A private key, parsed once, and its public half.
pub(crate) struct SigningKey {
    public: PublicKey,
    signer: Box<dyn JwsSigner>,
}

/// A public key as the key set has it (RFC 7517 4, RFC 7518 6.3.1).
#[derive(Clone, Serialize)]
pub(crate) struct PublicKey {
    kty: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: String,
    n: String,
    e: String,
}

impl SigningKey {
    /// Makes a key and seals it for the store. It takes up to a second of a core.
    pub(crate) fn make(
        algorithm: Algorithm,
        sealing_key: &Key,
        now: DateTime<Utc>,
    ) -> Result<StoredKey, Failure> {
        let kid = URL_SAFE_NO_PAD.encode(chance::bits::<16>());
        let rsa = match algorithm {
            Algorithm::Rs256 => Rsa::generate(RSA_BITS).map_err(crypto)?,
        };
        let private = PKey::from_rsa(rsa)
            .and_then(|it| it.private_key_to_pkcs8())
            .map(Zeroizing::new)
            .map_err(crypto)?;
        Ok(StoredKey {
            sealed: jwe::seal(sealing_key, &header(&kid), &private)?,
            algorithm: algorithm.name().to_owned(),
            created_at: now,
            active_from: now,
            kid,
        })
    }

    /// Opens a stored key; `None` if it was sealed under another key, or for another `kid`.
    ///
    /// The public key is taken from the private one: what is published is what was sealed, whoever
    /// can write to the store.
    pub(crate) fn open(
        algorithm: Algorithm,
        stored: &StoredKey,
        sealing_key: &Key,
    ) -> Result<Option<Self>, Failure> {
        let Some(private) = jwe::open(sealing_key, &header(&stored.kid), &stored.sealed) else {
            return Ok(None);
        };
        let rsa = PKey::private_key_from_pkcs8(&private)
            .and_then(|it| it.rsa())
            .map_err(crypto)?;
        let mut signer = match algorithm {
            Algorithm::Rs256 => RS256.signer_from_der(&private).map_err(crypto)?,
        };
        signer.set_key_id(&stored.kid);
        Ok(Some(Self {
            public: PublicKey::new(algorithm, &stored.kid, &rsa.n().to_vec(), &rsa.e().to_vec()),
            signer: Box::new(signer),
        }))
    }

    /// Signs claims as they are written: nothing parses, orders or spells them again. The header
    /// is `typ`, `alg`, `kid` (R18).
    pub(crate) fn sign(&self, claims: &[u8]) -> Result<Secret, Failure> {
        let mut header = JwsHeader::new();
        header.set_token_type("JWT");
        jws::serialize_compact(claims, &header, self.signer.as_ref())
            .map(Secret::new)
            .map_err(crypto)
    }

    pub(crate) fn kid(&self) -> &str {
        &self.public.kid
    }

    pub(crate) const fn public(&self) -> &PublicKey {
        &self.public
    }
}

/// A sealed key opens for its own `kid` alone, so that no row can pass for another.
fn header(kid: &str) -> Header {
    Header::new("signing-key", kid.to_owned())
}

impl PublicKey {
    fn new(algorithm: Algorithm, kid: &str, n: &[u8], e: &[u8]) -> Self {
        Self {
            kty: "RSA",
            usage: "sig",
            alg: algorithm.name(),
            kid: kid.to_owned(),
            n: URL_SAFE_NO_PAD.encode(n),
            e: URL_SAFE_NO_PAD.encode(e),
        }
    }
}

impl Algorithm {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
        }
    }
}

/// A name that is no algorithm of this version.
pub(crate) struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        match name {
            "RS256" => Ok(Self::Rs256),
            _ => Err(UnknownAlgorithm),
        }
    }
}

//! One key that signs ID tokens: made, kept sealed, opened again, published.

use std::{str::FromStr, sync::Arc};

use alias_domain::{Secret, SigningAlgorithm, ports::Failure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::jws::{self, ES256, EdDSA, JwsHeader, JwsSigner, JwsVerifier, RS256};
use openssl::{
    bn::{BigNum, BigNumContext},
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    nid::Nid,
    pkey::{Id, PKey, Private},
    rsa::Rsa,
};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    chance,
    error::crypto,
    jwe::{self, Header},
    key::Key,
};

/// The size of the RSA keys that are made from now on. A key that is there keeps its own.
///
/// ```
/// use alias_signing::RsaSize;
/// assert_eq!("2048".parse(), Ok(RsaSize::Bits2048));
/// assert_eq!(RsaSize::default(), RsaSize::Bits3072);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RsaSize {
    /// The least that RS256 may have (RFC 7518 3.3), worth 112 bits of security. A signature takes
    /// about a third of the time that one of 3072 bits takes.
    Bits2048,
    /// Worth 128 bits of security (NIST SP 800-57 1, table 2), and the size of the seed's example
    /// (R18).
    #[default]
    Bits3072,
    /// Worth a little more than 128 bits, at more than twice the time.
    Bits4096,
}

/// A size that there is not.
///
/// ```
/// use alias_signing::RsaSize;
/// let refused = "1024".parse::<RsaSize>().map_err(|it| it.to_string());
/// assert_eq!(refused, Err("2048, 3072 or 4096 is expected".to_owned()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("2048, 3072 or 4096 is expected")]
pub struct UnknownRsaSize;

impl RsaSize {
    const fn bits(self) -> u32 {
        match self {
            Self::Bits2048 => 2048,
            Self::Bits3072 => 3072,
            Self::Bits4096 => 4096,
        }
    }
}

impl FromStr for RsaSize {
    type Err = UnknownRsaSize;

    fn from_str(text: &str) -> Result<Self, UnknownRsaSize> {
        match text {
            "2048" => Ok(Self::Bits2048),
            "3072" => Ok(Self::Bits3072),
            "4096" => Ok(Self::Bits4096),
            _ => Err(UnknownRsaSize),
        }
    }
}

/// A private key, parsed once, and its public half.
pub(crate) struct SigningKey {
    public: PublicKey,
    signer: Box<dyn JwsSigner>,
    verifying: Arc<VerifyingKey>,
}

/// What reads an ID token that comes back: the public half of a key.
pub(crate) struct VerifyingKey {
    verifier: Box<dyn JwsVerifier>,
    /// How every ID token begins that the key signed.
    beginning: String,
}

/// What is signed, as its `typ` says, so that none passes for another (RFC 8725 3.11).
#[derive(Clone, Copy)]
pub(crate) enum Token {
    /// R18.
    Id,
    /// OIDC Back-Channel Logout 1.0, 2.4.
    Logout,
}

impl Token {
    const fn name(self) -> &'static str {
        match self {
            Self::Id => "JWT",
            Self::Logout => "logout+jwt",
        }
    }
}

/// A public key as the key set has it (RFC 7517 4).
#[derive(Clone, Serialize)]
pub(crate) struct PublicKey {
    kty: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: String,
    #[serde(flatten)]
    members: Members,
}

/// What makes a public key of its kind.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Members {
    /// RFC 7518 6.3.1.
    Rsa { n: String, e: String },
    /// RFC 7518 6.2.1.
    Ec {
        crv: &'static str,
        x: String,
        y: String,
    },
    /// RFC 8037 2.
    Okp { crv: &'static str, x: String },
}

impl SigningKey {
    /// Makes a key, and seals it for the store: its `kid` and the sealed text. An RSA key takes up
    /// to a second of a core.
    pub(crate) fn make(
        algorithm: SigningAlgorithm,
        rsa: RsaSize,
        sealing_key: &Key,
    ) -> Result<(String, String), Failure> {
        let kid = URL_SAFE_NO_PAD.encode(chance::bits::<16>());
        let private = generated(algorithm, rsa)
            .and_then(|it| it.private_key_to_pkcs8())
            .map(Zeroizing::new)
            .map_err(crypto)?;
        let sealed = jwe::seal(sealing_key, &header(&kid), &private)?;
        Ok((kid, sealed))
    }

    /// Opens a stored key; `None` if it was sealed under another key, or for another `kid` or
    /// algorithm.
    ///
    /// The public key is taken from the private one: what is published is what was sealed, whoever
    /// can write to the store.
    pub(crate) fn open(
        algorithm: SigningAlgorithm,
        kid: &str,
        sealed: &str,
        sealing_key: &Key,
    ) -> Option<Self> {
        let private = jwe::open(sealing_key, &header(kid), sealed)?;
        let key = PKey::private_key_from_pkcs8(&private).ok()?;
        let (kty, members) = match algorithm {
            SigningAlgorithm::Rs256 => ("RSA", rsa(&key).ok()?),
            SigningAlgorithm::Es256 => ("EC", p256(&key).ok()?),
            SigningAlgorithm::EdDsa => ("OKP", ed25519(&key)?),
        };
        Some(Self {
            public: PublicKey {
                kty,
                usage: "sig",
                alg: algorithm.name(),
                kid: kid.to_owned(),
                members,
            },
            signer: signer(algorithm, kid, &private)?,
            verifying: Arc::new(VerifyingKey::of(
                algorithm,
                kid,
                &key.public_key_to_der().ok()?,
            )?),
        })
    }

    /// What a store keeps of a key that signs nothing any more: its public half, sealed. `None` if it
    /// does not open.
    pub(crate) fn public_half(
        kid: &str,
        sealed: &str,
        sealing_key: &Key,
    ) -> Option<Result<String, Failure>> {
        let private = jwe::open(sealing_key, &header(kid), sealed)?;
        let key = PKey::private_key_from_pkcs8(&private).ok()?;
        let public = key.public_key_to_der().ok()?;
        Some(jwe::seal(sealing_key, &public_header(kid), &public))
    }

    /// Signs claims as they are written: nothing parses, orders or spells them again. The header
    /// is `typ`, `alg`, `kid` (R18).
    pub(crate) fn sign(&self, token: Token, claims: &[u8]) -> Result<Secret, Failure> {
        let mut header = JwsHeader::new();
        header.set_token_type(token.name());
        jws::serialize_compact(claims, &header, self.signer.as_ref())
            .map(Secret::new)
            .map_err(crypto)
    }

    pub(crate) const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Its public half, for what comes back.
    pub(crate) fn verifying(&self) -> Arc<VerifyingKey> {
        Arc::clone(&self.verifying)
    }
}

impl VerifyingKey {
    fn of(algorithm: SigningAlgorithm, kid: &str, public: &[u8]) -> Option<Self> {
        Some(Self {
            verifier: verifier(algorithm, public)?,
            beginning: beginning(algorithm, kid),
        })
    }

    /// Opens what a store keeps of a key that signs nothing any more. It is sealed like a private key:
    /// whoever can write to the store cannot put a key of theirs in its place.
    pub(crate) fn open(
        algorithm: SigningAlgorithm,
        kid: &str,
        sealed: &str,
        sealing_key: &Key,
    ) -> Option<Self> {
        let public = jwe::open(sealing_key, &public_header(kid), sealed)?;
        Self::of(algorithm, kid, &public)
    }

    /// The claims of an ID token, if it is exactly one that this key signed. What its header says is
    /// never followed, nor read: it must be the one that [`SigningKey::sign`] writes.
    pub(crate) fn verified(&self, token: &str) -> Option<Vec<u8>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let claims = signed.strip_prefix(&self.beginning)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.verifier.verify(signed.as_bytes(), &signature).ok()?;
        URL_SAFE_NO_PAD.decode(claims).ok()
    }
}

/// A sealed key opens for its own `kid` alone, so that no row can pass for another.
fn header(kid: &str) -> Header {
    Header::new("signing-key", kid.to_owned())
}

/// A public half is no private key, and passes for none.
fn public_header(kid: &str) -> Header {
    Header::new("verifying-key", kid.to_owned())
}

fn generated(algorithm: SigningAlgorithm, rsa: RsaSize) -> Result<PKey<Private>, ErrorStack> {
    match algorithm {
        SigningAlgorithm::Rs256 => Rsa::generate(rsa.bits()).and_then(PKey::from_rsa),
        SigningAlgorithm::Es256 => EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)
            .and_then(|curve| EcKey::generate(&curve))
            .and_then(PKey::from_ec_key),
        SigningAlgorithm::EdDsa => PKey::generate_ed25519(),
    }
}

/// Each signer puts its `kid` into the header, behind `alg`.
fn signer(algorithm: SigningAlgorithm, kid: &str, private: &[u8]) -> Option<Box<dyn JwsSigner>> {
    match algorithm {
        SigningAlgorithm::Rs256 => {
            let mut signer = RS256.signer_from_der(private).ok()?;
            signer.set_key_id(kid);
            Some(Box::new(signer))
        }
        SigningAlgorithm::Es256 => {
            let mut signer = ES256.signer_from_der(private).ok()?;
            signer.set_key_id(kid);
            Some(Box::new(signer))
        }
        SigningAlgorithm::EdDsa => {
            let mut signer = EdDSA.signer_from_der(private).ok()?;
            signer.set_key_id(kid);
            Some(Box::new(signer))
        }
    }
}

fn verifier(algorithm: SigningAlgorithm, public: &[u8]) -> Option<Box<dyn JwsVerifier>> {
    Some(match algorithm {
        SigningAlgorithm::Rs256 => Box::new(RS256.verifier_from_der(public).ok()?),
        SigningAlgorithm::Es256 => Box::new(ES256.verifier_from_der(public).ok()?),
        SigningAlgorithm::EdDsa => Box::new(EdDSA.verifier_from_der(public).ok()?),
    })
}

/// The header in base64url, and the dot behind it.
fn beginning(algorithm: SigningAlgorithm, kid: &str) -> String {
    let kid = serde_json::Value::from(kid);
    let header = format!(r#"{{"typ":"JWT","alg":"{algorithm}","kid":{kid}}}"#);
    format!("{}.", URL_SAFE_NO_PAD.encode(header))
}

fn rsa(key: &PKey<Private>) -> Result<Members, ErrorStack> {
    let rsa = key.rsa()?;
    Ok(Members::Rsa {
        n: URL_SAFE_NO_PAD.encode(rsa.n().to_vec()),
        e: URL_SAFE_NO_PAD.encode(rsa.e().to_vec()),
    })
}

/// A coordinate has 32 bytes, zeros in front among them (RFC 7518 6.2.1.2).
fn p256(key: &PKey<Private>) -> Result<Members, ErrorStack> {
    let key = key.ec_key()?;
    let (mut x, mut y, mut context) = (BigNum::new()?, BigNum::new()?, BigNumContext::new()?);
    let point = key.public_key();
    point.affine_coordinates(key.group(), &mut x, &mut y, &mut context)?;
    Ok(Members::Ec {
        crv: "P-256",
        x: URL_SAFE_NO_PAD.encode(x.to_vec_padded(32)?),
        y: URL_SAFE_NO_PAD.encode(y.to_vec_padded(32)?),
    })
}

fn ed25519(key: &PKey<Private>) -> Option<Members> {
    if key.id() != Id::ED25519 {
        return None;
    }
    Some(Members::Okp {
        crv: "Ed25519",
        x: URL_SAFE_NO_PAD.encode(key.raw_public_key().ok()?),
    })
}

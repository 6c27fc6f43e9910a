//! What ID tokens are signed with, as each client is registered.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a client's ID tokens are signed with (RFC 7518 3.1, RFC 8037 3.1). They are ordered as key
/// sets list them: the default first, for some libraries try the keys of a set in turn, whatever `kid`
/// says, and stop at the first of a type that they do not know.
///
/// ```
/// use alias_domain::SigningAlgorithm;
/// assert_eq!(SigningAlgorithm::default().to_string(), "RS256");
/// assert_eq!("EdDSA".parse(), Ok(SigningAlgorithm::EdDsa));
/// assert!(SigningAlgorithm::Rs256 < SigningAlgorithm::Es256);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum SigningAlgorithm {
    /// RSA with PKCS #1 v1.5 and SHA-256: the one that every client knows (R18).
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256: signatures of 64 bytes.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// A name that is no algorithm of this version.
///
/// ```
/// use alias_domain::{SigningAlgorithm, UnknownAlgorithm};
/// assert_eq!("none".parse::<SigningAlgorithm>(), Err(UnknownAlgorithm));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no algorithm of this version")]
pub struct UnknownAlgorithm;

impl SigningAlgorithm {
    /// Every algorithm, the default first.
    ///
    /// ```
    /// use alias_domain::SigningAlgorithm;
    /// assert_eq!(SigningAlgorithm::ALL.first(), Some(&SigningAlgorithm::default()));
    /// ```
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// The name on the wire.
    ///
    /// ```
    /// assert_eq!(alias_domain::SigningAlgorithm::Es256.name(), "ES256");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SigningAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(UnknownAlgorithm)
    }
}

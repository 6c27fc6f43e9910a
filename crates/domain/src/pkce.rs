//! Proof Key for Code Exchange (RFC 7636), `S256` only (R28).

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::Digest;

/// An `S256` code challenge.
///
/// ```
/// use alias_domain::Challenge;
/// // The pair of RFC 7636 appendix B.
/// let challenge: Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".parse()?;
/// assert!(challenge.is_met_by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
/// # Ok::<(), alias_domain::MalformedChallenge>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Challenge(String);

/// A text that is no challenge: not 43 characters of base64url (R28).
///
/// ```
/// use alias_domain::{Challenge, MalformedChallenge};
/// assert_eq!("short".parse::<Challenge>(), Err(MalformedChallenge));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("code_challenge must be 43 characters of base64url")]
pub struct MalformedChallenge;

impl Challenge {
    /// The challenge of a verifier; `None` of a text that is none (RFC 7636 4.1, 4.2).
    ///
    /// ```
    /// # use alias_domain::Challenge;
    /// let challenge = Challenge::of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    /// assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".parse().ok());
    /// assert_eq!(Challenge::of("short"), None);
    /// ```
    #[must_use]
    pub fn of(verifier: &str) -> Option<Self> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let sound = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
        sound.then(|| Self(URL_SAFE_NO_PAD.encode(Digest::of(verifier.as_bytes()).bytes())))
    }

    /// Whether this is the verifier that the challenge was made from.
    ///
    /// ```
    /// # use alias_domain::Challenge;
    /// let challenge: Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".parse()?;
    /// assert!(!challenge.is_met_by("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
    /// # Ok::<(), alias_domain::MalformedChallenge>(())
    /// ```
    #[must_use]
    pub fn is_met_by(&self, verifier: &str) -> bool {
        Self::of(verifier).is_some_and(|it| it.0.as_bytes().ct_eq(self.0.as_bytes()).into())
    }
}

impl std::str::FromStr for Challenge {
    type Err = MalformedChallenge;

    fn from_str(text: &str) -> Result<Self, MalformedChallenge> {
        let base64url = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        if text.len() == 43 && text.bytes().all(base64url) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedChallenge)
        }
    }
}

impl TryFrom<String> for Challenge {
    type Error = MalformedChallenge;

    fn try_from(text: String) -> Result<Self, MalformedChallenge> {
        text.parse()
    }
}

impl From<Challenge> for String {
    fn from(challenge: Challenge) -> Self {
        challenge.0
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

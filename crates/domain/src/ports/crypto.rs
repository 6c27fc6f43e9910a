use async_trait::async_trait;
use uuid::Uuid;

use super::Failure;
use crate::{Capsule, IdTokenClaims, LogoutTokenClaims, Secret, SigningAlgorithm};

/// Seals what tokens say, so that only Alias can make or read them (R17).
///
/// ```
/// # use alias_domain::{Capsule, ports::Sealer, testing::{TestSealer, sample}};
/// let sealer = TestSealer::default();
/// let code = Capsule::Code { authorization: sample::standing().authorization.id };
/// let sealed = sealer.seal(&code)?;
/// assert_eq!(sealer.open(sealed.expose()), Some(code));
/// assert_eq!(sealer.open("a guess"), None);
/// # Ok::<(), alias_domain::ports::Failure>(())
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Sealer: Send + Sync {
    /// A URL-safe text of at least 40 characters (R17).
    ///
    /// # Errors
    /// If the cryptography fails.
    fn seal(&self, capsule: &Capsule) -> Result<Secret, Failure>;

    /// What the text says, if it is exactly one that was sealed here: `None` for anything cut,
    /// padded or made elsewhere.
    fn open(&self, sealed: &str) -> Option<Capsule>;
}

/// Signs ID tokens, and knows those that it signed.
///
/// ```
/// fn takes_any(id_tokens: &dyn alias_domain::ports::IdTokens) {}
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait IdTokens: Send + Sync {
    /// A JWS in compact form with the header `typ`, `alg`, `kid` (R18), by the active key of an
    /// algorithm.
    ///
    /// # Errors
    /// If the signature cannot be made.
    async fn sign(
        &self,
        algorithm: SigningAlgorithm,
        claims: &IdTokenClaims,
    ) -> Result<Secret, Failure>;

    /// The same for a logout token, whose `typ` is `logout+jwt`, so that it is no ID token.
    ///
    /// # Errors
    /// If the signature cannot be made.
    async fn sign_logout(
        &self,
        algorithm: SigningAlgorithm,
        claims: &LogoutTokenClaims,
    ) -> Result<Secret, Failure>;

    /// The claims, as they were signed, of exactly such an ID token by a key that is still published,
    /// however old it is: `None` for anything else, whatever it says of itself. Nothing is fetched.
    /// What the claims mean is for [`IdTokenHint::read`](crate::IdTokenHint::read).
    fn verified(&self, token: &str) -> Option<Vec<u8>>;
}

/// A password hash in PHC form. It does not print.
///
/// ```
/// use alias_domain::ports::PasswordHash;
/// let hash = PasswordHash::new("$argon2id$…");
/// assert_eq!(format!("{hash:?}"), "[redacted]");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// See the type for an example.
    #[must_use]
    pub fn new(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// The PHC string.
    ///
    /// ```
    /// assert_eq!(alias_domain::ports::PasswordHash::new("$x").as_str(), "$x");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What a password turned out to be.
///
/// ```
/// use alias_domain::ports::PasswordVerdict;
/// assert_ne!(PasswordVerdict::Wrong, PasswordVerdict::Right { rehash: None });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is the user's.
    Right {
        /// A hash with today's parameters, where the stored one has others.
        rehash: Option<PasswordHash>,
    },
    /// It is not.
    Wrong,
}

/// Hashes passwords.
///
/// ```
/// fn takes_any(passwords: &dyn alias_domain::ports::Passwords) {}
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Passwords: Send + Sync {
    /// Hashes a new password.
    ///
    /// # Errors
    /// If the cryptography fails.
    async fn hash(&self, password: &Secret) -> Result<PasswordHash, Failure>;

    /// Checks a password. Without a stored hash (no such user) it is wrong, after as much work as
    /// any other answer takes.
    ///
    /// # Errors
    /// If the cryptography fails.
    async fn verify(
        &self,
        password: &Secret,
        stored: Option<PasswordHash>,
    ) -> Result<PasswordVerdict, Failure>;
}

/// Randomness from the operating system.
///
/// ```
/// # use alias_domain::{ports::Chance, testing::TestChance};
/// let chance = TestChance::default();
/// assert_ne!(chance.id(), chance.id());
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Chance: Send + Sync {
    /// 128 random bits.
    fn id(&self) -> Uuid;

    /// 256 random bits.
    fn secret(&self) -> [u8; 32];
}

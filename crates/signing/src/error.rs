//! What may go wrong with keys and with cryptography.

use alias_domain::{
    KeyAlgorithm, NotRotated,
    ports::{Failure, StoreError},
};

/// The keys cannot be used, or not be rotated.
///
/// ```
/// use alias_signing::SigningError;
/// let error = SigningError::WrongMaster { kid: "RIpbfh4fpqMpHn2C7WxrKQ".to_owned() };
/// assert_eq!(
///     error.to_string(),
///     "keys.master does not open the stored key RIpbfh4fpqMpHn2C7WxrKQ",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The stored key was sealed under another master key, or was altered.
    #[error("keys.master does not open the stored key {kid}")]
    WrongMaster {
        /// The key's ID.
        kid: String,
    },
    /// The store keeps no key of this algorithm.
    #[error("the store keeps no {0} key")]
    NoKey(KeyAlgorithm),
    /// A key gets no successor now.
    #[error(transparent)]
    NotRotated(#[from] NotRotated),
    /// The store does not answer, or the cryptography fails.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for SigningError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// What the libraries below us say went wrong. None of them puts a secret into its message.
pub(crate) fn crypto(error: impl std::fmt::Display) -> Failure {
    Failure::Crypto(error.to_string())
}

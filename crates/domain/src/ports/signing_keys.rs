use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;

/// An ID token signing key as a store keeps it.
///
/// ```
/// use alias_domain::ports::StoredSigningKey;
/// let key = StoredSigningKey {
///     kid: "RIpbfh4fpqMpHn2C7WxrKQ".to_owned(),
///     algorithm: "RS256".to_owned(),
///     sealed: "eyJ…".to_owned(),
///     public_jwk: "{}".to_owned(),
///     created_at: chrono::DateTime::UNIX_EPOCH,
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// The key ID (RFC 7517 4.5).
    pub kid: String,
    /// The JWS algorithm (RFC 7518 3.1).
    pub algorithm: String,
    /// The private key, sealed under the master key.
    pub sealed: String,
    /// The public key as the key set has it.
    pub public_jwk: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// The signing keys.
///
/// ```
/// # use alias_domain::{ports::SigningKeys, testing::MemoryStore};
/// # pollster::block_on(async {
/// assert_eq!(MemoryStore::default().signing_keys().await?, []);
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SigningKeys: Send + Sync {
    /// All keys, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError>;

    /// Adds the first key of an algorithm; `false` if there is one already. Of any number of
    /// rivals, one is told `true`.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn add_first_signing_key(&self, key: &StoredSigningKey) -> Result<bool, StoreError>;
}

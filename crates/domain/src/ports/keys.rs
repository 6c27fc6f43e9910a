use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;

/// A key as a store keeps it: one that signs ID tokens, or one that seals tokens.
///
/// ```
/// use alias_domain::ports::StoredKey;
/// let key = StoredKey {
///     kid: "RIpbfh4fpqMpHn2C7WxrKQ".to_owned(),
///     algorithm: "RS256".to_owned(),
///     sealed: "eyJ…".to_owned(),
///     created_at: chrono::DateTime::UNIX_EPOCH,
///     active_from: chrono::DateTime::UNIX_EPOCH,
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The key ID (RFC 7517 4.5).
    pub kid: String,
    /// What it is for: `RS256`, `ES256`, `EdDSA` or `A256GCM` (RFC 7518, RFC 8037), or `RS256-public`
    /// and so on, for what is left of one that signed; a newer node may know others.
    pub algorithm: String,
    /// The secret, private or public key, sealed under the master key.
    pub sealed: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it is used for the first time. Until then it is published, or opens tokens.
    pub active_from: DateTime<Utc>,
}

/// The keys, which turn over while the service runs.
///
/// ```
/// # use alias_domain::{ports::{Keys, StoredKey}, testing::MemoryStore};
/// # pollster::block_on(async {
/// # let noon = alias_domain::testing::sample::NOON;
/// let key = |kid: &str, created_at| StoredKey {
///     kid: kid.to_owned(),
///     algorithm: "ES256".to_owned(),
///     sealed: "eyJ…".to_owned(),
///     created_at,
///     active_from: created_at,
/// };
/// let later = key("b", noon + chrono::TimeDelta::hours(1));
/// let store = MemoryStore::default();
/// assert!(store.add_first_key(&key("a", noon)).await?);
/// assert!(store.add_key(&later, "a").await?);
/// let left = StoredKey { algorithm: "ES256-public".to_owned(), ..key("a", noon) };
/// assert!(store.replace_key(&key("a", noon), &left).await?);
/// assert!(store.remove_key("a").await?);
/// assert_eq!(store.keys().await?, [later]);
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Keys: Send + Sync {
    /// All keys, oldest first: by `created_at`, then by `kid`.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError>;

    /// Adds the first key of its algorithm; `false` if there is one already. Of any number of
    /// rivals, one is told `true`. Its `kid` is fresh.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn add_first_key(&self, key: &StoredKey) -> Result<bool, StoreError>;

    /// Adds a key, if `after` is the newest key of its algorithm; `false` if it is not, or not any
    /// more: of any number of rivals that saw the same newest key, one is told `true`. Its `kid` is
    /// fresh, and it was made later than `after`.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn add_key(&self, key: &StoredKey, after: &str) -> Result<bool, StoreError>;

    /// Puts another form of a key in its place, with another `algorithm` and `sealed`, if the key is
    /// still as it was `before`; `false` if it is not. All else of it stays.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn replace_key(&self, before: &StoredKey, after: &StoredKey) -> Result<bool, StoreError>;

    /// Removes a key; `false` if there is none of this `kid`.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn remove_key(&self, kid: &str) -> Result<bool, StoreError>;
}

/// A store cannot say. No error of this kind changed anything.
///
/// ```
/// use alias_domain::ports::StoreError;
/// let error = StoreError::Unavailable("disk full".to_owned());
/// assert_eq!(error.to_string(), "the store is unavailable: disk full");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is away, or cannot write.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A row that makes no sense: the request fails closed.
    #[error("{table} row {key} makes no sense: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key, never its secret.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

/// A flow could not be finished, through no fault of who asked.
///
/// ```
/// use alias_domain::ports::{Failure, StoreError};
/// let failure = Failure::from(StoreError::Unavailable("disk full".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signature, a hash or a seal could not be made.
    #[error("cryptography failed: {0}")]
    Crypto(String),
}

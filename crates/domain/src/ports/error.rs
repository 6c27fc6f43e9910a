/// A store cannot say. Nobody was given anything; as a rule nothing changed.
///
/// There are three exceptions. When the way to a database is lost in the middle of a step, the step
/// may have been done: a code is then spent, and a refresh can be retried (R23). A step that found a
/// corrupt row may have spent what it was asked for. And a step that disagreed with the rules may not
/// have been undone.
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
    /// A statement wrote something else than the rules say, which is a fault in the store. Nothing is
    /// handed out, and the grant lives.
    #[error(
        "{table} row {key} was not written as the rules say, which is a fault in Alias; {}",
        if *.undone { "this was undone" } else { "this could not be undone" }
    )]
    Disagreement {
        /// The table.
        table: &'static str,
        /// The row's key, never its secret.
        key: String,
        /// Whether the row is again as it was before.
        undone: bool,
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
    /// More is asked for than can be done in time. Nothing was done.
    #[error("too busy: too many wait already")]
    Busy,
}

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{AuthorizationId, Lifetimes, Redeem, Redemption, Rotate, Rotation, Standing};

/// Authorizations: one row each, for its whole life.
///
/// ```
/// # use alias_domain::{Lifetimes, ports::Authorizations, testing::{MemoryStore, sample}};
/// # pollster::block_on(async {
/// let store = MemoryStore::default();
/// let unknown = store
///     .redeem(&sample::redemption(), &Lifetimes::default(), sample::NOON)
///     .await?;
/// assert!(unknown.is_none());
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Authorizations: Send + Sync {
    /// The authorization with everything that its worth depends on, read at one moment; `None` if
    /// it ended.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn standing(&self, id: AuthorizationId) -> Result<Option<Standing>, StoreError>;

    /// Exchanges a code as [`redeem`](crate::redeem) judges, in one step: the verdict and what it
    /// changes are one commit. Of any number of rivals, one at most is granted. The standing is
    /// that before the step; `None` if the authorization ended.
    ///
    /// # Errors
    /// If the store does not answer; see [`StoreError`] for what may have changed.
    async fn redeem(
        &self,
        redemption: &Redemption,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Redeem)>, StoreError>;

    /// Refreshes as [`rotate`](crate::rotate) judges, in one step: the verdict and what it changes
    /// are one commit. Rivals with one token get the same next generation. The standing is that
    /// before the step; `None` if the authorization ended.
    ///
    /// # Errors
    /// If the store does not answer; see [`StoreError`] for what may have changed.
    async fn rotate(
        &self,
        rotation: &Rotation,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Rotate)>, StoreError>;

    /// Ends an authorization with every token that stems from it. Ending twice is harmless.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn end_authorization(&self, id: AuthorizationId) -> Result<(), StoreError>;

    /// Makes the user tokens of an authorization that were issued at this time or before worth
    /// nothing; its refresh tokens go on.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn void_user_tokens(
        &self,
        id: AuthorizationId,
        through: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

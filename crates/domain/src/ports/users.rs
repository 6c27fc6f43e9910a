use async_trait::async_trait;

use super::{PasswordHash, StoreError};
use crate::{Email, User, UserId};

/// Another user has this email address.
///
/// ```
/// assert_eq!(alias_domain::ports::EmailTaken.to_string(), "another user has this email address");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another user has this email address")]
pub struct EmailTaken;

/// The users.
///
/// ```
/// # use alias_domain::{ports::{PasswordHash, Users}, testing::{MemoryStore, sample}};
/// # pollster::block_on(async {
/// let store = MemoryStore::default();
/// let added = store.insert_user(&sample::user(), &PasswordHash::new("$argon2id$…")).await?;
/// assert_eq!(added, Ok(()));
/// assert_eq!(store.user(sample::user().id).await?, Some(sample::user()));
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user. Of rivals with one email address, one is added.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn insert_user(
        &self,
        user: &User,
        password: &PasswordHash,
    ) -> Result<Result<(), EmailTaken>, StoreError>;

    /// The user, if there is one.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user who signs in with this address, and the hash of their password.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn user_by_email(
        &self,
        email: &Email,
    ) -> Result<Option<(User, PasswordHash)>, StoreError>;

    /// All users, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn users(&self) -> Result<Vec<User>, StoreError>;

    /// Replaces a stored hash by a better one of the same password, if it is still `before`.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn rehash_password(
        &self,
        id: UserId,
        before: &PasswordHash,
        next: &PasswordHash,
    ) -> Result<(), StoreError>;

    /// Replaces the address and nickname of `next.id`, if they are still those of `before`; `false` if
    /// they are not, or there is no such user. Everything else of the user stays as it is.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn update_user(
        &self,
        before: &User,
        next: &User,
    ) -> Result<Result<bool, EmailTaken>, StoreError>;

    /// Sets another password and ends every session in the same step, with the notices of
    /// [`end_session`](super::Sessions::end_session) (R30): whoever had the old password has nothing
    /// of it any more. `false` if there is no such user.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn reset_password(&self, id: UserId, password: &PasswordHash)
    -> Result<bool, StoreError>;

    /// Locks a user, which ends every session in the same step, with the notices of
    /// [`end_session`](super::Sessions::end_session), or unlocks them, which restores authorizations
    /// and no session (R30); `false` if there is no such user.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn lock_user(&self, id: UserId, locked: bool) -> Result<bool, StoreError>;

    /// Ends everything of the user, pending codes included (R30), and their sessions with the
    /// notices of [`end_session`](super::Sessions::end_session); `false` if there is none. From this
    /// step on nothing of them counts, and the address is anybody's. Where they have very many rows,
    /// some go later, and make their notices then: see [`Store::purge`](super::Store::purge).
    ///
    /// # Errors
    /// If the store does not answer.
    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError>;
}

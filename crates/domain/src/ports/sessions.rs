use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{PasswordHash, StoreError};
use crate::{Digest, Session, SessionId, UserId};

/// A sign-in, to become a session.
///
/// ```
/// # use alias_domain::{Digest, ports::SessionStart, testing::sample};
/// let start = SessionStart {
///     id: sample::session().id,
///     user: sample::user().id,
///     token: Digest::of(b"a fresh token"),
///     password: None,
///     presented: vec![],
///     auth_time: sample::NOON,
///     expires_at: sample::NOON + chrono::TimeDelta::days(14),
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStart {
    /// Fresh; used if the user has no session at this browser yet.
    pub id: SessionId,
    /// Who signs in.
    pub user: UserId,
    /// The digest of the new session token.
    pub token: Digest,
    /// The hash of the password that was found right, where the sign-in was by a password: with
    /// another one since, no session begins.
    pub password: Option<PasswordHash>,
    /// The digests of the session tokens that the browser presented.
    pub presented: Vec<Digest>,
    /// Now.
    pub auth_time: DateTime<Utc>,
    /// The end.
    pub expires_at: DateTime<Utc>,
}

/// What became of a sign-in.
///
/// ```
/// # use alias_domain::{ports::Started, testing::sample};
/// let begun = Started::Session { id: sample::session().id, replaced: None };
/// assert_ne!(begun, Started::Locked);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// It began, or the user's session at this browser was renewed.
    Session {
        /// Its identifier.
        id: SessionId,
        /// The presented token that the new one replaces.
        replaced: Option<Digest>,
    },
    /// The user is locked or gone, or has another password by now (R30).
    Locked,
}

/// The sessions. A store sees digests of their tokens, never the tokens.
///
/// ```
/// # use alias_domain::{Digest, ports::Sessions, testing::{MemoryStore, sample}};
/// # pollster::block_on(async {
/// let store = MemoryStore::default();
/// assert_eq!(store.live_sessions(&[Digest::of(b"guess")], sample::NOON).await?, []);
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a session. If one of the presented tokens is of a live session of the same user,
    /// that one is renewed instead: it keeps its ID, and its old token is worth nothing from then
    /// on. Where the user has [more than they may](Session::MOST) now, the one whose sign-in is the
    /// longest ago ends, as [`end_session`](Self::end_session) does it (R34). A locked user gets none,
    /// nor does whoever signed in with a password that was replaced since (R30).
    ///
    /// # Errors
    /// If the store does not answer.
    async fn start_session(&self, start: &SessionStart) -> Result<Started, StoreError>;

    /// The sessions of these tokens that have not ended, in the order of the tokens.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn live_sessions(
        &self,
        tokens: &[Digest],
        now: DateTime<Utc>,
    ) -> Result<Vec<(Digest, Session)>, StoreError>;

    /// A user's sessions that have not ended, the latest sign-in first; none of a locked user.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn sessions_of(
        &self,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>, StoreError>;

    /// Ends a session, and no token (R30). In the same step, each client that took part in it and
    /// is registered for back-channel logout gets a [notice](super::Notices). Ending twice is
    /// harmless.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn end_session(&self, id: SessionId) -> Result<(), StoreError>;

    /// Ends every session of a user in one step, each as [`end_session`](Self::end_session) does.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn end_sessions_of(&self, user: UserId) -> Result<(), StoreError>;
}

//! What the rules need of the world: one trait per collaborator, whole atomic steps only, so that
//! no transaction leaks out of a store. Each method states its promise; the contract suite
//! (`testing::contract`) holds every store to it.

mod authorizations;
mod backchannel;
mod clients;
mod crypto;
mod error;
mod grants;
mod interactions;
mod keys;
mod limits;
mod notices;
mod sessions;
mod transfer;
mod users;

pub use authorizations::Authorizations;
#[cfg(feature = "testing")]
pub use authorizations::MockAuthorizations;
#[cfg(feature = "testing")]
pub use backchannel::MockBackchannel;
pub use backchannel::{Backchannel, Undelivered};
pub use clients::Clients;
#[cfg(feature = "testing")]
pub use clients::MockClients;
pub use crypto::{Chance, IdTokens, PasswordHash, PasswordVerdict, Passwords, Sealer};
#[cfg(feature = "testing")]
pub use crypto::{MockChance, MockIdTokens, MockPasswords, MockSealer};
pub use error::{Failure, StoreError};
#[cfg(feature = "testing")]
pub use grants::MockGrants;
pub use grants::{
    Anticipated, Anticipation, Approval, Decision, Grants, LiveGrant, Moment, Recorded,
};
pub use interactions::Interactions;
#[cfg(feature = "testing")]
pub use interactions::MockInteractions;
#[cfg(feature = "testing")]
pub use keys::MockKeys;
pub use keys::{Keys, StoredKey};
pub use limits::Limits;
#[cfg(feature = "testing")]
pub use limits::MockLimits;
#[cfg(feature = "testing")]
pub use notices::MockNotices;
pub use notices::{Claim, Notices};
#[cfg(feature = "testing")]
pub use sessions::MockSessions;
pub use sessions::{SessionStart, Sessions, Started};
pub use transfer::{
    Counts, Export, Import, ImportError, Kind, Page, Participation, StoredConnection, StoredNotice,
    StoredSession,
};
#[cfg(feature = "testing")]
pub use users::MockUsers;
pub use users::{EmailTaken, Users};

/// Everything that one database keeps.
///
/// ```
/// # use alias_domain::ports::Store;
/// fn takes_any(store: &dyn Store) {}
/// ```
#[async_trait::async_trait]
pub trait Store:
    Clients + Users + Sessions + Interactions + Grants + Authorizations + Keys + Notices
{
    /// Whether the database answers, and commits as a step that writes would: what keeps such a step
    /// from being answered keeps this, too. It writes, so whoever asks in the name of strangers asks
    /// seldom.
    ///
    /// # Errors
    /// If it does not.
    ///
    /// ```
    /// # use alias_domain::{ports::Store, testing::MemoryStore};
    /// assert!(pollster::block_on(MemoryStore::default().ping()).is_ok());
    /// ```
    async fn ping(&self) -> Result<(), StoreError>;

    /// The time of something that happened lately, if there is anything: of about the last sign-in,
    /// request or refresh whose row is still there. It is what a clock is compared with before it is
    /// believed ([`ClockTrust`](crate::ClockTrust)), so it is found by an index.
    ///
    /// # Errors
    /// If the database does not answer.
    ///
    /// ```
    /// # use alias_domain::{ports::Store, testing::MemoryStore};
    /// assert_eq!(pollster::block_on(MemoryStore::default().latest_activity()), Ok(None));
    /// ```
    async fn latest_activity(&self) -> Result<Option<chrono::DateTime<chrono::Utc>>, StoreError>;

    /// Removes rows of clients and users that were deleted, at most `limit` of a kind, and says how many
    /// it removed; nothing of them is left once there are none. They count for nothing from the step
    /// that deletes on, so this only makes room, and others may write in between.
    ///
    /// # Errors
    /// If the database does not answer.
    ///
    /// ```
    /// # use alias_domain::{ports::Store, testing::MemoryStore};
    /// assert_eq!(pollster::block_on(MemoryStore::default().purge(500)), Ok(0));
    /// ```
    async fn purge(&self, limit: u32) -> Result<u32, StoreError>;

    /// Removes at most `limit` rows of each kind that have ended or [were deleted](Self::purge), and
    /// says how many it removed. Nothing alive at `now` is touched; it may run while the service does.
    ///
    /// # Errors
    /// If the database does not answer.
    ///
    /// ```
    /// # use alias_domain::{ports::Store, testing::{MemoryStore, sample}};
    /// let removed = pollster::block_on(MemoryStore::default().sweep(sample::NOON, 500));
    /// assert_eq!(removed, Ok(0));
    /// ```
    async fn sweep(
        &self,
        now: chrono::DateTime<chrono::Utc>,
        limit: u32,
    ) -> Result<u32, StoreError>;
}

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{CLOCK_TOLERANCE, ClientId, LogoutNotice};

/// Which notices somebody takes upon themselves, and for how long.
///
/// ```
/// # use alias_domain::{ports::Claim, testing::sample::NOON};
/// let claim = Claim {
///     now: NOON,
///     until: NOON + chrono::TimeDelta::minutes(1),
///     limit: 8,
///     except: vec![],
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Those that are due at this time.
    pub now: DateTime<Utc>,
    /// Until then nobody else gets them. Then they are due again, if nothing was said of them: who
    /// claimed them may have died.
    pub until: DateTime<Utc>,
    /// No more than so many.
    pub limit: u32,
    /// None to these clients.
    pub except: Vec<ClientId>,
}

impl Claim {
    /// No pause is so long: what is due later than this was put off by a clock that was ahead, and
    /// is due now.
    ///
    /// ```
    /// # use alias_domain::{ports::Claim, testing::sample::NOON};
    /// let claim = Claim { now: NOON, until: NOON, limit: 8, except: vec![] };
    /// assert_eq!((claim.latest_due() - NOON).num_minutes(), 7 * 60 + 1);
    /// ```
    #[must_use]
    pub fn latest_due(&self) -> DateTime<Utc> {
        self.now + LogoutNotice::LONGEST_PAUSE + CLOCK_TOLERANCE
    }
}

/// The notices that wait for their clients. They are made in the step that ends a session: see
/// [`Sessions::end_session`](super::Sessions::end_session).
///
/// ```
/// # use alias_domain::{ports::{Claim, Notices}, testing::{MemoryStore, sample::NOON}};
/// # pollster::block_on(async {
/// let claim = Claim { now: NOON, until: NOON, limit: 8, except: vec![] };
/// assert_eq!(MemoryStore::default().claim_notices(&claim).await?, []);
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Notices: Send + Sync {
    /// Claims notices, and counts the try of each. Of any number of rivals, one gets a notice.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn claim_notices(&self, claim: &Claim) -> Result<Vec<LogoutNotice>, StoreError>;

    /// Lets a claimed notice be due again at another time, unless its claim ended and somebody else
    /// claimed it.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn postpone_notice(
        &self,
        notice: &LogoutNotice,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Forgets a claimed notice, unless its claim ended and somebody else claimed it.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn close_notice(&self, notice: &LogoutNotice) -> Result<(), StoreError>;
}

//! How long things live.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{CLOCK_TOLERANCE, RefreshChain};

/// How long things live; the defaults are those of `docs/operating.md`.
///
/// ```
/// use alias_domain::Lifetimes;
/// assert_eq!(Lifetimes::default().user_token.num_minutes(), 30);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A code (R17).
    pub auth_code: TimeDelta,
    /// A user token `[seed]`.
    pub user_token: TimeDelta,
    /// An ID token (R18).
    pub id_token: TimeDelta,
    /// A refresh token; each refresh starts it anew (R23).
    pub refresh_token: TimeDelta,
    /// How long a replaced refresh token may be retried (R23).
    pub refresh_grace: TimeDelta,
    /// A session.
    pub session: TimeDelta,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            auth_code: TimeDelta::seconds(60),
            user_token: TimeDelta::minutes(30),
            id_token: TimeDelta::minutes(30),
            refresh_token: TimeDelta::days(90),
            refresh_grace: TimeDelta::hours(1),
            session: TimeDelta::days(14),
        }
    }
}

impl Lifetimes {
    /// How long a shown page waits for its answer.
    ///
    /// ```
    /// assert_eq!(alias_domain::Lifetimes::INTERACTION.num_hours(), 1);
    /// ```
    pub const INTERACTION: TimeDelta = TimeDelta::hours(1);

    /// The latest end of a code that lives now: one of a later end was issued by a clock that was
    /// ahead, and would live too long (R17).
    ///
    /// ```
    /// use alias_domain::Lifetimes;
    /// # let now = chrono::DateTime::UNIX_EPOCH;
    /// let latest = Lifetimes::default().latest_end_of_code(now);
    /// assert_eq!((latest - now).num_seconds(), 60 + 60);
    /// ```
    #[must_use]
    pub fn latest_end_of_code(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.auth_code + CLOCK_TOLERANCE
    }

    pub(crate) fn may_be_a_code_until(&self, end: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now < end && end <= self.latest_end_of_code(now)
    }

    /// When the last of the tokens issued now ends.
    ///
    /// ```
    /// use alias_domain::Lifetimes;
    /// # let now = chrono::DateTime::UNIX_EPOCH;
    /// let lifetimes = Lifetimes::default();
    /// assert_eq!(lifetimes.end_of_tokens(now, None), now + lifetimes.user_token);
    /// ```
    #[must_use]
    pub fn end_of_tokens(
        &self,
        now: DateTime<Utc>,
        refresh: Option<&RefreshChain>,
    ) -> DateTime<Utc> {
        let user_token = now + self.user_token;
        refresh.map_or(user_token, |it| it.expires_at.max(user_token))
    }
}

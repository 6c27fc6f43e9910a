use chrono::{DateTime, TimeDelta, Utc};

use crate::{AliasId, Client, SessionId};

/// Tells one client that one session ended. It is kept until the client took it, or it is given up.
///
/// ```
/// # use alias_domain::testing::sample;
/// assert_eq!(sample::notice().attempt, 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotice {
    /// The client that took part in the session, as it is registered now.
    pub client: Client,
    /// The session that ended.
    pub session: SessionId,
    /// Whose it was, as the client sees them.
    pub alias_id: AliasId,
    /// Which try this is; the first is 1.
    pub attempt: u32,
}

/// What a client makes of a notice, as far as it can be known.
///
/// ```
/// use alias_domain::Delivery;
/// assert_eq!(Delivery::of(Some(503)), Delivery::Failed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It took the notice.
    Accepted,
    /// It says that the request is wrong: the next one would be no better.
    Refused,
    /// There was no answer, or another one.
    Failed,
}

/// What comes after a try.
///
/// ```
/// # use alias_domain::{Aftermath, Delivery, testing::sample};
/// let after = sample::notice().after(Delivery::Accepted, sample::NOON);
/// assert_eq!(after, Aftermath::Delivered);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// Nothing more is to be done.
    Delivered,
    /// Nothing more will be done.
    GivenUp,
    /// Another try, not before this time.
    Again(DateTime<Utc>),
}

impl Delivery {
    /// What an answer's HTTP status means (OIDC Back-Channel Logout 1.0, 2.8); `None` if there was
    /// no answer. See the type for an example.
    #[must_use]
    pub const fn of(status: Option<u16>) -> Self {
        match status {
            Some(200 | 204) => Self::Accepted,
            Some(400) => Self::Refused,
            _ => Self::Failed,
        }
    }
}

impl LogoutNotice {
    /// The last try. With the pauses between them, it is a day after the first.
    const LAST_ATTEMPT: u32 = 11;

    const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(2);

    pub(crate) const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(7);

    /// What comes after this try: a client that does not answer is asked again, after a pause that
    /// is four times as long each time, for about a day.
    ///
    /// ```
    /// # use alias_domain::{Aftermath, Delivery, testing::sample};
    /// let soon = sample::NOON + chrono::TimeDelta::seconds(2);
    /// let after = sample::notice().after(Delivery::Failed, sample::NOON);
    /// assert_eq!(after, Aftermath::Again(soon));
    /// ```
    #[must_use]
    pub fn after(&self, delivery: Delivery, now: DateTime<Utc>) -> Aftermath {
        match delivery {
            Delivery::Accepted => Aftermath::Delivered,
            Delivery::Refused => Aftermath::GivenUp,
            Delivery::Failed if self.attempt >= Self::LAST_ATTEMPT => Aftermath::GivenUp,
            Delivery::Failed => Aftermath::Again(now + Self::pause(self.attempt)),
        }
    }

    fn pause(attempt: u32) -> TimeDelta {
        let factor = 4_i32.checked_pow(attempt.saturating_sub(1));
        let pause = factor.and_then(|it| Self::FIRST_PAUSE.checked_mul(it));
        pause.map_or(Self::LONGEST_PAUSE, |it| it.min(Self::LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample::{self, NOON};

    #[test]
    fn a_client_that_fails_is_asked_ever_more_seldom_for_about_a_day() {
        let (mut now, mut attempt, mut pauses) = (NOON, 1, Vec::new());
        while let Aftermath::Again(at) = (LogoutNotice {
            attempt,
            ..sample::notice()
        })
        .after(Delivery::Failed, now)
        {
            pauses.push((at - now).num_seconds());
            (now, attempt) = (at, attempt + 1);
        }
        assert_eq!(
            pauses,
            [2, 8, 32, 128, 512, 2048, 8192, 25_200, 25_200, 25_200]
        );
        assert_eq!((now - NOON).num_hours(), 24);
    }

    #[test]
    fn two_answers_are_final_and_every_other_one_is_not() {
        for (status, delivery) in [
            (Some(200), Delivery::Accepted),
            (Some(204), Delivery::Accepted),
            (Some(400), Delivery::Refused),
            (Some(201), Delivery::Failed),
            (Some(302), Delivery::Failed),
            (Some(401), Delivery::Failed),
            (Some(404), Delivery::Failed),
            (Some(500), Delivery::Failed),
            (Some(503), Delivery::Failed),
            (None, Delivery::Failed),
        ] {
            assert_eq!(Delivery::of(status), delivery, "{status:?}");
        }
        let after = |delivery| sample::notice().after(delivery, NOON);
        assert_eq!(after(Delivery::Accepted), Aftermath::Delivered);
        assert_eq!(after(Delivery::Refused), Aftermath::GivenUp);
    }

    #[test]
    fn no_number_of_tries_is_too_large() {
        let notice = LogoutNotice {
            attempt: u32::MAX,
            ..sample::notice()
        };
        assert_eq!(notice.after(Delivery::Failed, NOON), Aftermath::GivenUp);
    }
}

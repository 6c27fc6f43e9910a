//! What is made of clocks that are wrong: times that lie ahead, and a clock that jumps.

use chrono::{DateTime, TimeDelta, Utc};

/// How far the clocks of two nodes may be apart. What is dated further ahead than this was dated by
/// a clock that was wrong.
///
/// ```
/// assert_eq!(alias_domain::CLOCK_TOLERANCE.num_seconds(), 60);
/// ```
pub const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(60);

/// Whether a time of the past lies in the future, by more than clocks may differ.
pub(crate) fn is_misdated(time: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    time - now > CLOCK_TOLERANCE
}

/// Two clocks, read together.
///
/// ```
/// # use alias_domain::{ClockReading, testing::sample::NOON};
/// let reading = ClockReading { wall: NOON, uptime: chrono::TimeDelta::hours(3) };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The time of day, which may be set to anything.
    pub wall: DateTime<Utc>,
    /// How long the machine has been up, time asleep included: it only ever passes.
    pub uptime: TimeDelta,
}

impl ClockReading {
    /// What the wall clock shows at another uptime, if nobody sets it in between.
    fn wall_at(&self, uptime: TimeDelta) -> DateTime<Utc> {
        self.wall + (uptime - self.uptime)
    }

    /// By how much another reading's wall clock is ahead of where this one leads.
    fn lead_of(&self, other: &Self) -> TimeDelta {
        other.wall - self.wall_at(other.uptime)
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.lead_of(other).abs() <= CLOCK_TOLERANCE
    }
}

/// Whether the wall clock is believed when something is about to be removed because its time is
/// over. Nothing brings that back, so a clock that is further ahead than time can have passed is not
/// believed, until it is set back or has run steadily for [`PROBATION`](Self::PROBATION).
///
/// ```
/// # use alias_domain::{ClockReading, ClockTrust, testing::sample::NOON};
/// # use chrono::TimeDelta;
/// let at = |days, minutes| ClockReading {
///     wall: NOON + TimeDelta::days(days) + TimeDelta::minutes(minutes),
///     uptime: TimeDelta::minutes(minutes),
/// };
/// let mut clock = ClockTrust::new(None, at(0, 0));
/// assert_eq!(clock.check(at(0, 1)), Ok(NOON + TimeDelta::minutes(1)));
/// assert!(clock.check(at(400, 2)).is_err());
/// assert_eq!(clock.check(at(0, 3)), Ok(NOON + TimeDelta::minutes(3)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ClockTrust {
    /// The last reading that was believed.
    believed: ClockReading,
    /// The first reading of a clock that has run steadily since, and disagrees with what was
    /// believed.
    strange: Option<ClockReading>,
    /// Whether that is where the process started.
    idle: bool,
}

/// Why the clock is not believed.
///
/// ```
/// # use chrono::TimeDelta;
/// let doubt = alias_domain::ClockDoubt::Jumped { ahead: TimeDelta::days(400) };
/// assert_eq!(doubt.to_string(), "the clock jumped 9600 hours and 0 minutes ahead");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockDoubt {
    /// It is further ahead than time has passed.
    #[error("the clock jumped {} hours and {} minutes ahead", ahead.num_hours(), ahead.num_minutes() % 60)]
    Jumped {
        /// By how much.
        ahead: TimeDelta,
    },
    /// The process started long after anything that its store knows of.
    #[error("the store was not used for {} hours, or the clock is ahead", idle.num_hours())]
    Idle {
        /// For how long the store was not used, by this clock.
        idle: TimeDelta,
    },
}

impl ClockTrust {
    /// For how long a clock must run steadily until it is believed nevertheless.
    ///
    /// ```
    /// assert_eq!(alias_domain::ClockTrust::PROBATION.num_hours(), 24);
    /// ```
    pub const PROBATION: TimeDelta = TimeDelta::hours(24);

    /// For how long a store may not have been used when a process starts: a clock that is further
    /// ahead of the newest time in it is not believed at once.
    ///
    /// ```
    /// assert_eq!(alias_domain::ClockTrust::IDLE.num_hours(), 24);
    /// ```
    pub const IDLE: TimeDelta = TimeDelta::hours(24);

    /// Begins with the newest time in the store, if it has any, and the first reading. See the type
    /// for an example.
    #[must_use]
    pub fn new(newest: Option<DateTime<Utc>>, first: ClockReading) -> Self {
        let latest = newest.map_or(first.wall, |it| it + Self::IDLE);
        let idle = first.wall > latest;
        Self {
            believed: ClockReading {
                wall: first.wall.min(latest),
                ..first
            },
            strange: idle.then_some(first),
            idle,
        }
    }

    /// The wall clock's time, if it is believed. A clock that was set back is: whatever has ended by
    /// it has ended.
    ///
    /// # Errors
    /// If it is ahead of where it can be.
    ///
    /// See the type for an example.
    pub fn check(&mut self, now: ClockReading) -> Result<DateTime<Utc>, ClockDoubt> {
        let steady_since = self.strange.filter(|it| it.agrees_with(&now));
        let has_run = steady_since.is_some_and(|it| now.uptime - it.uptime >= Self::PROBATION);
        if self.believed.agrees_with(&now) || has_run {
            *self = Self {
                believed: now,
                strange: None,
                idle: false,
            };
            return Ok(now.wall);
        }
        self.idle &= steady_since.is_some();
        self.strange = steady_since.or(Some(now));
        let ahead = self.believed.lead_of(&now);
        if ahead <= TimeDelta::zero() {
            return Ok(now.wall);
        }
        Err(match self.idle {
            true => ClockDoubt::Idle {
                idle: ahead + Self::IDLE,
            },
            false => ClockDoubt::Jumped { ahead },
        })
    }
}

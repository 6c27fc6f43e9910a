//! How keys turn over: a new one is published before it is used, and an old one stays until nothing
//! that it made is alive. Signing keys and sealing keys alike.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{CLOCK_TOLERANCE, Lifetimes, SigningAlgorithm, UnknownAlgorithm, ports::StoredKey};

/// What a key is for.
///
/// ```
/// use alias_domain::{KeyAlgorithm, SigningAlgorithm};
/// assert_eq!("ES256".parse(), Ok(KeyAlgorithm::Signing(SigningAlgorithm::Es256)));
/// assert_eq!(KeyAlgorithm::Sealing.to_string(), "A256GCM");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyAlgorithm {
    /// Signing ID tokens.
    Signing(SigningAlgorithm),
    /// Verifying ID tokens that come back as hints: what is left of a key that signed them, its public
    /// half.
    Verifying(SigningAlgorithm),
    /// Sealing codes, user tokens, refresh tokens and form tokens: A256GCM (RFC 7518 5.3).
    Sealing,
}

impl KeyAlgorithm {
    /// Every algorithm that something is made with: there is a key of each.
    ///
    /// ```
    /// assert_eq!(alias_domain::KeyAlgorithm::ALL.len(), 4);
    /// ```
    pub const ALL: [Self; 4] = [
        Self::Signing(SigningAlgorithm::Rs256),
        Self::Signing(SigningAlgorithm::Es256),
        Self::Signing(SigningAlgorithm::EdDsa),
        Self::Sealing,
    ];

    /// The name, as a store and a key set have it.
    ///
    /// ```
    /// assert_eq!(alias_domain::KeyAlgorithm::Sealing.name(), "A256GCM");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signing(algorithm) => algorithm.name(),
            Self::Verifying(SigningAlgorithm::Rs256) => "RS256-public",
            Self::Verifying(SigningAlgorithm::Es256) => "ES256-public",
            Self::Verifying(SigningAlgorithm::EdDsa) => "EdDSA-public",
            Self::Sealing => "A256GCM",
        }
    }

    /// The algorithm that a key made things with, also if it makes nothing any more.
    const fn when_it_made_things(self) -> Self {
        match self {
            Self::Verifying(algorithm) => Self::Signing(algorithm),
            other => other,
        }
    }

    /// For how long after its successor is used an ID token that it signed may come back as a hint: as
    /// long as the session may last in which it was issued (RP-Initiated Logout 1.0, 2). `None` if it
    /// signed none.
    fn remembered_for(self, lifetimes: &Lifetimes) -> Option<TimeDelta> {
        match self {
            Self::Signing(_) | Self::Verifying(_) => {
                Some(lifetimes.session.max(lifetimes.id_token))
            }
            Self::Sealing => None,
        }
    }

    /// The longest that anything lives which a key makes. A replaced refresh token may be retried
    /// after its own time, within the grace (R23); a form lives no longer than its session or its
    /// request.
    fn longest_life(self, lifetimes: &Lifetimes) -> TimeDelta {
        match self {
            Self::Signing(_) | Self::Verifying(_) => lifetimes.id_token,
            Self::Sealing => (lifetimes.refresh_token + lifetimes.refresh_grace)
                .max(lifetimes.user_token)
                .max(lifetimes.auth_code)
                .max(lifetimes.session)
                .max(Lifetimes::INTERACTION),
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        let left = SigningAlgorithm::ALL.map(Self::Verifying);
        let mut all = Self::ALL.into_iter().chain(left);
        all.find(|algorithm| algorithm.name() == name)
            .ok_or(UnknownAlgorithm)
    }
}

/// Where a key stands in its life.
///
/// ```
/// use alias_domain::KeyStage;
/// assert_ne!(KeyStage::Published, KeyStage::Active);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStage {
    /// Known to everyone, and not used yet.
    Published,
    /// The one that signs or seals.
    Active,
    /// Its successor is used; what it made may be alive.
    Retiring {
        /// When nothing of that is alive any more.
        until: DateTime<Utc>,
    },
    /// Nothing that it signed is alive. It is published no more, and verifies what comes back as a
    /// hint; its private half is of no use.
    Remembered {
        /// When the last session has ended in which it signed anything.
        until: DateTime<Utc>,
    },
    /// It is of no use any more.
    Retired,
}

impl KeyStage {
    /// The name that operators read.
    ///
    /// ```
    /// assert_eq!(alias_domain::KeyStage::Active.name(), "active");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Active => "active",
            Self::Retiring { .. } => "retiring",
            Self::Remembered { .. } => "remembered",
            Self::Retired => "retired",
        }
    }
}

/// A stored key whose algorithm is known here, and where it stands.
///
/// ```
/// # use alias_domain::{*, ports::StoredKey, testing::sample::NOON};
/// let key = StoredKey {
///     kid: "RIpbfh4fpqMpHn2C7WxrKQ".to_owned(),
///     algorithm: "EdDSA".to_owned(),
///     sealed: "eyJ…".to_owned(),
///     created_at: NOON,
///     active_from: NOON,
/// };
/// let keys = [key];
/// let schedule = key_schedule(&keys, &Lifetimes::default(), NOON);
/// assert_eq!(schedule[0].stage, KeyStage::Active);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledKey<'a> {
    /// The key.
    pub key: &'a StoredKey,
    /// What it is for.
    pub algorithm: KeyAlgorithm,
    /// Where it stands.
    pub stage: KeyStage,
}

/// Tells where each key stands `now`. The keys come oldest first, as a store returns them. A key of
/// an unknown algorithm is a newer node's: it is left out. See [`ScheduledKey`] for an example.
///
/// The active key of an algorithm is the newest whose time has come or, while that of none has, the
/// oldest: a clock that was ahead made it, and a published key is better than none. So there is
/// exactly one at every moment, and whatever it makes lives no longer than the key is kept. A node
/// whose clock is ahead may make something with a key that has a successor already: that is honoured
/// for [`CLOCK_TOLERANCE`] longer.
#[must_use]
pub fn key_schedule<'a>(
    keys: &'a [StoredKey],
    lifetimes: &Lifetimes,
    now: DateTime<Utc>,
) -> Vec<ScheduledKey<'a>> {
    let scheduled = |(at, key): (usize, &'a StoredKey)| {
        let algorithm: KeyAlgorithm = key.algorithm.parse().ok()?;
        let succeeded_at = succeeded_at(keys, at, algorithm);
        let stage = match succeeded_at.filter(|it| *it <= now) {
            // What is left of it makes nothing, whatever the clock says.
            _ if matches!(algorithm, KeyAlgorithm::Verifying(_)) => {
                let since = succeeded_at.unwrap_or(key.active_from);
                remembered(algorithm, since, lifetimes, now)
            }
            Some(succeeded_at) => {
                let until = succeeded_at + algorithm.longest_life(lifetimes) + CLOCK_TOLERANCE;
                if now < until {
                    KeyStage::Retiring { until }
                } else {
                    remembered(algorithm, succeeded_at, lifetimes, now)
                }
            }
            None if now >= key.active_from || serves_early(keys, key, now) => KeyStage::Active,
            None => KeyStage::Published,
        };
        Some(ScheduledKey {
            key,
            algorithm,
            stage,
        })
    };
    keys.iter().enumerate().filter_map(scheduled).collect()
}

/// When the first of those keys is used that took the place of this one.
fn succeeded_at(keys: &[StoredKey], at: usize, algorithm: KeyAlgorithm) -> Option<DateTime<Utc>> {
    let kind = algorithm.when_it_made_things();
    let newer = keys.iter().skip(at + 1).filter(|it| {
        let algorithm: Result<KeyAlgorithm, UnknownAlgorithm> = it.algorithm.parse();
        algorithm.is_ok_and(|it| it.when_it_made_things() == kind)
    });
    newer.map(|it| it.active_from).min()
}

/// Where a key stands of whose work nothing is alive.
fn remembered(
    algorithm: KeyAlgorithm,
    succeeded_at: DateTime<Utc>,
    lifetimes: &Lifetimes,
    now: DateTime<Utc>,
) -> KeyStage {
    let until = algorithm
        .remembered_for(lifetimes)
        .map(|it| succeeded_at + it + CLOCK_TOLERANCE);
    match until {
        Some(until) if now < until => KeyStage::Remembered { until },
        _ => KeyStage::Retired,
    }
}

/// The keys of an algorithm.
fn of_its_kind<'a>(
    keys: &'a [StoredKey],
    algorithm: &str,
) -> impl DoubleEndedIterator<Item = &'a StoredKey> + Clone {
    keys.iter().filter(move |it| it.algorithm == algorithm)
}

/// Whether a key serves before its time: it is the oldest of its algorithm, and no other one's time
/// has come. Not the one that is active first, for that may be a successor that was made since the
/// clock is right, and nobody knows yet.
fn serves_early(keys: &[StoredKey], key: &StoredKey, now: DateTime<Utc>) -> bool {
    let mut all = of_its_kind(keys, &key.algorithm);
    all.clone().all(|it| now < it.active_from) && all.next().is_some_and(|it| it.kid == key.kid)
}

/// How long a new key is published before it is used: at least [`Lead::SHORTEST`].
///
/// ```
/// use alias_domain::Lead;
/// use chrono::TimeDelta;
/// assert_eq!(Lead::default().span(), TimeDelta::minutes(10));
/// assert_eq!(Lead::new(TimeDelta::seconds(1)), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead(TimeDelta);

impl Lead {
    /// Less would not reach every node and every client in time.
    ///
    /// ```
    /// assert_eq!(alias_domain::Lead::SHORTEST.num_seconds(), 2);
    /// ```
    pub const SHORTEST: TimeDelta = TimeDelta::seconds(2);

    /// See the type for an example.
    #[must_use]
    pub fn new(span: TimeDelta) -> Option<Self> {
        (span >= Self::SHORTEST).then_some(Self(span))
    }

    /// The time span.
    ///
    /// ```
    /// assert_eq!(alias_domain::Lead::default().span().num_minutes(), 10);
    /// ```
    #[must_use]
    pub const fn span(self) -> TimeDelta {
        self.0
    }

    /// How long a client may keep a key set that it fetched, in whole seconds: half the lead, so that
    /// who fetched it just before a key was published has fetched it again before that key is used;
    /// and no more than five minutes.
    ///
    /// ```
    /// assert_eq!(alias_domain::Lead::default().max_age(), 300);
    /// ```
    #[must_use]
    pub const fn max_age(self) -> i64 {
        let half = self.0.num_seconds() / 2;
        if half < 300 { half } else { 300 }
    }
}

impl Default for Lead {
    fn default() -> Self {
        Self(TimeDelta::minutes(10))
    }
}

/// The place of a key that is about to be made.
///
/// ```
/// # use alias_domain::{KeySuccession, testing::sample::NOON};
/// let place = KeySuccession { after: "a", created_at: NOON, active_from: NOON };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySuccession<'a> {
    /// The key that is the newest until then.
    pub after: &'a str,
    /// When it counts as made: later than that one, whatever the clocks say.
    pub created_at: DateTime<Utc>,
    /// When it is used for the first time.
    pub active_from: DateTime<Utc>,
}

/// Why a key does not get a successor now.
///
/// ```
/// use alias_domain::{KeyAlgorithm, NotRotated};
/// let error = NotRotated::NoKey(KeyAlgorithm::Sealing);
/// assert_eq!(error.to_string(), "there is no A256GCM key yet");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRotated {
    /// The last successor is not used yet.
    // `Debug` of a time is its form in RFC 3339.
    #[error(
        "the {algorithm} key {kid} waits to become active at {active_from:?}: rotate after that"
    )]
    Waits {
        /// What it is for.
        algorithm: KeyAlgorithm,
        /// The waiting key.
        kid: String,
        /// When it is used for the first time.
        active_from: DateTime<Utc>,
    },
    /// There is nothing to succeed.
    #[error("there is no {0} key yet")]
    NoKey(KeyAlgorithm),
}

/// Where a new key of an algorithm is to stand. The keys come oldest first, as a store returns them.
///
/// A key that is to be active later than this one, by a clock that was ahead, does not hold it up: it
/// is older than the new one, whatever the clocks said, and so never becomes active.
///
/// # Errors
/// While a key of that algorithm waits that is active as soon as this one would be; or if there is
/// none at all.
///
/// ```
/// # use alias_domain::{*, testing::sample::NOON};
/// let refused = key_succession(&[], KeyAlgorithm::Sealing, Lead::default(), NOON);
/// assert_eq!(refused, Err(NotRotated::NoKey(KeyAlgorithm::Sealing)));
/// ```
pub fn key_succession(
    keys: &[StoredKey],
    algorithm: KeyAlgorithm,
    lead: Lead,
    now: DateTime<Utc>,
) -> Result<KeySuccession<'_>, NotRotated> {
    let mut all = of_its_kind(keys, algorithm.name());
    let active_from = now + lead.span();
    // What is older than the active key has its successor.
    let to_come = all.clone().rev().take_while(|it| now < it.active_from);
    let mut soon = to_come.filter(|it| it.active_from <= active_from + CLOCK_TOLERANCE);
    if let Some(waiting) = soon.find(|it| !serves_early(keys, it, now)) {
        return Err(NotRotated::Waits {
            algorithm,
            kid: waiting.kid.clone(),
            active_from: waiting.active_from,
        });
    }
    let newest = all.next_back().ok_or(NotRotated::NoKey(algorithm))?;
    Ok(KeySuccession {
        after: &newest.kid,
        created_at: now.max(newest.created_at + TimeDelta::milliseconds(1)),
        active_from,
    })
}

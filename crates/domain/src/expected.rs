//! What a decision is expected to say, as data.
//!
//! A store may save a round trip: it writes what a decision will say in the usual case together with
//! reading what the decision depends on. It knows no rule, so the decision tells it here what that
//! case is (the guard) and what is written then (`next`). What was read is judged by the decision
//! all the same, and what was written is compared with what it says.
//!
//! A guard may hold less often than the decision grants: then nothing was written, and the step runs
//! under a lock. It never holds where the decision says anything else than `next`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    Access, Authorization, Challenge, Client, ClientId, ClientKind, Phase, Scope, Session,
    Standing, User, UserId, ports::Moment,
};

/// What a decision says wherever a guard holds.
///
/// ```
/// # use alias_domain::{Lifetimes, testing::sample::{NOON, redemption, standing}};
/// let expected = redemption().expected(&Lifetimes::default(), NOON);
/// let next = expected.next(&standing());
/// assert!(next.is_some_and(|it| it.phase != standing().authorization.phase));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected<N> {
    /// All of these must hold. Which conditions they are, and in which order, is the same for every
    /// value, so that a store makes one statement of them.
    pub guard: Vec<Condition>,
    /// What is written then.
    pub next: N,
}

/// Something that can be looked up when a guard is tested, and compared with a value.
///
/// ```
/// # use alias_domain::{Condition, Facts, testing::sample};
/// let (standing, stranger) = (sample::standing(), sample::public_client());
/// assert!(Condition::Unlocked.holds(&Facts::from(&standing)));
/// assert!(!Condition::OfClient(stranger.id).holds(&Facts::from(&standing)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// What is asked for can be granted at all, whatever is stored.
    Possible(bool),
    /// The authorization is this client's.
    OfClient(ClientId),
    /// The code is bound to this redirect URI (R17).
    RedirectUri(String),
    /// The code is bound to this challenge, or to none (R28).
    Challenge(Option<Challenge>),
    /// The code waits, and ends between these two (R17).
    CodeEnds {
        /// Later than this.
        after: DateTime<Utc>,
        /// Not later than this.
        by: DateTime<Utc>,
    },
    /// This is the newest generation of a refresh token (R23).
    Generation(u32),
    /// The newest refresh token ends after this.
    RefreshEndsAfter(DateTime<Utc>),
    /// The user is not locked (R30).
    Unlocked,
    /// The user and the client are connected (R25).
    Connected,
    /// These were approved, and are still granted (R20).
    Retains(BTreeSet<Scope>),
    /// The client is of this kind.
    OfKind(ClientKind),
    /// The session ends after this.
    SessionEndsAfter(DateTime<Utc>),
    /// The session is this user's.
    SessionOf(UserId),
    /// The connection has all of this, by channels that the client still declares (R9, R30).
    Covers(Access),
}

/// What conditions are about, as far as it is there.
///
/// ```
/// # use alias_domain::{Condition, Facts, Scope, testing::sample};
/// let standing = sample::standing();
/// let scopes = [Scope::OfflineAccess].into();
/// assert!(Condition::Retains(scopes).holds(&Facts::from(&standing)));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    authorization: Option<&'a Authorization>,
    client: Option<&'a Client>,
    user: Option<&'a User>,
    session: Option<&'a Session>,
    connection: Option<&'a Access>,
}

impl<'a> From<&'a Standing> for Facts<'a> {
    fn from(standing: &'a Standing) -> Self {
        Self {
            authorization: Some(&standing.authorization),
            client: Some(&standing.client),
            user: Some(&standing.user),
            session: None,
            connection: standing.connection.as_ref(),
        }
    }
}

impl<'a> From<&'a Moment> for Facts<'a> {
    fn from(moment: &'a Moment) -> Self {
        Self {
            authorization: None,
            client: moment.client.as_ref(),
            user: moment.session.as_ref().map(|it| &it.user),
            session: moment.session.as_ref(),
            connection: moment.connection.as_ref().map(|it| &it.access),
        }
    }
}

impl Condition {
    /// Whether it holds; see the type for an example.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let authorization =
            |test: &dyn Fn(&Authorization) -> bool| facts.authorization.is_some_and(test);
        let phase = |test: &dyn Fn(Phase) -> bool| authorization(&|it| test(it.phase));
        match self {
            Self::Possible(it) => *it,
            Self::OfClient(id) => authorization(&|it| it.client_id == *id),
            Self::RedirectUri(uri) => authorization(&|it| it.binding.redirect_uri == *uri),
            Self::Challenge(challenge) => authorization(&|it| it.binding.challenge == *challenge),
            Self::CodeEnds { after, by } => phase(&|it| match it {
                Phase::Code { expires_at } => *after < expires_at && expires_at <= *by,
                Phase::Redeemed { .. } => false,
            }),
            Self::Generation(number) => phase(&|it| match it {
                Phase::Redeemed { refresh } => refresh.is_some_and(|it| it.generation == *number),
                Phase::Code { .. } => false,
            }),
            Self::RefreshEndsAfter(time) => phase(&|it| match it {
                Phase::Redeemed { refresh } => refresh.is_some_and(|it| *time < it.expires_at),
                Phase::Code { .. } => false,
            }),
            Self::Unlocked => facts.user.is_some_and(|it| !it.locked),
            Self::Connected => facts.connection.is_some(),
            Self::Retains(scopes) => {
                let all = |access: &Access| scopes.iter().all(|scope| access.has(*scope));
                authorization(&|it| all(&it.approved)) && facts.connection.is_some_and(all)
            }
            Self::OfKind(kind) => facts.client.is_some_and(|it| it.kind == *kind),
            Self::SessionEndsAfter(time) => facts.session.is_some_and(|it| *time < it.expires_at),
            Self::SessionOf(user) => facts.session.is_some_and(|it| it.user.id == *user),
            Self::Covers(access) => {
                let live = facts.client.zip(facts.connection);
                live.is_some_and(|(client, it)| client.live(it.clone()).covers(access))
            }
        }
    }
}

/// Whether all of them hold.
fn all_hold(conditions: &[Condition], facts: &Facts<'_>) -> bool {
    conditions.iter().all(|it| it.holds(facts))
}

/// What an authorization becomes, if some more conditions hold.
///
/// ```
/// # use alias_domain::{Lifetimes, testing::sample::{NOON, redemption}};
/// let cases = redemption().expected(&Lifetimes::default(), NOON).next;
/// // The last one is for all the rest.
/// assert!(cases.last().is_some_and(|it| it.when.is_empty()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Those that must hold.
    pub when: Vec<Condition>,
    /// What it becomes then.
    pub change: Change,
}

/// What an exchange or a refresh changes of an authorization.
///
/// ```
/// # use alias_domain::{Change, End, Phase, testing::sample::{NOON, standing}};
/// let change = Change { phase: Phase::Redeemed { refresh: None }, ends_at: End::At(NOON) };
/// assert_eq!(change.of(&standing().authorization).ends_at, NOON);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The phase from now on.
    pub phase: Phase,
    /// When nothing that stems from it can be alive any more.
    pub ends_at: End,
}

/// The end of an authorization, once it has changed.
///
/// ```
/// # use alias_domain::{Change, End, Phase, testing::sample::{NOON, standing}};
/// let before = standing().authorization;
/// let change = Change { phase: before.phase, ends_at: End::NoSooner(NOON) };
/// assert_eq!(change.of(&before), before);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// This time.
    At(DateTime<Utc>),
    /// This time, or the end before the change if that is later.
    NoSooner(DateTime<Utc>),
}

impl Change {
    /// The authorization from now on; see the type for an example.
    #[must_use]
    pub fn of(&self, before: &Authorization) -> Authorization {
        Authorization {
            phase: self.phase,
            ends_at: match self.ends_at {
                End::At(time) => time,
                End::NoSooner(time) => time.max(before.ends_at),
            },
            ..before.clone()
        }
    }
}

impl Expected<Vec<Case>> {
    /// The authorization from now on, if the guard holds; see the type for an example.
    #[must_use]
    pub fn next(&self, standing: &Standing) -> Option<Authorization> {
        let facts = Facts::from(standing);
        let mut cases = self.next.iter();
        let case = cases.find(|it| all_hold(&it.when, &facts))?;
        all_hold(&self.guard, &facts).then(|| case.change.of(&standing.authorization))
    }
}

/// An authorization that is made for whoever is signed in. Its user, its session and when that user
/// authenticated are told by the session; what stands here in their place means nothing.
///
/// ```
/// # use alias_domain::testing::sample::{NOON, everything, new_authorization};
/// let expected = new_authorization().expected(&everything(), NOON);
/// assert_eq!(expected.next.0.approved, everything());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForSession(pub Authorization);

impl Expected<ForSession> {
    /// The authorization that is made, if the guard holds.
    ///
    /// ```
    /// # use alias_domain::{Access, Connection, ports::Moment, testing::sample};
    /// # let alias_id = sample::decision().alias_id;
    /// let moment = Moment {
    ///     waits: true,
    ///     client: Some(sample::client()),
    ///     session: Some(sample::session()),
    ///     connection: Some(Connection::answered(None, alias_id, Access::openid(), sample::NOON)),
    /// };
    /// let new = sample::new_authorization();
    /// let expected = new.expected(&Access::openid(), sample::NOON);
    /// assert_eq!(expected.next(&moment), new.issued(&Access::openid(), &moment).ok());
    /// ```
    #[must_use]
    pub fn next(&self, moment: &Moment) -> Option<Authorization> {
        let session = moment.session.as_ref()?;
        all_hold(&self.guard, &Facts::from(moment)).then(|| Authorization {
            user_id: session.user.id,
            session_id: Some(session.id),
            auth_time: session.auth_time,
            ..self.next.0.clone()
        })
    }
}

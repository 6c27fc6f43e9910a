//! Refreshing: generations make it safe to retry and tell a replay (R20 to R23).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    Access, Authorization, AuthorizationId, Case, Change, ClientId, Condition, End, ErrorCode,
    Expected, Lifetimes, Phase, RefreshChain, RequestError, Scope, Standing,
};

/// A genuine refresh token, as an authenticated client presents it.
///
/// ```
/// # use alias_domain::*;
/// let rotation = Rotation {
///     authorization: testing::sample::standing().authorization.id,
///     client_id: testing::sample::client().id,
///     generation: 1,
///     scope: RequestedScope::Everything,
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The authorization that the token names.
    pub authorization: AuthorizationId,
    /// Who presents it.
    pub client_id: ClientId,
    /// The generation that the token carries.
    pub generation: u32,
    /// What the new user token shall have.
    pub scope: RequestedScope,
}

/// The `scope` of a refresh (R21).
///
/// ```
/// use alias_domain::{RequestedScope, Scope, ScopeFault};
/// assert_eq!(RequestedScope::parse(None), RequestedScope::Everything);
/// assert_eq!(
///     RequestedScope::parse(Some("openid profile")),
///     RequestedScope::Impossible(ScopeFault::Unknown {
///         names: ["profile".to_owned()].into(),
///         known: [Scope::OpenId].into(),
///     })
/// );
/// assert_eq!(
///     RequestedScope::parse(Some("openid")),
///     RequestedScope::Only([Scope::OpenId].into())
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestedScope {
    /// None was sent: the whole authority.
    Everything,
    /// These, `openid` among them.
    Only(BTreeSet<Scope>),
    /// A list that no authority can cover.
    Impossible(ScopeFault),
}

/// Why no authority can cover a list of scopes (R21).
///
/// ```
/// use alias_domain::{RequestedScope, ScopeFault};
/// let without = RequestedScope::parse(Some("nickname"));
/// assert_eq!(without, RequestedScope::Impossible(ScopeFault::NoOpenId));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeFault {
    /// It has a character that no scope has, or came twice.
    Malformed,
    /// It has names that are no scopes of Alias.
    Unknown {
        /// These.
        names: BTreeSet<String>,
        /// What it has beside them.
        known: BTreeSet<Scope>,
    },
    /// It lacks `openid`.
    NoOpenId,
}

/// The longest list of names that are no scopes, in bytes, that an answer repeats.
const LONGEST_NAMED: usize = 64;

impl RequestedScope {
    /// Reads the parameter; see the type for an example.
    #[must_use]
    pub fn parse(scope: Option<&str>) -> Self {
        let Some(text) = scope else {
            return Self::Everything;
        };
        match text.parse::<crate::ScopeList>() {
            Err(_) => Self::Impossible(ScopeFault::Malformed),
            Ok(list) => match list.unknown {
                Some(_) => Self::Impossible(ScopeFault::Unknown {
                    names: text
                        .split_whitespace()
                        .filter(|it| it.parse::<Scope>().is_err())
                        .map(str::to_owned)
                        .collect(),
                    known: list.known,
                }),
                None if list.known.contains(&Scope::OpenId) => Self::Only(list.known),
                None => Self::Impossible(ScopeFault::NoOpenId),
            },
        }
    }

    /// The part of an authority that is asked for, or `None` if more is asked for than there is.
    fn of(&self, authority: &Access) -> Option<Access> {
        match self {
            Self::Everything => Some(authority.clone()),
            Self::Only(scopes) => scopes
                .iter()
                .all(|scope| authority.has(*scope))
                .then(|| authority.narrowed_to(scopes)),
            Self::Impossible(_) => None,
        }
    }

    /// Why it is refused, by the name of what is not granted (R21): libraries repeat the scope that
    /// they are configured with, and a user may have unticked some of it.
    ///
    /// ```
    /// use alias_domain::{Access, RequestedScope};
    /// let asked = RequestedScope::parse(Some("openid nickname"));
    /// let refusal = asked.refusal(Some(&Access::openid()));
    /// assert!(refusal.starts_with("scope has nickname, which is not granted"));
    /// ```
    #[must_use]
    pub fn refusal(&self, authority: Option<&Access>) -> String {
        let granted = |scope: &Scope| authority.is_some_and(|it| it.has(*scope));
        let missing = |scopes: &BTreeSet<Scope>| {
            let missing = scopes.iter().filter(|it| !granted(it));
            missing
                .map(|it| it.name())
                .collect::<Vec<_>>()
                .join(" and ")
        };
        let what = match self {
            Self::Everything => "scope is refused".to_owned(),
            Self::Only(scopes) => format!("scope has {}, which is not granted", missing(scopes)),
            Self::Impossible(ScopeFault::Malformed) => "scope is malformed".to_owned(),
            Self::Impossible(ScopeFault::NoOpenId) => "scope lacks openid".to_owned(),
            Self::Impossible(ScopeFault::Unknown { names, known }) => {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                let names = names.join(" and ");
                // Before anything is granted, what there is not is all that matters.
                let missing = match authority {
                    Some(_) => missing(known),
                    None => String::new(),
                };
                match (names.len() <= LONGEST_NAMED, missing.as_str()) {
                    (true, "") => {
                        format!("scope has {names}, which is no scope here and not granted")
                    }
                    (true, _) => format!(
                        "scope has {missing}, which is not granted, and {names}, which is no scope here"
                    ),
                    (false, "") => "scope has a name that is no scope here".to_owned(),
                    (false, _) => format!(
                        "scope has {missing}, which is not granted, and a name that is no scope here"
                    ),
                }
            }
        };
        format!("{what}: leave scope out to get all that is granted")
    }
}

impl RequestedScope {
    /// The same for the operator's log, where the reason is in words that nobody else chose: `None` where
    /// those that the client is told are such.
    ///
    /// ```
    /// use alias_domain::RequestedScope;
    /// let asked = RequestedScope::parse(Some("openid source=192.0.2.1"));
    /// assert_eq!(asked.cause(), Some("scope has a name that is no scope here"));
    /// assert_eq!(RequestedScope::parse(Some("openid nickname")).cause(), None);
    /// ```
    #[must_use]
    pub const fn cause(&self) -> Option<&'static str> {
        match self {
            Self::Impossible(ScopeFault::Unknown { .. }) => {
                Some("scope has a name that is no scope here")
            }
            _ => None,
        }
    }
}

/// What becomes of a refresh.
///
/// ```
/// # use alias_domain::*;
/// # let standing = testing::sample::standing();
/// # let rotation = Rotation {
/// #     authorization: standing.authorization.id,
/// #     client_id: standing.client.id,
/// #     generation: 1,
/// #     scope: RequestedScope::Everything,
/// # };
/// // The code was not exchanged yet, so no refresh token can be genuine.
/// let outcome = rotate(&standing, &rotation, &Lifetimes::default(), testing::sample::NOON);
/// assert_eq!(outcome, Rotate::Refused);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotate {
    /// New tokens.
    Granted {
        /// What the user token has.
        access: Access,
        /// The refresh token to return.
        refresh: RefreshChain,
        /// The authorization from now on, to be stored in the same step.
        next: Box<Authorization>,
    },
    /// `invalid_grant`, and nothing changes.
    Refused,
    /// `invalid_scope`, and the refresh token stays unused (R21).
    ScopeRefused,
    /// `invalid_grant`, and the authorization dies (RFC 9700 4.14.2).
    Replayed,
}

/// Judges a refresh (R20 to R23). See [`Rotate`] for an example.
#[must_use]
pub fn rotate(
    standing: &Standing,
    presented: &Rotation,
    lifetimes: &Lifetimes,
    now: DateTime<Utc>,
) -> Rotate {
    match presented.judged(standing, lifetimes, now) {
        Ok(outcome) => outcome,
        Err(RefreshFault::Replayed) => Rotate::Replayed,
        Err(_) => Rotate::Refused,
    }
}

/// Why a genuine refresh token is not worth anything, `scope` aside.
///
/// ```
/// use alias_domain::RefreshFault;
/// let told = RefreshFault::Expired.told().to_string();
/// assert_eq!(told, "invalid_grant: the refresh token has expired");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshFault {
    /// What it stems from has no refresh tokens.
    NoChain,
    /// It was issued to another client.
    OtherClient,
    /// Its user is locked (R30).
    Locked,
    /// Its generation is ahead of the stored one: the store was restored from a backup (R23).
    Ahead,
    /// It was replaced by a clock that was ahead, or is behind now.
    Misdated,
    /// An older generation: somebody has used a newer one.
    Replayed,
    /// Its time is over.
    Expired,
    /// `offline_access` was taken back, or all of it (R22).
    Revoked,
}

/// The answer to a refresh token of which nothing is kept any more, and to another client's.
pub(crate) const TOKEN_IS_GONE: RequestError = invalid(
    "the refresh token is not this client's, has expired, or what it was issued for has ended",
);

impl RefreshFault {
    /// What whoever presents it is told: anybody but its client no more than if it were gone. That a user
    /// is locked is for the operator alone.
    #[must_use]
    pub const fn told(self) -> RequestError {
        const GONE: &str = "what the refresh token was issued for was taken back or has ended";
        match self {
            Self::NoChain | Self::Revoked => invalid(GONE),
            Self::OtherClient => {
                TOKEN_IS_GONE.because("the refresh token was issued to another client")
            }
            Self::Locked => invalid(GONE).because("the user is locked"),
            Self::Ahead => invalid("the refresh token is newer than what is stored")
                .because("the refresh token is newer than what is stored: a backup was restored"),
            Self::Misdated => invalid("the refresh token was replaced")
                .because("the refresh token was replaced by a clock that is ahead of this one"),
            Self::Replayed => invalid(
                "the refresh token was replaced and used again; what it was issued for has ended \
                 now",
            ),
            Self::Expired => invalid("the refresh token has expired"),
        }
    }
}

const fn invalid(description: &'static str) -> RequestError {
    RequestError::new(ErrorCode::InvalidGrant, description)
}

impl Rotation {
    /// Why this refresh is refused, if it is, `scope` aside. See [`RefreshFault`].
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let standing = testing::sample::standing();
    /// # let rotation = Rotation {
    /// #     authorization: standing.authorization.id,
    /// #     client_id: standing.client.id,
    /// #     generation: 1,
    /// #     scope: RequestedScope::Everything,
    /// # };
    /// // The code was not exchanged yet.
    /// let fault = rotation.fault(&standing, &Lifetimes::default(), testing::sample::NOON);
    /// assert_eq!(fault, Some(RefreshFault::NoChain));
    /// ```
    #[must_use]
    pub fn fault(
        &self,
        standing: &Standing,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Option<RefreshFault> {
        self.judged(standing, lifetimes, now).err()
    }

    /// What [`rotate`] says in the usual case: the newest refresh token is presented while it lives,
    /// and what is asked for was approved and is still granted. The guard may hold less often than
    /// `rotate` grants (a retry is none of it), and never holds where `rotate` says anything else.
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let rotation = Rotation {
    /// #     authorization: testing::sample::standing().authorization.id,
    /// #     client_id: testing::sample::client().id,
    /// #     generation: 1,
    /// #     scope: RequestedScope::Everything,
    /// # };
    /// let expected = rotation.expected(&Lifetimes::default(), testing::sample::NOON);
    /// assert!(expected.guard.contains(&Condition::Generation(1)));
    /// // The code was not exchanged yet.
    /// assert_eq!(expected.next(&testing::sample::standing()), None);
    /// ```
    #[must_use]
    pub fn expected(&self, lifetimes: &Lifetimes, now: DateTime<Utc>) -> Expected<Vec<Case>> {
        let (possible, mut scopes) = match &self.scope {
            RequestedScope::Everything => (true, BTreeSet::new()),
            RequestedScope::Only(scopes) => (true, scopes.clone()),
            RequestedScope::Impossible(_) => (false, BTreeSet::new()),
        };
        // R22.
        scopes.insert(Scope::OfflineAccess);
        let guard = vec![
            Condition::Possible(possible),
            Condition::OfClient(self.client_id),
            Condition::Generation(self.generation),
            Condition::RefreshEndsAfter(now),
            Condition::Unlocked,
            Condition::Retains(scopes),
        ];
        let next = successor(self.generation, lifetimes, now);
        let always = Case {
            when: Vec::new(),
            change: change(next, lifetimes, now),
        };
        Expected {
            guard,
            next: vec![always],
        }
    }

    fn judged(
        &self,
        standing: &Standing,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Rotate, RefreshFault> {
        let authorization = &standing.authorization;
        let Phase::Redeemed {
            refresh: Some(chain),
        } = authorization.phase
        else {
            return Err(RefreshFault::NoChain);
        };
        if authorization.client_id != self.client_id {
            return Err(RefreshFault::OtherClient);
        }
        if standing.user.locked {
            return Err(RefreshFault::Locked);
        }
        let standing_in_line = match age(&chain, self.generation) {
            Age::Ahead => return Err(RefreshFault::Ahead),
            Age::Newest => Next::Rotate,
            Age::Replaced if chain.may_be_retried(lifetimes, now) => Next::Repeat,
            // By a clock that was ahead, or is behind now: nobody knows whether it is late.
            Age::Replaced if now < chain.issued_at => return Err(RefreshFault::Misdated),
            Age::Replaced | Age::Older => return Err(RefreshFault::Replayed),
        };
        if now >= chain.expires_at {
            return Err(RefreshFault::Expired);
        }
        // R22, before R21.
        let Some(authority) = standing
            .authority()
            .filter(|it| it.has(Scope::OfflineAccess))
        else {
            return Err(RefreshFault::Revoked);
        };
        let Some(access) = self.scope.of(&authority) else {
            return Ok(Rotate::ScopeRefused);
        };
        let refresh = match standing_in_line {
            Next::Repeat => chain,
            Next::Rotate => successor(chain.generation, lifetimes, now),
        };
        Ok(Rotate::Granted {
            access,
            refresh,
            next: Box::new(change(refresh, lifetimes, now).of(authorization)),
        })
    }
}

impl RefreshChain {
    /// What a refresh token of this generation is worth now: `None` unless it could be used.
    ///
    /// ```
    /// # use alias_domain::*;
    /// # use chrono::TimeDelta;
    /// # let now = testing::sample::NOON;
    /// let chain = RefreshChain { generation: 3, issued_at: now, expires_at: now + TimeDelta::days(90) };
    /// let standing = testing::sample::standing();
    /// assert!(chain.worth(&standing, 3, &Lifetimes::default(), now).is_some());
    /// assert!(chain.worth(&standing, 1, &Lifetimes::default(), now).is_none());
    /// ```
    #[must_use]
    pub fn worth(
        &self,
        standing: &Standing,
        generation: u32,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Option<Access> {
        let usable = match age(self, generation) {
            Age::Newest => true,
            Age::Replaced => self.may_be_retried(lifetimes, now),
            Age::Ahead | Age::Older => false,
        };
        standing
            .authority()
            .filter(|it| usable && now < self.expires_at && it.has(Scope::OfflineAccess))
    }
}

impl RefreshChain {
    /// Whether the generation before the newest may be presented again (R23). The newest one is at
    /// most a grace away from now, in the past as in the future, which is where a clock that was
    /// wrong may have put it.
    fn may_be_retried(&self, lifetimes: &Lifetimes, now: DateTime<Utc>) -> bool {
        (now - self.issued_at).abs() < lifetimes.refresh_grace
    }
}

/// The refresh token that replaces one of this generation.
fn successor(generation: u32, lifetimes: &Lifetimes, now: DateTime<Utc>) -> RefreshChain {
    RefreshChain {
        generation: generation.saturating_add(1),
        issued_at: now,
        expires_at: now + lifetimes.refresh_token,
    }
}

fn change(refresh: RefreshChain, lifetimes: &Lifetimes, now: DateTime<Utc>) -> Change {
    Change {
        phase: Phase::Redeemed {
            refresh: Some(refresh),
        },
        ends_at: End::NoSooner(lifetimes.end_of_tokens(now, Some(&refresh))),
    }
}

enum Next {
    Rotate,
    /// A retry: the same next generation again.
    Repeat,
}

/// How a presented generation stands to the newest one.
enum Age {
    Ahead,
    Newest,
    Replaced,
    Older,
}

fn age(chain: &RefreshChain, presented: u32) -> Age {
    match chain.generation.checked_sub(presented) {
        None => Age::Ahead,
        Some(0) => Age::Newest,
        Some(1) => Age::Replaced,
        Some(_) => Age::Older,
    }
}

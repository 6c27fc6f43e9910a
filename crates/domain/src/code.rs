//! Exchanging a code: it serves once, and only the client, redirect URI and PKCE verifier that it
//! was made for (R17, R28).

use chrono::{DateTime, Utc};

use crate::{
    Access, Authorization, AuthorizationId, Case, Challenge, Change, ClientId, ClientKind,
    Condition, End, ErrorCode, Expected, Lifetimes, Phase, RefreshChain, RequestError, Scope,
    Standing,
};

/// A genuine code, as an authenticated client presents it.
///
/// ```
/// # use alias_domain::*;
/// let redemption = testing::sample::redemption();
/// assert_eq!(redemption.verifier, None);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Redemption {
    /// The authorization that the code names.
    pub authorization: AuthorizationId,
    /// Who presents it.
    pub client_id: ClientId,
    /// The `redirect_uri` of the exchange.
    pub redirect_uri: String,
    /// The `code_verifier` of the exchange.
    pub verifier: Option<String>,
}

/// What becomes of an exchange.
///
/// ```
/// # use alias_domain::*;
/// let standing = testing::sample::standing();
/// let redemption = testing::sample::redemption();
/// let at = testing::sample::NOON;
/// assert!(matches!(
///     redeem(&standing, &redemption, &Lifetimes::default(), at),
///     Redeem::Granted { .. }
/// ));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeem {
    /// The code is exchanged: store the next state, in the same step.
    Granted {
        /// What the user token has.
        access: Access,
        /// The authorization from now on.
        next: Box<Authorization>,
    },
    /// `invalid_grant`, and nothing changes.
    Refused,
    /// `invalid_grant`, and the authorization dies with every token that stems from it
    /// (RFC 6749 4.1.2).
    Replayed,
}

/// Judges an exchange (R17). See [`Redeem`] for an example.
#[must_use]
pub fn redeem(
    standing: &Standing,
    presented: &Redemption,
    lifetimes: &Lifetimes,
    now: DateTime<Utc>,
) -> Redeem {
    match presented.judged(standing, lifetimes, now) {
        Ok(access) => Redeem::Granted {
            next: Box::new(redeemed(standing, &access, lifetimes, now)),
            access,
        },
        Err(CodeFault::Used) => Redeem::Replayed,
        Err(_) => Redeem::Refused,
    }
}

/// Why a genuine code is not exchanged.
///
/// ```
/// use alias_domain::CodeFault;
/// let told = CodeFault::Expired.told().to_string();
/// assert_eq!(told, "invalid_grant: the code has expired");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFault {
    /// It was issued to another client.
    OtherClient,
    /// The redirect URI is another one.
    RedirectUri,
    /// There was a challenge, and no verifier was sent.
    NoVerifier,
    /// The verifier is not that of the challenge.
    Verifier,
    /// A verifier was sent, and there was no challenge.
    NoChallenge,
    /// It was exchanged before.
    Used,
    /// It has expired, or is dated ahead.
    Expired,
    /// Its user is locked (R30).
    Locked,
    /// What it was issued for was taken back (R24).
    Revoked,
}

/// The answer to a code of which nothing is kept any more, and to another client's: whether that lives is
/// told to nobody but its own client.
pub(crate) const CODE_IS_GONE: RequestError = invalid(
    "the code is not this client's, was used or has expired, or what it was issued for has ended",
);

const fn invalid(description: &'static str) -> RequestError {
    RequestError::new(ErrorCode::InvalidGrant, description)
}

impl CodeFault {
    /// What whoever presents it is told: its client which check failed, in the order in which they are
    /// made, and anybody else no more than if it were gone. That a user is locked is for the operator
    /// alone.
    #[must_use]
    pub const fn told(self) -> RequestError {
        const GONE: &str = "what the code was issued for was taken back or has ended";
        match self {
            Self::OtherClient => CODE_IS_GONE.because("the code was issued to another client"),
            Self::RedirectUri => invalid("redirect_uri is not that of the authorization request"),
            Self::NoVerifier => {
                invalid("code_verifier is missing: the authorization request had a code_challenge")
            }
            Self::Verifier => invalid("code_verifier does not match the code_challenge"),
            Self::NoChallenge => invalid(
                "code_verifier was sent, and the authorization request had no code_challenge",
            ),
            Self::Used => {
                invalid("the code was used before; what it was exchanged for has ended now, too")
            }
            Self::Expired => invalid("the code has expired"),
            Self::Locked => invalid(GONE).because("the user is locked"),
            Self::Revoked => invalid(GONE),
        }
    }
}

impl Redemption {
    /// Why this exchange is refused, if it is. See [`CodeFault`].
    ///
    /// ```
    /// # use alias_domain::{CodeFault, Lifetimes, testing::sample::{NOON, redemption, standing}};
    /// let late = NOON + chrono::TimeDelta::minutes(2);
    /// let fault = redemption().fault(&standing(), &Lifetimes::default(), late);
    /// assert_eq!(fault, Some(CodeFault::Expired));
    /// ```
    #[must_use]
    pub fn fault(
        &self,
        standing: &Standing,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Option<CodeFault> {
        self.judged(standing, lifetimes, now).err()
    }

    /// What [`redeem`] says in the usual case: the code waits, is presented as it was made for, and
    /// the two are connected. The guard may hold less often than `redeem` grants, and never holds
    /// where `redeem` says anything else.
    ///
    /// ```
    /// # use alias_domain::{Lifetimes, Redeem, redeem, testing::sample::{NOON, redemption, standing}};
    /// let lifetimes = Lifetimes::default();
    /// let next = redemption().expected(&lifetimes, NOON).next(&standing());
    /// match redeem(&standing(), &redemption(), &lifetimes, NOON) {
    ///     Redeem::Granted { next: granted, .. } => assert_eq!(next, Some(*granted)),
    ///     _ => assert_eq!(next, None),
    /// }
    /// ```
    #[must_use]
    pub fn expected(&self, lifetimes: &Lifetimes, now: DateTime<Utc>) -> Expected<Vec<Case>> {
        let challenge = self.verifier.as_deref().map(Challenge::of);
        let guard = vec![
            // A malformed verifier matches no challenge.
            Condition::Possible(challenge != Some(None)),
            Condition::OfClient(self.client_id),
            Condition::RedirectUri(self.redirect_uri.clone()),
            Condition::Challenge(challenge.flatten()),
            Condition::CodeEnds {
                after: now,
                by: lifetimes.latest_end_of_code(now),
            },
            Condition::Unlocked,
            Condition::Connected,
        ];
        let refreshing = Case {
            when: vec![
                Condition::OfKind(ClientKind::Confidential),
                Condition::Retains([Scope::OfflineAccess].into()),
            ],
            change: change(true, lifetimes, now),
        };
        let without = Case {
            when: Vec::new(),
            change: change(false, lifetimes, now),
        };
        Expected {
            guard,
            next: vec![refreshing, without],
        }
    }

    /// What the user token has, or why there is none. Whether a code was used is only told to who
    /// could have used it.
    fn judged(
        &self,
        standing: &Standing,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Access, CodeFault> {
        let authorization = &standing.authorization;
        if authorization.client_id != self.client_id {
            return Err(CodeFault::OtherClient);
        }
        let verifier = self.verifier.as_deref();
        if let Some(fault) = authorization.binding.fault(&self.redirect_uri, verifier) {
            return Err(fault);
        }
        match authorization.phase {
            Phase::Redeemed { .. } => Err(CodeFault::Used),
            Phase::Code { expires_at } if !lifetimes.may_be_a_code_until(expires_at, now) => {
                Err(CodeFault::Expired)
            }
            Phase::Code { .. } if standing.user.locked => Err(CodeFault::Locked),
            Phase::Code { .. } => standing.authority().ok_or(CodeFault::Revoked),
        }
    }
}

fn redeemed(
    standing: &Standing,
    access: &Access,
    lifetimes: &Lifetimes,
    now: DateTime<Utc>,
) -> Authorization {
    // R19: a refresh token exactly with `offline_access` and for a confidential client.
    let refreshes = access.has(Scope::OfflineAccess) && standing.client.may_refresh();
    change(refreshes, lifetimes, now).of(&standing.authorization)
}

fn change(refreshes: bool, lifetimes: &Lifetimes, now: DateTime<Utc>) -> Change {
    let refresh = refreshes.then(|| RefreshChain {
        generation: 1,
        issued_at: now,
        expires_at: now + lifetimes.refresh_token,
    });
    Change {
        phase: Phase::Redeemed { refresh },
        ends_at: End::At(lifetimes.end_of_tokens(now, refresh.as_ref())),
    }
}

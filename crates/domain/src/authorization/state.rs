//! An authorization: one approved request. A code, then user tokens and refresh tokens, all stem
//! from it, and it is kept as one row for its whole life.

use chrono::{DateTime, Utc};

use crate::{
    Access, AliasId, AskedClaims, AuthorizationId, AuthorizationRequest, Challenge, Client,
    ClientId, CodeFault, Session, SessionAlias, SessionId, User, UserId,
};

/// One approved request, as a store keeps it.
///
/// ```
/// # use alias_domain::*;
/// let authorization = testing::sample::standing().authorization;
/// assert!(matches!(authorization.phase, Phase::Code { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// Its identifier.
    pub id: AuthorizationId,
    /// The client that asked.
    pub client_id: ClientId,
    /// The user who approved.
    pub user_id: UserId,
    /// What was approved. What it is worth at a moment is [`Standing::authority`].
    pub approved: Access,
    /// The session in which the user approved; `None` of one that was made before sessions were
    /// remembered.
    pub session_id: Option<SessionId>,
    /// When the user authenticated.
    pub auth_time: DateTime<Utc>,
    /// What the code is bound to.
    pub binding: CodeBinding,
    /// What has become of the code.
    pub phase: Phase,
    /// User tokens issued at this time or before are worth nothing (RFC 7009).
    pub user_tokens_void_through: Option<DateTime<Utc>>,
    /// When nothing that stems from it can be alive any more, and the store may drop it.
    pub ends_at: DateTime<Utc>,
}

/// What a code is bound to (R17, R28), and what its ID token shall say (R18).
///
/// ```
/// use alias_domain::{AskedClaims, CodeBinding, CodeFault};
/// let binding = CodeBinding {
///     redirect_uri: "https://example.com/alias-callback".to_owned(),
///     challenge: None,
///     nonce: None,
///     asked_claims: AskedClaims::default(),
/// };
/// let callback = "https://example.com/alias-callback";
/// assert_eq!(binding.fault(callback, None), None);
/// assert_eq!(binding.fault(callback, Some("a verifier")), Some(CodeFault::NoChallenge));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeBinding {
    /// The redirect URI of the request, exactly.
    pub redirect_uri: String,
    /// The PKCE challenge of the request.
    pub challenge: Option<Challenge>,
    /// The nonce of the request, for the ID token.
    pub nonce: Option<String>,
    /// What else the request wants in the ID token.
    pub asked_claims: AskedClaims,
}

impl CodeBinding {
    /// What a request binds its code to.
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let client = testing::sample::client();
    /// # let params = Params::parse("scope=openid&response_type=code&nonce=n");
    /// # let callback = client.callback("https://example.com/alias-callback").unwrap();
    /// let request = AuthorizationRequest::parse(&params, &client, callback)?;
    /// assert_eq!(CodeBinding::of(&request).nonce.as_deref(), Some("n"));
    /// # Ok::<(), RequestError>(())
    /// ```
    #[must_use]
    pub fn of(request: &AuthorizationRequest) -> Self {
        Self {
            redirect_uri: request.callback.as_str().to_owned(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            asked_claims: request.asked_claims,
        }
    }

    /// Why an exchange may not use the code, if so: it takes the same redirect URI and, exactly if
    /// there was a challenge, its verifier (R17, R28). See the type for an example.
    #[must_use]
    pub fn fault(&self, redirect_uri: &str, verifier: Option<&str>) -> Option<CodeFault> {
        if self.redirect_uri != redirect_uri {
            return Some(CodeFault::RedirectUri);
        }
        match (&self.challenge, verifier) {
            (Some(challenge), Some(verifier)) => {
                (!challenge.is_met_by(verifier)).then_some(CodeFault::Verifier)
            }
            (None, None) => None,
            (Some(_), None) => Some(CodeFault::NoVerifier),
            (None, Some(_)) => Some(CodeFault::NoChallenge),
        }
    }
}

/// What has become of an authorization's code.
///
/// ```
/// use alias_domain::Phase;
/// let waiting = Phase::Code { expires_at: chrono::DateTime::UNIX_EPOCH };
/// assert_ne!(waiting, Phase::Redeemed { refresh: None });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits to be exchanged.
    Code {
        /// The end of its life (R17).
        expires_at: DateTime<Utc>,
    },
    /// It was exchanged, once.
    Redeemed {
        /// The refresh tokens, if there are any (R19).
        refresh: Option<RefreshChain>,
    },
}

/// The refresh tokens of an authorization. Only the newest generation is kept: tokens carry
/// theirs, and every older one can be told from it (R23).
///
/// ```
/// use alias_domain::RefreshChain;
/// # use chrono::DateTime;
/// let chain = RefreshChain {
///     generation: 1,
///     issued_at: DateTime::UNIX_EPOCH,
///     expires_at: DateTime::UNIX_EPOCH + chrono::TimeDelta::days(90),
/// };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshChain {
    /// The newest generation; the first is 1.
    pub generation: u32,
    /// When the newest generation replaced the one before it: the grace counts from here.
    pub issued_at: DateTime<Utc>,
    /// When the newest generation ends.
    pub expires_at: DateTime<Utc>,
}

/// A request that was approved, to become an [`Authorization`].
///
/// ```
/// # use alias_domain::*;
/// # let new = testing::sample::new_authorization();
/// let authorization = new.approved(Access::openid(), &testing::sample::session());
/// assert_eq!(authorization.approved, Access::openid());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAuthorization {
    /// Fresh.
    pub id: AuthorizationId,
    /// The client that asked.
    pub client_id: ClientId,
    /// The user who is asked.
    pub user_id: UserId,
    /// What the code will be bound to.
    pub binding: CodeBinding,
    /// The end of the code's life (R17).
    pub code_expires_at: DateTime<Utc>,
}

impl NewAuthorization {
    /// The authorization, once its access is known; see the type for an example.
    #[must_use]
    pub fn approved(self, approved: Access, session: &Session) -> Authorization {
        Authorization {
            id: self.id,
            client_id: self.client_id,
            user_id: self.user_id,
            approved,
            session_id: Some(session.id),
            auth_time: session.auth_time,
            binding: self.binding,
            phase: Phase::Code {
                expires_at: self.code_expires_at,
            },
            user_tokens_void_through: None,
            ends_at: self.code_expires_at,
        }
    }
}

/// An authorization with everything that its worth depends on, read at one moment.
///
/// ```
/// # use alias_domain::*;
/// let standing = testing::sample::standing();
/// assert_eq!(standing.authority(), Some(standing.authorization.approved.clone()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The authorization.
    pub authorization: Authorization,
    /// Its client, as it is registered now.
    pub client: Client,
    /// Its user.
    pub user: User,
    /// The `sub` that the client sees.
    pub alias_id: AliasId,
    /// What the user grants to the client now; `None` once disconnected.
    pub connection: Option<Access>,
}

impl Standing {
    /// What the authorization is worth now: what was approved and is still granted, by channels
    /// that are still declared (R20, R24, R30). `None` without `openid` or while the user is
    /// locked.
    ///
    /// ```
    /// # use alias_domain::*;
    /// let mut standing = testing::sample::standing();
    /// standing.connection = None;
    /// assert_eq!(standing.authority(), None);
    /// ```
    #[must_use]
    pub fn authority(&self) -> Option<Access> {
        let connection = self.connection.as_ref().filter(|_| !self.user.locked)?;
        let both = self.authorization.approved.intersection(connection);
        Some(self.client.live(both))
    }

    /// Whether an answer that a browser sends again, and that selects this, is the one that this came of
    /// and has not reached its client yet (R33): the code waits to be exchanged, and is worth something.
    /// `None` where nobody was asked what to select.
    ///
    /// ```
    /// # use alias_domain::*;
    /// # use testing::sample::{NOON, standing};
    /// let (standing, other) = (standing(), Access::openid());
    /// assert!(standing.is_answered_by(Some(&standing.authorization.approved), NOON));
    /// assert!(!standing.is_answered_by(Some(&other), NOON));
    /// assert!(!standing.is_answered_by(None, NOON + Lifetimes::default().auth_code));
    /// ```
    #[must_use]
    pub fn is_answered_by(&self, selected: Option<&Access>, now: DateTime<Utc>) -> bool {
        let waits =
            matches!(self.authorization.phase, Phase::Code { expires_at } if now < expires_at);
        let same = selected.is_none_or(|it| *it == self.authorization.approved);
        waits && same && self.authority().is_some()
    }

    /// The `sid` of its ID token: of a client that is registered for back-channel logout (R18).
    ///
    /// ```
    /// # use alias_domain::*;
    /// let mut standing = testing::sample::standing();
    /// assert_eq!(standing.session_alias(), None);
    /// let uri = "https://example.com/logout".parse()?;
    /// standing.client.backchannel_logout = Some(BackchannelLogout { uri, session_required: false });
    /// assert!(standing.session_alias().is_some());
    /// # Ok::<(), MalformedLogoutUri>(())
    /// ```
    #[must_use]
    pub fn session_alias(&self) -> Option<SessionAlias> {
        self.client.backchannel_logout.as_ref()?;
        let session = self.authorization.session_id?;
        Some(SessionAlias::of(session, self.client.id))
    }
}

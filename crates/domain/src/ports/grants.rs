use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{
    Access, AliasId, Answer, Authorization, AuthorizationId, Client, ClientId, CodeBinding,
    Condition, Connection, Digest, Expected, ForSession, InteractionId, NewAuthorization, NotShown,
    Phase, Revocation, RevocationError, Screen, Session, SessionId, UserId,
};

/// A user's answer to a screen, to be recorded whole.
///
/// ```
/// # use alias_domain::{ports::Decision, testing::sample};
/// let decision = sample::decision();
/// assert_eq!(decision.new.user_id, sample::user().id);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The interaction that it answers.
    pub interaction: InteractionId,
    /// The session that it was shown to.
    pub session: SessionId,
    /// What was shown.
    pub screen: Screen,
    /// What was answered.
    pub answer: Answer,
    /// What the approval becomes.
    pub new: NewAuthorization,
    /// Fresh; used if the two have not met before.
    pub alias_id: AliasId,
}

/// A session that has not ended, and what its user grants to the client in question.
///
/// ```
/// # use alias_domain::{Digest, ports::LiveGrant, testing::sample};
/// let stranger = LiveGrant {
///     token: Digest::of(b"a session token"),
///     session: sample::session(),
///     connection: None,
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveGrant {
    /// The digest of the session's token.
    pub token: Digest,
    /// The session.
    pub session: Session,
    /// What is granted; `None` when the two are not connected.
    pub connection: Option<Connection>,
}

/// An authorization that [`anticipate`](crate::anticipate) expects, whoever is signed in.
///
/// ```
/// # use alias_domain::{Access, ports::Anticipated, testing::sample};
/// let new = sample::new_authorization();
/// let anticipated = Anticipated {
///     id: new.id,
///     client_id: new.client_id,
///     binding: new.binding.clone(),
///     code_expires_at: new.code_expires_at,
///     access: Access::openid(),
/// };
/// assert_eq!(anticipated.of_user(new.user_id), new);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anticipated {
    /// Fresh.
    pub id: AuthorizationId,
    /// The client that asked.
    pub client_id: ClientId,
    /// What the code will be bound to.
    pub binding: CodeBinding,
    /// The end of the code's life (R17).
    pub code_expires_at: DateTime<Utc>,
    /// What will be approved.
    pub access: Access,
}

impl Anticipated {
    /// The same, once it is known who is signed in; see the type for an example.
    #[must_use]
    pub fn of_user(&self, user_id: UserId) -> NewAuthorization {
        NewAuthorization {
            id: self.id,
            client_id: self.client_id,
            user_id,
            binding: self.binding.clone(),
            code_expires_at: self.code_expires_at,
        }
    }

    /// What [`NewAuthorization::issued`] says in the usual case, whoever is signed in: the session
    /// lives and the connection covers the access. The guard never holds where `issued` says
    /// anything else.
    ///
    /// ```
    /// # use alias_domain::{Access, Condition, ports::Anticipated, testing::sample};
    /// # let new = sample::new_authorization();
    /// # let anticipated = Anticipated {
    /// #     id: new.id,
    /// #     client_id: new.client_id,
    /// #     binding: new.binding,
    /// #     code_expires_at: new.code_expires_at,
    /// #     access: Access::openid(),
    /// # };
    /// let guard = anticipated.expected(sample::NOON).guard;
    /// assert!(guard.contains(&Condition::Covers(Access::openid())));
    /// ```
    #[must_use]
    pub fn expected(&self, now: DateTime<Utc>) -> Expected<ForSession> {
        Expected {
            guard: vec![
                Condition::SessionEndsAfter(now),
                Condition::Unlocked,
                Condition::Covers(self.access.clone()),
            ],
            next: ForSession(Authorization {
                id: self.id,
                client_id: self.client_id,
                user_id: UserId::from_uuid(uuid::Uuid::nil()),
                approved: self.access.clone(),
                session_id: None,
                auth_time: now,
                binding: self.binding.clone(),
                phase: Phase::Code {
                    expires_at: self.code_expires_at,
                },
                user_tokens_void_through: None,
                ends_at: self.code_expires_at,
            }),
        }
    }
}

/// What a store found when it looked for a session and issued what was anticipated.
///
/// ```
/// # use alias_domain::{Digest, ports::{Anticipation, LiveGrant}, testing::sample};
/// let stranger = LiveGrant {
///     token: Digest::of(b"a session token"),
///     session: sample::session(),
///     connection: None,
/// };
/// assert_eq!(Anticipation::NotIssued(stranger.clone()).live(), Some(stranger));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anticipation {
    /// The session does not live.
    NoSession,
    /// The session lives, and its user did not grant all of it.
    NotIssued(LiveGrant),
    /// The authorization exists.
    Issued(LiveGrant),
}

impl Anticipation {
    /// The session, if it lives; see the type for an example.
    #[must_use]
    pub fn live(self) -> Option<LiveGrant> {
        match self {
            Self::NoSession => None,
            Self::NotIssued(live) | Self::Issued(live) => Some(live),
        }
    }
}

/// What became of an approval.
///
/// ```
/// assert_ne!(alias_domain::ports::Recorded::Issued, alias_domain::ports::Recorded::Changed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The authorization exists, and its code may be handed out.
    Issued,
    /// The interaction had its answer already, or was forgotten.
    AlreadyAnswered,
    /// The answer names something that was not shown (R11).
    NotShown,
    /// The session, user or client ended, or the connection no longer covers what was to be
    /// issued: look again (R31).
    Changed,
}

/// What a store reads, in the step that records an approval, for the domain to judge by.
///
/// ```
/// # use alias_domain::{ports::{Moment, Recorded}, testing::sample};
/// let moment = Moment {
///     waits: true,
///     client: Some(sample::client()),
///     session: Some(sample::session()),
///     connection: None,
/// };
/// let approval = sample::decision().judged(&moment, sample::NOON)?;
/// assert_eq!(approval.connection.access, sample::everything());
/// // Without a session, an answer grants nothing (R31).
/// let ended = Moment { session: None, ..moment };
/// let refused = sample::decision().judged(&ended, sample::NOON);
/// assert_eq!(refused, Err(Recorded::Changed));
/// # Ok::<(), Recorded>(())
/// ```
#[derive(Clone, Debug)]
pub struct Moment {
    /// Whether the interaction waits for its answer; true where there is none.
    pub waits: bool,
    /// The client, if it is registered.
    pub client: Option<Client>,
    /// The session, if it lives.
    pub session: Option<Session>,
    /// What the two share now.
    pub connection: Option<Connection>,
}

/// What an approval changes, to be stored whole.
///
/// ```
/// # use alias_domain::{Connection, ports::Approval, testing::sample};
/// let alias_id = sample::decision().alias_id;
/// let approval = Approval {
///     connection: Connection::answered(None, alias_id, sample::everything(), sample::NOON),
///     authorization: sample::standing().authorization,
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What is granted from now on.
    pub connection: Connection,
    /// The new authorization.
    pub authorization: Authorization,
}

impl Moment {
    /// Who is there for a new authorization (R31).
    fn parties(&self, new: &NewAuthorization) -> Result<(&Client, &Session), Recorded> {
        if !self.waits {
            return Err(Recorded::AlreadyAnswered);
        }
        let session = self.session.as_ref().filter(|it| it.user.id == new.user_id);
        self.client.as_ref().zip(session).ok_or(Recorded::Changed)
    }
}

impl Decision {
    /// What the answer changes at a moment; see [`Moment`] for an example.
    ///
    /// # Errors
    /// Why it changes nothing (R11, R31).
    pub fn judged(&self, moment: &Moment, now: DateTime<Utc>) -> Result<Approval, Recorded> {
        let (client, session) = moment.parties(&self.new)?;
        let selected = self
            .screen
            .selection(client, &self.answer)
            .map_err(|NotShown| Recorded::NotShown)?;
        let before = moment.connection.as_ref();
        let access = self.screen.applied(&selected, before.map(|it| &it.access));
        Ok(Approval {
            connection: Connection::answered(before, self.alias_id, access, now),
            authorization: self.new.clone().approved(selected, session),
        })
    }
}

impl NewAuthorization {
    /// The authorization that is issued at a moment without asking: the connection must cover it
    /// (R9, R13).
    ///
    /// # Errors
    /// Why none is.
    ///
    /// ```
    /// # use alias_domain::{Access, Connection, ports::{Moment, Recorded}, testing::sample};
    /// let alias_id = sample::decision().alias_id;
    /// let connection = Connection::answered(None, alias_id, Access::openid(), sample::NOON);
    /// let moment = Moment {
    ///     waits: true,
    ///     client: Some(sample::client()),
    ///     session: Some(sample::session()),
    ///     connection: Some(connection),
    /// };
    /// let new = sample::new_authorization();
    /// assert!(new.issued(&Access::openid(), &moment).is_ok());
    /// assert_eq!(new.issued(&sample::everything(), &moment), Err(Recorded::Changed));
    /// ```
    pub fn issued(&self, access: &Access, moment: &Moment) -> Result<Authorization, Recorded> {
        let (_, session) = moment.parties(self)?;
        let covered = moment
            .connection
            .as_ref()
            .is_some_and(|it| it.access.covers(access));
        if !covered {
            return Err(Recorded::Changed);
        }
        Ok(self.clone().approved(access.clone(), session))
    }

    /// The same as [`Anticipated::expected`], for this user alone: what [`NewAuthorization::issued`]
    /// says in the usual case, without an interaction.
    ///
    /// ```
    /// # use alias_domain::{Condition, testing::sample};
    /// let new = sample::new_authorization();
    /// let guard = new.expected(&sample::everything(), sample::NOON).guard;
    /// assert!(guard.contains(&Condition::SessionOf(new.user_id)));
    /// ```
    #[must_use]
    pub fn expected(&self, access: &Access, now: DateTime<Utc>) -> Expected<ForSession> {
        let anticipated = Anticipated {
            id: self.id,
            client_id: self.client_id,
            binding: self.binding.clone(),
            code_expires_at: self.code_expires_at,
            access: access.clone(),
        };
        let Expected { mut guard, next } = anticipated.expected(now);
        guard.push(Condition::SessionOf(self.user_id));
        Expected { guard, next }
    }
}

/// What users grant to clients.
///
/// ```
/// # use alias_domain::{ports::Grants, testing::{MemoryStore, sample}};
/// # pollster::block_on(async {
/// let store = MemoryStore::default();
/// let (user, client) = (sample::user().id, sample::client().id);
/// assert_eq!(store.connection(user, client).await?, None);
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Grants: Send + Sync {
    /// What the user grants to the client now; `None` when they are not connected.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn connection(
        &self,
        user: UserId,
        client: ClientId,
    ) -> Result<Option<Connection>, StoreError>;

    /// The sessions of these tokens that have not ended, in the order of the tokens, each with what
    /// its user grants to the client: read at one moment.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn live_grants(
        &self,
        tokens: &[Digest],
        client: ClientId,
        now: DateTime<Utc>,
    ) -> Result<Vec<LiveGrant>, StoreError>;

    /// Looks for the session of a token as [`Grants::live_grants`] does, and in the same step issues
    /// what was anticipated as [`Grants::issue`] does: if the session lives and its user's
    /// connection covers the access. Whoever asks decides by what was read, and ends what that does
    /// not issue, before anybody has its code. The client counts as one that took part even then.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn issue_anticipated(
        &self,
        token: Digest,
        anticipated: &Anticipated,
        now: DateTime<Utc>,
    ) -> Result<Anticipation, StoreError>;

    /// The user whom a client knows, or knew before a disconnect, by an alias ID; `None` if that is
    /// nobody's, or another client's.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn known_as(
        &self,
        alias_id: AliasId,
        client: ClientId,
    ) -> Result<Option<UserId>, StoreError>;

    /// Every connection of a user with its client, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn connections(&self, user: UserId) -> Result<Vec<(Client, Connection)>, StoreError>;

    /// Issues an authorization without asking as [`NewAuthorization::issued`] judges, in one step,
    /// which answers the interaction too, where there is one, and keeps that the client took part
    /// in the session.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn issue(
        &self,
        new: &NewAuthorization,
        access: &Access,
        session: SessionId,
        interaction: Option<InteractionId>,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError>;

    /// Records an approval whole, as [`Decision::judged`] judges it: the connection changes, the
    /// authorization is made, the interaction is answered, and the client took part in the session.
    /// All of it or nothing; of any number of rivals that answer one interaction, one is told
    /// `Issued`.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn record_decision(
        &self,
        decision: &Decision,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError>;

    /// Takes back as [`revoked`](crate::revoked) says, and at once. Disconnecting removes every
    /// authorization of the two in the same step (R25); the alias ID stays theirs.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn revoke(
        &self,
        user: UserId,
        client: ClientId,
        revocation: &Revocation,
        now: DateTime<Utc>,
    ) -> Result<Result<(), RevocationError>, StoreError>;
}

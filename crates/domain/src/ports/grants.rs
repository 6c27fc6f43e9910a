use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{
    Access, AliasId, Answer, Client, ClientId, Connection, InteractionId, NewAuthorization,
    Revocation, RevocationError, Screen, SessionId, UserId,
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

    /// Every connection of a user with its client, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn connections(&self, user: UserId) -> Result<Vec<(Client, Connection)>, StoreError>;

    /// Issues an authorization without asking (R13), if at this moment the session lives, its user
    /// is not locked, the connection still covers `access`, and the interaction, where there is
    /// one, is not answered: it is then.
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

    /// Records an approval whole: what [`Screen::selection`] selects is granted as
    /// [`Screen::applied`] says, the authorization is made, the interaction is answered. All of it
    /// or nothing; of any number of rivals that answer one interaction, one is told `Issued`.
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
    ) -> Result<Result<(), RevocationError>, StoreError>;
}

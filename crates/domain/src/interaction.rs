//! Interactions: a request that waits for its user, bound to the browser it was shown to.

use chrono::{DateTime, Utc};

use crate::{
    AuthorizationId, ClientId, Digest, InteractionId, Lifetimes, RequestRecord, SessionId,
    clock::is_misdated,
};

/// An authorization request that waits for its user.
///
/// ```
/// # use alias_domain::*;
/// let interaction = testing::sample::interaction();
/// assert!(!interaction.answered);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
    /// Its identifier, which is in its pages' addresses.
    pub id: InteractionId,
    /// The digest of what its browser, or the program that holds a session token, can show.
    pub binding: Digest,
    /// The client that asks.
    pub client_id: ClientId,
    /// The request.
    pub request: RequestRecord,
    /// The account that this interaction goes on with.
    pub account: Option<ChosenAccount>,
    /// Whether it had its answer: it has one at most.
    pub answered: bool,
    /// Whether that was no (R12).
    pub denied: bool,
    /// When it is forgotten.
    pub expires_at: DateTime<Utc>,
}

impl Interaction {
    /// The identifier of the one authorization that an approval of it becomes. It follows from the
    /// interaction, so that the answer can be found again (R33).
    ///
    /// ```
    /// # use alias_domain::testing::sample;
    /// let interaction = sample::interaction();
    /// assert_eq!(interaction.authorization(), sample::interaction().authorization());
    /// ```
    #[must_use]
    pub fn authorization(&self) -> AuthorizationId {
        AuthorizationId::fresh(self.opened_at(), self.id.uuid())
    }

    pub(crate) fn opened_at(&self) -> DateTime<Utc> {
        self.expires_at - Lifetimes::INTERACTION
    }

    /// Whether it was opened by a clock that was ahead, and would wait too long for its answer.
    ///
    /// ```
    /// # use alias_domain::{Lifetimes, testing::sample};
    /// let interaction = sample::interaction();
    /// let opened_at = interaction.expires_at - Lifetimes::INTERACTION;
    /// assert!(!interaction.is_misdated(opened_at));
    /// assert!(interaction.is_misdated(opened_at - chrono::TimeDelta::hours(1)));
    /// ```
    #[must_use]
    pub fn is_misdated(&self, now: DateTime<Utc>) -> bool {
        is_misdated(self.opened_at(), now)
    }
}

/// The account that an interaction goes on with (R15).
///
/// ```
/// # use alias_domain::*;
/// let chosen = ChosenAccount { session: testing::sample::session().id, authenticated: true };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChosenAccount {
    /// The session that was chosen, or that began here.
    pub session: SessionId,
    /// Whether its user authenticated in this interaction.
    pub authenticated: bool,
}

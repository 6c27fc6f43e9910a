//! An answer that a browser sends again, and an interaction that is gone: R33.

use chrono::{DateTime, Utc};

use super::{Outcome, Present, Provider, authorize::Sound};
use crate::{Access, ErrorCode, FormPurpose, InteractionId, RequestError, ports::Failure};

/// What is sent again.
#[derive(Clone, Copy)]
pub(super) enum Repeat<'a> {
    /// No: the user denies (R12).
    Denial,
    /// An approval that selects this.
    Approval(&'a Access),
    /// A step before the answer, which was given since: whatever it was.
    Any,
}

impl Provider {
    /// Where an interaction ended that was answered, for a browser whose response was lost: at the
    /// client, as long as its code waits (R33).
    ///
    /// # Errors
    /// If the store or the cryptography fails.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// # let provider = provider(MemoryStore::default());
    /// # let visitor = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
    /// # let present = provider.present(&visitor, sample::NOON).await?;
    /// let outcome = provider.repeat(sample::interaction().id, &present, sample::NOON).await?;
    /// assert!(matches!(outcome, Outcome::UnknownInteraction(_)));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn repeat(
        &self,
        id: InteractionId,
        present: &Present,
        now: DateTime<Utc>,
    ) -> Result<Outcome, Failure> {
        self.again(id, Repeat::Any, present, now).await
    }

    /// The response to an answer that was given before. Nothing is granted and nothing is issued: a
    /// code is handed out again, of the one authorization that the answer became.
    pub(super) async fn again(
        &self,
        id: InteractionId,
        repeat: Repeat<'_>,
        present: &Present,
        now: DateTime<Utc>,
    ) -> Result<Outcome, Failure> {
        let Some(interaction) = self.own(id, present, now).await? else {
            return Ok(Outcome::UnknownInteraction(None));
        };
        let sound = match self.kept(&interaction).await? {
            Ok(sound) => sound,
            Err(outcome) => return Ok(outcome),
        };
        let selected = match (repeat, interaction.denied) {
            (Repeat::Denial | Repeat::Any, true) => return Ok(self.denied(&sound)),
            (Repeat::Denial, false) | (Repeat::Approval(_), true) => {
                return self.answered_already(&interaction).await;
            }
            (Repeat::Approval(selected), false) => Some(selected),
            (Repeat::Any, false) => None,
        };
        let id = interaction.authorization();
        let standing = self.store().standing(id).await?.filter(|it| {
            let session = it.authorization.session_id;
            it.is_answered_by(selected, now) && present.sessions().any(|it| session == Some(it.id))
        });
        match standing {
            Some(_) => self.hand_out(&sound, id),
            None => self.answered_already(&interaction).await,
        }
    }

    pub(super) fn denied(&self, sound: &Sound) -> Outcome {
        let denied = RequestError::new(ErrorCode::AccessDenied, "the user said no");
        self.refused(&sound.client, &sound.reply, denied)
    }

    /// An interaction that is forgotten, or another browser's. A form of ours tells which client asked.
    pub(super) async fn unknown(&self, form: &str, present: &Present) -> Result<Outcome, Failure> {
        let client = match self.opened_form(present, form) {
            Some(FormPurpose::Interaction { client, .. } | FormPurpose::Consent { client, .. }) => {
                client
            }
            _ => None,
        };
        let Some(id) = client else {
            return Ok(Outcome::UnknownInteraction(None));
        };
        // With a client, what waits for its users is deleted too.
        Ok(match self.store().client(id).await? {
            Some(client) => Outcome::UnknownInteraction(Some(Box::new(client))),
            None => Outcome::ClientGone,
        })
    }
}

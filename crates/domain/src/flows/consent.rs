use chrono::{DateTime, Utc};

use super::{Outcome, Present, Provider, again::Repeat};
use crate::{
    AliasId, Answer, FormPurpose, InteractionId, Screen, SessionId,
    ports::{Decision, Failure, Recorded},
};

/// What a consent form says.
///
/// ```
/// use alias_domain::flows::{ConsentAnswer, Verdict};
/// let answer = ConsentAnswer { verdict: Verdict::AllowAll, scopes: vec![], channels: vec![] };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentAnswer {
    /// Which button.
    pub verdict: Verdict,
    /// The ticked scopes.
    pub scopes: Vec<String>,
    /// The ticked channels.
    pub channels: Vec<String>,
}

/// A button of the consent screen (R11, R12).
///
/// ```
/// assert_ne!(alias_domain::flows::Verdict::AllowAll, alias_domain::flows::Verdict::Deny);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// "Allow all".
    AllowAll,
    /// "Allow selected".
    AllowSelected,
    /// "Deny".
    Deny,
}

/// Why an answer is refused, with nothing changed.
///
/// ```
/// assert_ne!(
///     alias_domain::flows::Refusal::ForeignForm,
///     alias_domain::flows::Refusal::NotShown
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The form's token is missing, or of another form, page or browser.
    ForeignForm,
    /// The answer names something that was not shown (R11).
    NotShown,
}

impl Provider {
    /// Takes the answer to a consent screen (R10 to R13, R31, R33).
    ///
    /// # Errors
    /// If the store or the cryptography fails; nothing is half done then.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let visitor = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
    /// let present = provider.present(&visitor, sample::NOON).await?;
    /// let answer = ConsentAnswer { verdict: Verdict::Deny, scopes: vec![], channels: vec![] };
    /// let id = sample::interaction().id;
    /// let outcome = provider.answer(id, "form token", answer, &present, sample::NOON).await?;
    /// assert!(matches!(outcome, Ok(Outcome::UnknownInteraction(_))));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn answer(
        &self,
        id: InteractionId,
        form: &str,
        answer: ConsentAnswer,
        present: &Present,
        now: DateTime<Utc>,
    ) -> Result<Result<Outcome, Refusal>, Failure> {
        let Some(interaction) = self.own(id, present, now).await? else {
            return Ok(Ok(self.unknown(form, present).await?));
        };
        let Some((session, screen)) = self.shown(id, form, present) else {
            return Ok(match interaction.answered {
                true => Ok(self.answered_already(&interaction).await?),
                false => Err(Refusal::ForeignForm),
            });
        };
        let sound = match self.kept(&interaction).await? {
            Ok(sound) => sound,
            Err(outcome) => return Ok(Ok(outcome)),
        };
        let ticked = Answer::AllowSelected {
            scopes: answer.scopes,
            channels: answer.channels,
        };
        if screen.selection(&sound.client, &ticked).is_err() {
            return Ok(Err(Refusal::NotShown));
        }
        let answer = match answer.verdict {
            Verdict::AllowAll => Answer::AllowAll,
            Verdict::AllowSelected => ticked,
            Verdict::Deny => {
                return Ok(Ok(match self.store().close_interaction(id, now).await? {
                    true => self.denied(&sound),
                    false => self.again(id, Repeat::Denial, present, now).await?,
                }));
            }
        };
        let selected = screen.selection(&sound.client, &answer);
        let repeat = selected.as_ref().map_or(Repeat::Denial, Repeat::Approval);
        // R31: whose session ended since is asked to sign in, and shown the request anew.
        let Some(session) = self.session_here(session, present, now).await? else {
            return Ok(Ok(self.resume(id, present, now).await?));
        };
        let decision = Decision {
            interaction: id,
            session: session.id,
            screen,
            answer,
            new: self.new_authorization(&sound, session.user.id, Some(&interaction), now),
            alias_id: AliasId::from_uuid(self.ports.chance.id()),
        };
        match self.store().record_decision(&decision, now).await? {
            Recorded::Issued => self.hand_out(&sound, decision.new.id).map(Ok),
            Recorded::AlreadyAnswered => self.again(id, repeat, present, now).await.map(Ok),
            Recorded::NotShown => Ok(Err(Refusal::NotShown)),
            Recorded::Changed => Ok(Ok(self.resume(id, present, now).await?)),
        }
    }

    /// Whom this form was shown to, and what it showed.
    fn shown(
        &self,
        id: InteractionId,
        form: &str,
        present: &Present,
    ) -> Option<(SessionId, Screen)> {
        match self.opened_form(present, form)? {
            FormPurpose::Consent {
                interaction,
                session,
                screen,
                ..
            } if interaction == id => Some((session, screen)),
            _ => None,
        }
    }
}

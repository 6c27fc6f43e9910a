//! What one page tells the next, sealed, in a parameter of its address. A form is posted and redirects;
//! the page after it says what became of it.

use actix_web::HttpRequest;
use alias_domain::{InteractionId, LogoutFault, Params, ports::Failure};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    context,
    pages::{ClientLink, ErrorCause},
    state::State,
};

/// The parameter.
pub(crate) const NOTE: &str = "note";

/// The longest address that is typed again for a user, in bytes: none that is longer can be right.
const LONGEST_EMAIL: usize = 1024;

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub(crate) enum Note {
    /// An email or a password was wrong.
    FailedSignIn(FailedSignIn),
    /// A form was refused.
    Problem(Problem),
    /// Something was wrong with a logout request.
    SignOutFault(FaultyLogout),
}

/// A sign-in that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedSignIn {
    /// The request that the user signed in for, if it was not for themselves.
    interaction: Option<InteractionId>,
    /// What was typed as email.
    pub(crate) email: String,
    /// The ID of the request that was refused.
    pub(crate) request_id: Option<String>,
}

/// A logout request that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FaultyLogout {
    pub(crate) fault: LogoutFault,
    /// The ID of the request that was refused.
    pub(crate) request_id: Option<String>,
}

/// What an error page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) cause: ErrorCause,
    /// Whom the user comes from.
    pub(crate) client: Option<ClientLink>,
    /// The address of the page that has the form.
    pub(crate) again: Option<String>,
    /// The ID of the request that was refused, where another one shows the page.
    pub(crate) request_id: Option<String>,
}

/// How long an address tells it: whoever is led to one later learns nothing of today.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);

#[derive(Serialize, Deserialize)]
struct Dated {
    note: Note,
    until: DateTime<Utc>,
}

impl FailedSignIn {
    /// That the present request is one.
    pub(crate) fn of(interaction: Option<InteractionId>, email: &str) -> Self {
        Self {
            interaction,
            email: match email.len() {
                ..=LONGEST_EMAIL => email.to_owned(),
                _ => String::new(),
            },
            request_id: context::shown_id(),
        }
    }

    /// What the sign-in page of this request, or of none, is told.
    pub(crate) fn told(
        request: &HttpRequest,
        state: &State,
        interaction: Option<InteractionId>,
    ) -> Option<Self> {
        match Note::read(request.query_string(), state)? {
            Note::FailedSignIn(failed) if failed.interaction == interaction => Some(failed),
            _ => None,
        }
    }
}

impl Note {
    /// The address of a page that is told this.
    pub(crate) fn at(&self, page: &str, state: &State) -> Result<String, Failure> {
        let dated = Dated {
            note: self.clone(),
            until: State::now() + LIFETIME,
        };
        let text = serde_json::to_string(&dated).unwrap_or_default();
        let note = state.provider.note(text)?;
        Ok(format!("{page}?{NOTE}={}", note.expose()))
    }

    /// What a page is told by its query; `None` where we sealed no note, or long ago.
    pub(crate) fn read(query: &str, state: &State) -> Option<Self> {
        let params = Params::parse(query);
        let text = state.provider.noted(params.one(NOTE).ok()??)?;
        Self::told(&text, State::now())
    }

    fn told(text: &str, now: DateTime<Utc>) -> Option<Self> {
        let dated: Dated = serde_json::from_str(text).ok()?;
        (now < dated.until).then_some(dated.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_told_for_ten_minutes() {
        let now = State::now();
        let dated = Dated {
            note: Note::FailedSignIn(FailedSignIn::of(None, "fred@example.com")),
            until: now + LIFETIME,
        };
        let text = serde_json::to_string(&dated).expect("JSON");
        assert_eq!(Note::told(&text, now), Some(dated.note));
        assert_eq!(Note::told(&text, now + LIFETIME), None);
    }
}

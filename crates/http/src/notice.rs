//! What a form did, told once by the page that follows. It travels in a cookie, sealed for this browser
//! and short-lived: no address can claim what did not happen, and a reload does not tell it again.

use actix_web::{HttpRequest, HttpResponse};
use alias_domain::{ClientId, FormPurpose, flows::Present, ports::Failure};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{cookies::NOTICE_SECONDS, server::State, visitor};

/// What a form did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    /// A scope of this name was taken back from a client.
    RevokedScope { client: ClientId, scope: String },
    /// A channel of this name was taken back from a client.
    RevokedChannel { client: ClientId, channel: String },
    /// A client was disconnected, which stood before another one, or at the end.
    Disconnected {
        client: ClientId,
        next: Option<ClientId>,
    },
    /// What was to be taken back was gone already.
    Nothing { client: ClientId },
    /// The account of this address was signed out.
    SignedOut { email: String },
}

#[derive(Serialize, Deserialize)]
struct Dated {
    done: Done,
    until: DateTime<Utc>,
}

/// Lets the next page tell it.
pub(crate) fn tell(
    state: &State,
    present: &Present,
    done: &Done,
    mut response: HttpResponse,
) -> Result<HttpResponse, Failure> {
    let dated = Dated {
        done: done.clone(),
        until: State::now() + TimeDelta::seconds(NOTICE_SECONDS),
    };
    let done = serde_json::to_string(&dated).unwrap_or_default();
    let token = state.provider.form(present, FormPurpose::Notice { done })?;
    visitor::add(&mut response, &state.cookies.set_notice(&token));
    Ok(response)
}

/// What the form before did, if it is to be told.
pub(crate) fn told(request: &HttpRequest, state: &State, present: &Present) -> Option<Done> {
    let token = state.cookies.notice(request)?;
    match state.provider.opened_form(present, &token)? {
        FormPurpose::Notice { done } => {
            let dated: Dated = serde_json::from_str(&done).ok()?;
            (State::now() < dated.until).then_some(dated.done)
        }
        _ => None,
    }
}

/// A notice that was shown is gone.
pub(crate) fn forget(
    request: &HttpRequest,
    state: &State,
    mut response: HttpResponse,
) -> HttpResponse {
    if state.cookies.notice(request).is_some() {
        visitor::add(&mut response, &state.cookies.drop_notice());
    }
    response
}

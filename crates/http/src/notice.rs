//! What a form did, told once by the page that follows. It travels in a cookie, sealed for this browser
//! and one page, and short-lived: no address can claim what did not happen, a reload does not tell it
//! again, and no page tells what was done for another account.

use actix_web::{HttpRequest, HttpResponse, http::Method};
use alias_domain::{ClientId, Digest, FormPurpose, Secret, UserId, flows::Present, ports::Failure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{cookies::NOTICE_SECONDS, server::State, visitor};

/// What a form did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    /// A permission was taken back from a client.
    Revoked {
        client: Named,
        permission: Permission,
    },
    /// A client was disconnected, which stood before another one, or at the end.
    Disconnected {
        client: Named,
        next: Option<ClientId>,
    },
    /// What was to be taken back was gone already: a permission, or all that the client had.
    GoneAlready {
        client: Named,
        permission: Option<Permission>,
    },
    /// The client was deleted before.
    UnknownClient,
    /// The account of this address was signed out.
    SignedOut { email: String },
    /// Somebody was signed out, by a request that leads to the address with this digest.
    LeavesFor { address: String },
}

/// A client, by the name that it had when the form came: it may be deleted before the page does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: ClientId,
    pub(crate) name: String,
}

/// A permission, by what people called it when the form came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Permission {
    pub(crate) title: String,
    pub(crate) of: Kind,
}

/// The name of a permission.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Scope(String),
    Channel(String),
}

/// The one page that tells it: what was done for one account is not told on the page of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TellingPage {
    Account(UserId),
    SignedOut,
}

#[derive(Serialize, Deserialize)]
struct Dated {
    done: Done,
    on: TellingPage,
    until: DateTime<Utc>,
}

/// What stands for an address that may be long.
pub(crate) fn digest(address: &str) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of(address.as_bytes()).bytes())
}

/// What was done, sealed for this browser and one page.
pub(crate) fn sealed(
    state: &State,
    present: &Present,
    on: TellingPage,
    done: &Done,
) -> Result<Secret, Failure> {
    let dated = Dated {
        done: done.clone(),
        on,
        until: State::now() + TimeDelta::seconds(NOTICE_SECONDS),
    };
    let done = serde_json::to_string(&dated).unwrap_or_default();
    state.provider.form(present, FormPurpose::Notice { done })
}

/// What was done, if it is to be told on this page.
pub(crate) fn opened(
    state: &State,
    present: &Present,
    on: TellingPage,
    token: &str,
) -> Option<Done> {
    let FormPurpose::Notice { done } = state.provider.opened_form(present, token)? else {
        return None;
    };
    let dated: Dated = serde_json::from_str(&done).ok()?;
    (dated.on == on && State::now() < dated.until).then_some(dated.done)
}

/// Lets the next page of this kind tell it.
pub(crate) fn tell(
    state: &State,
    present: &Present,
    on: TellingPage,
    done: &Done,
    mut response: HttpResponse,
) -> Result<HttpResponse, Failure> {
    let token = sealed(state, present, on, done)?;
    visitor::add(&mut response, &state.cookies.set_notice(&token));
    Ok(response)
}

/// What the form before did, if it is to be told on this page.
pub(crate) fn told(
    request: &HttpRequest,
    state: &State,
    present: &Present,
    on: TellingPage,
) -> Option<Done> {
    opened(state, present, on, &state.cookies.notice(request)?)
}

/// A notice that was shown is gone. HEAD shows nothing.
pub(crate) fn forget(
    request: &HttpRequest,
    state: &State,
    told: Option<&Done>,
    mut response: HttpResponse,
) -> HttpResponse {
    if told.is_some() && *request.method() != Method::HEAD {
        visitor::add(&mut response, &state.cookies.drop_notice());
    }
    response
}

//! What a form did, told once by the page that follows. It travels in a cookie, sealed for this browser
//! and one page, and short-lived: no address can claim what did not happen, a reload does not tell it
//! again, and no page tells what was done for another account. What is done in several tabs at once has
//! a cookie each, and the same act done twice has one.

use actix_web::{HttpRequest, HttpResponse, http::Method};
use alias_domain::{
    ClientId, Digest, FormPurpose, InteractionId, Secret, SessionId, UserId, flows::Present,
    ports::Failure,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{cookies::NOTICE_SECONDS, state::State, visitor};

/// How much of a request's head the notices of a browser may be, in bytes: the oldest give way. A browser
/// that gets no page in between could pile them up, until no request of its fits any more.
const MOST_BYTES: usize = 4096;

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
    /// The client was deleted before.
    UnknownClient { id: ClientId },
    /// The account of this address was signed out, whose page was of this session.
    SignedOut { session: SessionId, email: String },
    /// What was answered did not count any more.
    NotTaken,
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
    pub(crate) of: PermissionName,
}

/// The name of a permission.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PermissionName {
    Scope(String),
    Channel(String),
}

/// The one page that tells it: what was done for one account is not told on the page of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TellingPage {
    Account(UserId),
    SignedOut,
    Interaction(InteractionId),
}

#[derive(Serialize, Deserialize)]
struct Dated {
    done: Done,
    on: TellingPage,
    until: DateTime<Utc>,
}

impl Done {
    /// What tells it from whatever else was done: the same for what is done twice.
    fn act(&self, on: TellingPage) -> Digest {
        let act = match self {
            Self::Revoked { client, permission } => {
                format!("revoked {} {:?}", client.id, permission.of)
            }
            Self::Disconnected { client, .. } => format!("disconnected {}", client.id),
            Self::UnknownClient { id } => format!("unknown {id}"),
            Self::SignedOut { session, .. } => format!("signed out {session}"),
            Self::NotTaken => "not taken".to_owned(),
            Self::LeavesFor { address } => format!("leaves for {address}"),
        };
        Digest::of(format!("{on:?} {act}").as_bytes())
    }
}

/// A notice that a browser holds.
struct Held {
    cookie: String,
    bytes: usize,
    /// `None` of what is none of ours, or too old.
    notice: Option<Dated>,
}

/// What is to be told on a page, the earliest first.
pub(crate) struct Told(Vec<Held>);

impl Told {
    pub(crate) const fn is_some(&self) -> bool {
        !self.0.is_empty()
    }

    pub(crate) fn done(&self) -> impl DoubleEndedIterator<Item = &Done> {
        let held = self.0.iter().filter_map(|it| it.notice.as_ref());
        held.map(|it| &it.done)
    }
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
    let dated = dated(state, present, token)?;
    (dated.on == on).then_some(dated.done)
}

fn dated(state: &State, present: &Present, token: &str) -> Option<Dated> {
    let FormPurpose::Notice { done } = state.provider.opened_form(present, token)? else {
        return None;
    };
    let dated: Dated = serde_json::from_str(&done).ok()?;
    (State::now() < dated.until).then_some(dated)
}

/// The notices that a browser holds, for whatever page, the earliest first.
fn held(request: &HttpRequest, state: &State, present: &Present) -> Vec<Held> {
    let cookies = state.cookies.notices(request).into_iter();
    let mut held: Vec<Held> = cookies
        .map(|(cookie, token)| Held {
            bytes: cookie.len() + token.len(),
            notice: dated(state, present, &token),
            cookie,
        })
        .collect();
    held.sort_by_key(|it| it.notice.as_ref().map(|it| it.until));
    held
}

/// Lets the next page of this kind tell it, beside what it is to tell already.
pub(crate) fn tell(
    request: &HttpRequest,
    state: &State,
    present: &Present,
    on: TellingPage,
    done: &Done,
    mut response: HttpResponse,
) -> Result<HttpResponse, Failure> {
    let token = sealed(state, present, on, done)?;
    let cookie = state.cookies.set_notice(done.act(on), &token);
    let mut bytes = cookie.name().len() + cookie.value().len();
    for earlier in held(request, state, present).iter().rev() {
        if earlier.cookie == cookie.name() {
            continue;
        }
        bytes += earlier.bytes;
        if bytes > MOST_BYTES {
            visitor::add(&mut response, &state.cookies.drop_notice(&earlier.cookie));
        }
    }
    visitor::add(&mut response, &cookie);
    Ok(response)
}

/// What forms did, as far as it is to be told on this page.
pub(crate) fn told(
    request: &HttpRequest,
    state: &State,
    present: &Present,
    on: TellingPage,
) -> Told {
    let mut held = held(request, state, present);
    held.retain(|it| it.notice.as_ref().is_some_and(|it| it.on == on));
    Told(held)
}

/// A notice that was shown is gone. HEAD shows nothing.
pub(crate) fn forget(
    request: &HttpRequest,
    state: &State,
    told: &Told,
    mut response: HttpResponse,
) -> HttpResponse {
    if *request.method() != Method::HEAD {
        for it in &told.0 {
            visitor::add(&mut response, &state.cookies.drop_notice(&it.cookie));
        }
    }
    response
}

//! What happens next to an authorization request: a pure decision (R9, R14, R15).

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    Access, AuthorizationRequest, Client, ClientKind, ErrorCode, Prompt, RequestError, Screen,
    Session, UserId,
};

/// Everything that the decision looks at beside the request.
///
/// ```
/// # use alias_domain::*;
/// let client = testing::sample::client();
/// let nobody = Situation {
///     client: &client,
///     session: None,
///     account_chosen: false,
///     authenticated_here: false,
///     connection: None,
///     users: None,
///     now: chrono::DateTime::UNIX_EPOCH,
/// };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The client that asks, as it is registered now.
    pub client: &'a Client,
    /// The session that would be used.
    pub session: Option<&'a Session>,
    /// Whether the user chose this account in this interaction.
    pub account_chosen: bool,
    /// Whether this session was authenticated in this interaction.
    pub authenticated_here: bool,
    /// What the session's user has granted to the client.
    pub connection: Option<&'a Access>,
    /// The users whom the request is about, where it says so.
    pub users: Option<&'a [UserId]>,
    /// The present time.
    pub now: DateTime<Utc>,
}

/// The next step of a request.
///
/// ```
/// # use alias_domain::*;
/// let client = testing::sample::client();
/// let params = Params::parse(
///     "scope=openid&response_type=code&redirect_uri=https://example.com/alias-callback");
/// let callback = requested_callback(&params, &client)?;
/// let request = AuthorizationRequest::parse(&params, &client, callback)?;
/// let situation = Situation {
///     client: &client, session: None, account_chosen: false, authenticated_here: false,
///     connection: None, users: None, now: chrono::DateTime::UNIX_EPOCH,
/// };
/// assert_eq!(decide(&request, &situation), Step::Authenticate);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Tell the client no.
    Refuse(RequestError),
    /// Ask the user to sign in, or to do so again.
    Authenticate,
    /// Ask which account.
    ChooseAccount,
    /// Ask for consent.
    AskConsent(Screen),
    /// Everything was granted before: issue a code for this access (R13).
    Issue(Access),
}

/// Decides what happens next. See [`Step`] for an example.
#[must_use]
pub fn decide(request: &AuthorizationRequest, situation: &Situation<'_>) -> Step {
    let (login, consent, select_account) = match request.prompt {
        Prompt::None => return without_a_page(request, situation),
        Prompt::Allowed {
            login,
            consent,
            select_account,
        } => (login, consent, select_account),
    };
    let Some(session) = situation.session else {
        return Step::Authenticate;
    };
    if select_account && !situation.account_chosen {
        return Step::ChooseAccount;
    }
    if !is_about(situation.users, session) {
        return match situation.account_chosen {
            true => refuse(
                ErrorCode::LoginRequired,
                "this is not the user that was asked for",
            ),
            false => Step::Authenticate,
        };
    }
    if !situation.authenticated_here && (login || too_old(request, session, situation.now)) {
        return Step::Authenticate;
    }
    match request.effective(situation.client, situation.connection) {
        Err(error) => Step::Refuse(error),
        Ok(effective) if consent || must_ask(request, situation, &effective) => Step::AskConsent(
            Screen::new(situation.client, effective, situation.connection),
        ),
        Ok(effective) => Step::Issue(effective),
    }
}

/// What [`decide`] issues whenever somebody is signed in and granted at least this (R9, R13), so that
/// a store can look and issue in one step. `None` if it also depends on who they are and when they
/// signed in, on what else they granted, or on an answer of theirs.
///
/// ```
/// # use alias_domain::*;
/// # let client = testing::sample::client();
/// let anticipated = |extra: &str| {
///     let query = "scope=openid&response_type=code&redirect_uri=https://example.com/alias-callback";
///     let params = Params::parse(&format!("{query}{extra}"));
///     let callback = requested_callback(&params, &client).ok()?;
///     let request = AuthorizationRequest::parse(&params, &client, callback).ok()?;
///     anticipate(&request, &client)
/// };
/// assert_eq!(anticipated(""), Some(Access::openid()));
/// assert_eq!(anticipated("&include_granted_scopes=true"), None);
/// assert_eq!(anticipated("&prompt=consent"), None);
/// ```
#[must_use]
pub fn anticipate(request: &AuthorizationRequest, client: &Client) -> Option<Access> {
    let (Prompt::None
    | Prompt::Allowed {
        login: false,
        consent: false,
        select_account: false,
    }) = request.prompt
    else {
        return None;
    };
    let of_any_session = request.max_age.is_none() && request.subjects().is_none();
    if !of_any_session || request.includes_granted() || may_be_posed_as(request, client) {
        return None;
    }
    request.effective(client, None).ok()
}

/// R14, R15: with `prompt=none` no page is shown, and the client learns which would have been.
fn without_a_page(request: &AuthorizationRequest, situation: &Situation<'_>) -> Step {
    let session = situation.session;
    match session.filter(|it| is_about(situation.users, it)) {
        None => return refuse(ErrorCode::LoginRequired, "the user is not signed in"),
        Some(session) if too_old(request, session, situation.now) => {
            return refuse(ErrorCode::LoginRequired, "the user must authenticate again");
        }
        Some(_) => {}
    }
    match request.effective(situation.client, situation.connection) {
        Err(error) => Step::Refuse(error),
        Ok(effective) if must_ask(request, situation, &effective) => {
            refuse(ErrorCode::ConsentRequired, "the user must be asked")
        }
        Ok(effective) => Step::Issue(effective),
    }
}

const fn refuse(code: ErrorCode, description: &'static str) -> Step {
    Step::Refuse(RequestError::new(code, description))
}

/// OIDC Core 3.1.2.2: nothing is ever issued for another user than the one that was asked for.
fn is_about(users: Option<&[UserId]>, session: &Session) -> bool {
    users.is_none_or(|it| it.contains(&session.user.id))
}

/// R15: whether the authentication is older than `max_age`. One that lies in the future has an age
/// that nobody knows: the clock was wrong then, or is now.
fn too_old(request: &AuthorizationRequest, session: &Session, now: DateTime<Utc>) -> bool {
    let age = now.signed_duration_since(session.auth_time);
    request.max_age.is_some_and(|seconds| {
        // `max_age` is at most 2^63-1 (R15), so only the multiplication can overflow.
        let greatest = i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        seconds == 0 || age < TimeDelta::zero() || age.num_milliseconds() > greatest
    })
}

/// Whether others on the device could pose as the client: it is never trusted to be itself
/// (RFC 8252 8.6).
fn may_be_posed_as(request: &AuthorizationRequest, client: &Client) -> bool {
    client.kind == ClientKind::Public && request.callback.is_native()
}

/// R9: what is not granted yet must be asked for.
fn must_ask(request: &AuthorizationRequest, situation: &Situation<'_>, wanted: &Access) -> bool {
    let granted = situation
        .connection
        .is_some_and(|connection| connection.covers(wanted));
    !granted || may_be_posed_as(request, situation.client)
}

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Callback, Client, ClientId, Email, IdTokenHint, ParamError, Params, Session, SessionAlias,
    SessionId, UserId, authorization::LONGEST_STATE, params::push_query,
};

/// A client's request to sign a user out (RP-Initiated Logout 1.0, 2), taken apart.
///
/// ```
/// use alias_domain::{LogoutFault, LogoutRequest, Params};
/// let request = LogoutRequest::parse(&Params::parse("state=s&unknown=x"))?;
/// assert_eq!(request.state.as_deref(), Some("s"));
/// let twice = LogoutRequest::parse(&Params::parse("state=s&state=t"));
/// assert_eq!(twice, Err(LogoutFault::Repeated));
/// # Ok::<(), LogoutFault>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogoutRequest {
    /// An ID token that the client was given: it says who asks, and who is to be signed out.
    pub id_token_hint: Option<String>,
    /// Who asks.
    pub client_id: Option<String>,
    /// Where the user shall go afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// What goes there with them, exactly.
    pub state: Option<String>,
    /// Whom the client thinks of: an email address.
    pub logout_hint: Option<String>,
}

/// What is wrong with a logout request. Nobody is sent anywhere by it, and nobody is signed out
/// without being asked.
///
/// ```
/// assert_eq!(alias_domain::LogoutFault::Hint.name(), "hint");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogoutFault {
    /// A parameter is there more than once.
    Repeated,
    /// A parameter is not percent-encoded UTF-8, or has control characters.
    Malformed,
    /// `state` is longer than at the authorization endpoint: with it no address may fit any more.
    LongState,
    /// The hint is no ID token of this issuer, or was signed by a key that is gone.
    Hint,
    /// `client_id`, or the hint, names no client.
    UnknownClient,
    /// `client_id` names another client than the hint.
    Disagreement,
    /// There is a URI, and nothing says whose it is.
    NoClient,
    /// The URI is not one that the client registered for this.
    UnregisteredUri,
}

/// Where a user may be sent after signing out: a URI that the client registered for this, with the
/// request's `state`. Its one constructor is [`LogoutRequest::way_back`].
///
/// ```
/// # use alias_domain::*;
/// let mut client = testing::sample::client();
/// let uri = "https://example.com/bye";
/// client.post_logout_redirect_uris = vec![RedirectUri::register(uri, client.kind)?];
/// let params = Params::parse("post_logout_redirect_uri=https://example.com/bye&state=a%20b");
/// let way_back = LogoutRequest::parse(&params).and_then(|it| it.way_back(Some(&client)));
/// let address = way_back.ok().flatten().map(|it| it.address());
/// assert_eq!(address.as_deref(), Some("https://example.com/bye?state=a%20b"));
/// # Ok::<(), RedirectUriError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayBack {
    uri: Callback,
    state: Option<String>,
}

/// What is to happen next.
///
/// ```
/// # use alias_domain::{LogoutStep, logout_step};
/// assert_eq!(logout_step(None, None, &[]), LogoutStep::Nobody);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutStep {
    /// This session ends, without asking.
    End(SessionId),
    /// Ask which of these are to end.
    Ask(Vec<SessionId>),
    /// Nobody is signed in here: all is as it would be afterwards.
    Nobody,
}

impl LogoutRequest {
    /// Takes the parameters apart. What is unknown is ignored; `ui_locales` is known, and there is
    /// but one language.
    ///
    /// # Errors
    /// If a parameter that is known is repeated or malformed. See the type for an example.
    pub fn parse(params: &Params) -> Result<Self, LogoutFault> {
        let text = |name| match params.text(name) {
            Ok(value) => Ok(value.map(str::to_owned)),
            Err(ParamError::Repeated) => Err(LogoutFault::Repeated),
            Err(ParamError::Malformed | ParamError::ControlCharacter) => {
                Err(LogoutFault::Malformed)
            }
        };
        text("ui_locales")?;
        let state = text("state")?;
        if state.as_ref().is_some_and(|it| it.len() > LONGEST_STATE) {
            return Err(LogoutFault::LongState);
        }
        Ok(Self {
            id_token_hint: text("id_token_hint")?,
            client_id: text("client_id")?,
            post_logout_redirect_uri: text("post_logout_redirect_uri")?,
            state,
            logout_hint: text("logout_hint")?,
        })
    }

    /// The client that asks, by what it says or by the hint, which is `None` if it cannot be read.
    ///
    /// # Errors
    /// If there is a hint that cannot be read, or the two name different clients, or what is named
    /// can be no client.
    ///
    /// ```
    /// # use alias_domain::{LogoutFault, LogoutRequest};
    /// let forged = LogoutRequest {
    ///     id_token_hint: Some("forged".to_owned()),
    ///     ..LogoutRequest::default()
    /// };
    /// assert_eq!(forged.named_client(None), Err(LogoutFault::Hint));
    /// assert_eq!(LogoutRequest::default().named_client(None), Ok(None));
    /// ```
    pub fn named_client(
        &self,
        hint: Option<&IdTokenHint>,
    ) -> Result<Option<ClientId>, LogoutFault> {
        if self.id_token_hint.is_some() && hint.is_none() {
            return Err(LogoutFault::Hint);
        }
        let said = self.client_id.as_deref().map(str::parse).transpose();
        let said = said.map_err(|_| LogoutFault::UnknownClient)?;
        match (said, hint.map(|it| it.aud)) {
            (Some(said), Some(hinted)) if said != hinted => Err(LogoutFault::Disagreement),
            (said, hinted) => Ok(said.or(hinted)),
        }
    }

    /// Where the user goes afterwards; `None` if the request does not say. The URI is one that the
    /// client registered for this (R29). See [`WayBack`] for an example.
    ///
    /// # Errors
    /// If the client did not register it, or there is no client.
    pub fn way_back(&self, client: Option<&Client>) -> Result<Option<WayBack>, LogoutFault> {
        let Some(requested) = &self.post_logout_redirect_uri else {
            return Ok(None);
        };
        let client = client.ok_or(LogoutFault::NoClient)?;
        let registered = &client.post_logout_redirect_uris;
        let uri = Callback::resolve(requested, registered, client.kind)
            .ok_or(LogoutFault::UnregisteredUri)?;
        Ok(Some(WayBack {
            uri,
            state: self.state.clone(),
        }))
    }
}

impl WayBack {
    /// The URI, without the state.
    ///
    /// ```
    /// # use alias_domain::WayBack;
    /// fn is_secure(way_back: &WayBack) -> bool {
    ///     way_back.uri().starts_with("https://")
    /// }
    /// ```
    #[must_use]
    pub fn uri(&self) -> &str {
        self.uri.as_str()
    }

    /// The address to go to: the URI with the state, and nothing else. See the type for an example.
    #[must_use]
    pub fn address(&self) -> String {
        let uri = self.uri.as_str();
        let Some(state) = &self.state else {
            return uri.to_owned();
        };
        let mut query = String::new();
        push_query(&mut query, "state", state);
        let joint = match uri.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{uri}{joint}{query}")
    }
}

/// An ID token that came back, with whom its client knows, or knew, by it.
///
/// ```
/// # use alias_domain::{Hinted, IdTokenHint, testing::sample};
/// fn hints_at_fred(hint: IdTokenHint) -> Hinted {
///     Hinted { hint, user: Some(sample::user().id) }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hinted {
    /// What it says.
    pub hint: IdTokenHint,
    /// Its user, if there still is one.
    pub user: Option<UserId>,
}

/// Who is to be signed out of those who are signed in at a browser. A hint that is sound and names
/// one of them is enough; otherwise they are asked. Of a hint with a `sid`, that session is meant
/// and no other; of one without, that of the user.
///
/// ```
/// # use alias_domain::{LogoutStep, logout_step, testing::sample::session};
/// let step = logout_step(None, None, &[&session()]);
/// assert_eq!(step, LogoutStep::Ask(vec![session().id]));
/// ```
#[must_use]
pub fn logout_step(
    hinted: Option<&Hinted>,
    logout_hint: Option<&str>,
    signed_in: &[&Session],
) -> LogoutStep {
    if signed_in.is_empty() {
        return LogoutStep::Nobody;
    }
    let named = |hinted: &Hinted| {
        signed_in.iter().find(|it| match &hinted.hint.sid {
            Some(sid) => is_seen_as(it.id, hinted.hint.aud, sid),
            None => Some(it.user.id) == hinted.user,
        })
    };
    if let Some(session) = hinted.and_then(named) {
        return LogoutStep::End(session.id);
    }
    let email: Option<Email> = logout_hint.and_then(|it| it.parse().ok());
    let meant = |it: &&&Session| Some(&it.user.email) == email.as_ref();
    LogoutStep::Ask(match signed_in.iter().find(meant) {
        Some(session) => vec![session.id],
        None => signed_in.iter().map(|it| it.id).collect(),
    })
}

fn is_seen_as(session: SessionId, client: ClientId, sid: &str) -> bool {
    SessionAlias::of(session, client).to_string() == sid
}

/// The sessions that an answer ends: all that were shown, one of them, or none. `None` if the
/// answer names one that was not shown.
///
/// ```
/// # use alias_domain::{chosen_to_end, testing::sample};
/// let shown = [sample::session().id];
/// assert_eq!(chosen_to_end(&shown, "all"), Some(shown.to_vec()));
/// assert_eq!(chosen_to_end(&shown, "none"), Some(vec![]));
/// assert_eq!(chosen_to_end(&[], &sample::session().id.to_string()), None);
/// ```
#[must_use]
pub fn chosen_to_end(shown: &[SessionId], answer: &str) -> Option<Vec<SessionId>> {
    match answer {
        "all" => Some(shown.to_vec()),
        "none" => Some(Vec::new()),
        one => {
            let one = one.parse().ok().filter(|it| shown.contains(it));
            one.map(|it| vec![it])
        }
    }
}

impl LogoutFault {
    /// What it is called in the log; see the type for an example.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Malformed => "malformed",
            Self::LongState => "state",
            Self::Hint => "hint",
            Self::UnknownClient => "unknown_client",
            Self::Disagreement => "disagreement",
            Self::NoClient => "no_client",
            Self::UnregisteredUri => "unregistered_uri",
        }
    }
}

impl fmt::Display for LogoutFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

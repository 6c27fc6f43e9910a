//! From parameters to a request in which nothing invalid can be represented (R1 to R8, R14, R28,
//! OIDC Core 3.1.2.1, 5.5).
//!
//! `display`, `ui_locales` and `claims_locales` are wishes: there is one page, in one language.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::record::RequestRecord;
use crate::{
    Access, AliasId, AskedClaims, Assurance, Callback, Challenge, Channels, ClaimsRequest, Client,
    ClientId, ClientKind, Email, ErrorCode, IdTokenHint, MalformedClaims, MalformedId, PageError,
    ParamError, Params, Reply, RequestError, ResponseMode, Scope, ScopeList,
};

/// Every parameter that Alias knows at the authorization endpoint.
const KNOWN: [&str; 24] = [
    "scope",
    "include_granted_scopes",
    "channels",
    "include_granted_channels",
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "code_challenge",
    "code_challenge_method",
    "id_token_hint",
    "login_hint",
    "acr_values",
    "claims",
    "display",
    "ui_locales",
    "claims_locales",
    "request",
    "request_uri",
    "registration",
];

/// The longest `state`, in bytes.
pub(crate) const LONGEST_STATE: usize = 2048;

/// The longest `nonce`, in bytes.
const LONGEST_NONCE: usize = 512;

/// What is said of a boolean that is none (R7).
const BOOLEAN_EXPECTED: &str = "include_granted_* must be true or false";

/// The most users that a request may leave the choice between.
const MOST_SUBJECTS: usize = 8;

/// The client that a request names, before anything else is looked at.
///
/// # Errors
/// A page for the user, for there is nobody to redirect to.
///
/// ```
/// use alias_domain::{Params, requested_client};
/// let client = requested_client(&Params::parse("client_id=bjOB6HV7cTKtxvfr2k2ucg"))?;
/// assert_eq!(client.to_string(), "bjOB6HV7cTKtxvfr2k2ucg");
/// # Ok::<(), alias_domain::PageError>(())
/// ```
pub fn requested_client(params: &Params) -> Result<ClientId, PageError> {
    let id = page_param(params, "client_id")?.ok_or(PageError::MissingClient)?;
    id.parse().map_err(|_| PageError::UnknownClient)
}

/// Where the response to a request may go (R29).
///
/// # Errors
/// A page for the user, and never a redirect `[seed]`.
///
/// ```
/// # use alias_domain::*;
/// let client = testing::sample::client();
/// let params = Params::parse("redirect_uri=https://evil.example/");
/// assert_eq!(requested_callback(&params, &client), Err(PageError::UnregisteredRedirectUri));
/// ```
pub fn requested_callback(params: &Params, client: &Client) -> Result<Callback, PageError> {
    let uri = page_param(params, "redirect_uri")?.ok_or(PageError::MissingRedirectUri)?;
    client
        .callback(uri)
        .ok_or(PageError::UnregisteredRedirectUri)
}

fn page_param<'a>(params: &'a Params, name: &str) -> Result<Option<&'a str>, PageError> {
    params.text(name).map_err(|error| match error {
        ParamError::Repeated => PageError::Repeated,
        ParamError::Malformed | ParamError::ControlCharacter => PageError::Malformed,
    })
}

/// What the client wants the user to be asked (OIDC Core 3.1.2.1).
///
/// ```
/// use alias_domain::Prompt;
/// let usual = Prompt::Allowed { login: false, consent: false, select_account: false };
/// assert_ne!(usual, Prompt::None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Nothing at all: never show a page (R14).
    None,
    /// Whatever is needed, and these even where they are not.
    Allowed {
        /// Authenticate again (R15).
        login: bool,
        /// Ask for consent, though all of it was granted (R9).
        consent: bool,
        /// Choose an account (R15).
        select_account: bool,
    },
}

/// The channels of a request. What they mean may depend on the connection (R4, R14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RequestedChannels {
    /// `contact` is not, and cannot become, an effective scope: nothing was looked at (R4).
    Ignored,
    /// `contact` stands in the request itself.
    Checked(ChannelRequest),
    /// Only a merge can bring `contact`, so the verdict waits for the connection, and is kept.
    IfMerged(Result<ChannelRequest, ChannelFault>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChannelRequest {
    channels: Channels,
    include_granted: bool,
}

/// What is wrong with the channels of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChannelFault {
    /// A name that the client does not declare (R5).
    Undeclared,
    /// `include_granted_channels` is no boolean (R7).
    IncludeGranted,
}

impl From<ChannelFault> for RequestError {
    fn from(fault: ChannelFault) -> Self {
        match fault {
            ChannelFault::Undeclared => Self::new(
                ErrorCode::InvalidChannel,
                "channels must name channels that this client declares",
            ),
            ChannelFault::IncludeGranted => invalid(BOOLEAN_EXPECTED),
        }
    }
}

impl RequestedChannels {
    /// Without the channels that the client has withdrawn since they were asked for (R31).
    pub(super) fn still_declared(mut self, client: &Client) -> Self {
        if let Self::Checked(wanted) | Self::IfMerged(Ok(wanted)) = &mut self {
            wanted.channels = client.declared(&wanted.channels).map(|it| it.id).collect();
        }
        self
    }
}

/// A sound authorization request of a known client.
///
/// ```
/// # use alias_domain::*;
/// let client = testing::sample::client();
/// let params = Params::parse(
///     "scope=openid%20contact&channels=notifications&response_type=code\
///      &redirect_uri=https%3A%2F%2Fexample.com%2Falias-callback");
/// let callback = requested_callback(&params, &client)?;
/// let request = AuthorizationRequest::parse(&params, &client, callback)?;
/// let effective = request.effective(&client, None)?;
/// assert_eq!(client.channel_list(&effective), Some("notifications".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Where the response goes.
    pub callback: Callback,
    /// Goes into the ID token (OIDC Core 15.5.2).
    pub nonce: Option<String>,
    /// What the user must, or must not, be asked.
    pub prompt: Prompt,
    /// The greatest age of the user's authentication, in seconds (R15).
    pub max_age: Option<u64>,
    /// The PKCE challenge (R28).
    pub challenge: Option<Challenge>,
    /// The address that the user may want to sign in with: a guess of the client's.
    pub login_hint: Option<Email>,
    /// What the ID token shall say beyond the usual (R18).
    pub asked_claims: AskedClaims,
    /// Whom `claims` names, where it does.
    pub(super) subjects: Option<Vec<AliasId>>,
    pub(super) scopes: BTreeSet<Scope>,
    pub(super) include_granted_scopes: bool,
    pub(super) channels: RequestedChannels,
}

impl AuthorizationRequest {
    /// The names of the parameters that matter.
    ///
    /// ```
    /// assert!(alias_domain::AuthorizationRequest::parameters().contains(&"scope"));
    /// ```
    #[must_use]
    pub const fn parameters() -> &'static [&'static str] {
        &KNOWN
    }

    /// The `state` to return: the exact value, unless it is repeated or cannot be decoded.
    ///
    /// ```
    /// use alias_domain::{AuthorizationRequest, Params};
    /// assert_eq!(AuthorizationRequest::state(&Params::parse("state=a&state=b")), None);
    /// ```
    #[must_use]
    pub fn state(params: &Params) -> Option<String> {
        params.one("state").ok().flatten().map(str::to_owned)
    }

    /// Checks everything that does not depend on who the user is (R14).
    ///
    /// # Errors
    /// What the client is told at its redirect URI. See the type for an example.
    pub fn parse(
        params: &Params,
        client: &Client,
        callback: Callback,
    ) -> Result<Self, RequestError> {
        known_parameters_are_sound(params)?;
        unsupported_parameters_are_refused(params)?;
        response_mode_is_known(params, &callback)?;
        response_type_is_code(params)?;
        let scopes = scopes(params)?;
        let include_granted_scopes = boolean(params, "include_granted_scopes")?;
        let channels = if scopes.contains(&Scope::Contact) {
            RequestedChannels::Checked(channels(params, client)?)
        } else if include_granted_scopes {
            RequestedChannels::IfMerged(channels(params, client))
        } else {
            RequestedChannels::Ignored
        };
        let claims = claims(params)?;
        essential_acr_can_be_met(&claims)?;
        let reply = Reply::requested(params, callback.clone());
        let request = Self {
            callback,
            login_hint: login_hint(params),
            asked_claims: asked_claims(params, &claims),
            subjects: subjects(&claims)?,
            nonce: nonce(params)?,
            prompt: prompt(params)?,
            max_age: max_age(params)?,
            challenge: challenge(params, client.kind)?,
            scopes,
            include_granted_scopes,
            channels,
        };
        match RequestRecord::fits(&request, &reply) {
            true => Ok(request),
            false => Err(invalid(
                "state, nonce, login_hint and redirect_uri are too long together",
            )),
        }
    }

    /// The request as one about the user of an ID token that the client shows, and nobody else
    /// (OIDC Core 3.1.2.1).
    ///
    /// # Errors
    /// `invalid_request`, if that is no ID token of this issuer for this client, or `claims` names
    /// another user.
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let client = testing::sample::client();
    /// # let params = Params::parse("scope=openid&response_type=code");
    /// # let callback = client.callback(testing::sample::REDIRECT_URI).unwrap();
    /// let request = AuthorizationRequest::parse(&params, &client, callback)?;
    /// let forged = request.by_hint(None, &client);
    /// assert_eq!(forged.map_err(|it| it.code), Err(ErrorCode::InvalidRequest));
    /// # Ok::<(), RequestError>(())
    /// ```
    pub fn by_hint(
        self,
        hint: Option<&IdTokenHint>,
        client: &Client,
    ) -> Result<Self, RequestError> {
        match hint {
            Some(hint) if hint.aud == client.id => self.about(hint.sub),
            _ => Err(invalid(
                "id_token_hint is no ID token of this issuer for this client",
            )),
        }
    }

    /// The request as one about a user whom a hint named.
    ///
    /// # Errors
    /// `invalid_request`, if `claims` names another user.
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let client = testing::sample::client();
    /// # let params = Params::parse("scope=openid&response_type=code");
    /// # let callback = client.callback(testing::sample::REDIRECT_URI).unwrap();
    /// # let fred = testing::sample::standing().alias_id;
    /// let request = AuthorizationRequest::parse(&params, &client, callback)?.about(fred)?;
    /// assert_eq!(request.subjects(), Some(&[fred][..]));
    /// # Ok::<(), RequestError>(())
    /// ```
    pub fn about(self, hinted: AliasId) -> Result<Self, RequestError> {
        if self
            .subjects
            .as_ref()
            .is_some_and(|it| !it.contains(&hinted))
        {
            return Err(invalid("id_token_hint and claims name different users"));
        }
        Ok(Self {
            subjects: Some(vec![hinted]),
            ..self
        })
    }

    /// Whom the request is about, as the client knows them; `None` if about anybody. See
    /// [`AuthorizationRequest::about`] for an example.
    #[must_use]
    pub fn subjects(&self) -> Option<&[AliasId]> {
        self.subjects.as_deref()
    }

    /// Whether the effective request depends on what is granted (R3, R6).
    pub(crate) const fn includes_granted(&self) -> bool {
        self.include_granted_scopes
            || matches!(&self.channels, RequestedChannels::Checked(wanted) if wanted.include_granted)
    }

    /// The effective request: what was asked for and, where that was asked for too, what the
    /// connection has (R3, R4, R6).
    ///
    /// # Errors
    /// `invalid_channel` or `invalid_request`, where only the merge brings `contact` (R14).
    pub fn effective(
        &self,
        client: &Client,
        connection: Option<&Access>,
    ) -> Result<Access, RequestError> {
        let granted = connection.cloned().map(|it| client.live(it));
        let mut effective = self
            .scopes
            .iter()
            .fold(Access::openid(), |access, scope| access.with(*scope));
        if let (true, Some(granted)) = (self.include_granted_scopes, &granted) {
            effective = granted.scopes().fold(effective, Access::with);
        }
        if !effective.has(Scope::Contact) {
            return Ok(effective);
        }
        let wanted = match &self.channels {
            RequestedChannels::Ignored => return Ok(effective),
            RequestedChannels::Checked(wanted) => wanted,
            RequestedChannels::IfMerged(wanted) => wanted.as_ref().map_err(|fault| *fault)?,
        };
        let merged = granted
            .as_ref()
            .and_then(Access::channels)
            .filter(|_| wanted.include_granted);
        Ok(effective
            .with_contact(wanted.channels.clone())
            .with_contact(merged.cloned().unwrap_or_default()))
    }
}

const fn invalid(description: &'static str) -> RequestError {
    RequestError::new(ErrorCode::InvalidRequest, description)
}

impl From<ParamError> for RequestError {
    fn from(error: ParamError) -> Self {
        Self::of_param("a parameter", error)
    }
}

/// RFC 6749 3.1: no parameter more than once. What `scope` and `channels` hold is for R1, R4, R5, and
/// JSON may have lines.
fn known_parameters_are_sound(params: &Params) -> Result<(), RequestError> {
    if let Some(name) = params.repeated(&KNOWN) {
        return Err(RequestError::of_param(name, ParamError::Repeated));
    }
    match params.malformed(&KNOWN, &["scope", "channels", "claims"]) {
        Some((name, error)) => Err(RequestError::of_param(name, error)),
        None if state_is_too_long(params) => Err(invalid("state is longer than 2048 bytes")),
        None => Ok(()),
    }
}

fn state_is_too_long(params: &Params) -> bool {
    AuthorizationRequest::state(params).is_some_and(|it| it.len() > LONGEST_STATE)
}

/// OIDC Core 6 and 7.2.1: offered by none of our metadata, and nothing is fetched.
fn unsupported_parameters_are_refused(params: &Params) -> Result<(), RequestError> {
    let unsupported = [
        (
            "request",
            ErrorCode::RequestNotSupported,
            "request objects are not supported",
        ),
        (
            "request_uri",
            ErrorCode::RequestUriNotSupported,
            "request_uri is not supported",
        ),
        (
            "registration",
            ErrorCode::RegistrationNotSupported,
            "registration is not supported",
        ),
    ];
    match unsupported.into_iter().find(|(name, ..)| params.has(name)) {
        Some((_, code, description)) => Err(RequestError::new(code, description)),
        None => Ok(()),
    }
}

fn response_mode_is_known(params: &Params, callback: &Callback) -> Result<(), RequestError> {
    let Some(name) = params.text("response_mode")? else {
        return Ok(());
    };
    let mode = ResponseMode::named(name)
        .ok_or_else(|| invalid("response_mode must be query or form_post"))?;
    if !mode.reaches(callback) {
        return Err(invalid(
            "response_mode form_post needs an http or https redirect URI",
        ));
    }
    Ok(())
}

fn response_type_is_code(params: &Params) -> Result<(), RequestError> {
    match params.text("response_type")? {
        Some("code") => Ok(()),
        None => Err(invalid("response_type is missing")),
        Some(_) => Err(RequestError::new(
            ErrorCode::UnsupportedResponseType,
            "response_type must be code",
        )),
    }
}

/// R1, R2.
fn scopes(params: &Params) -> Result<BTreeSet<Scope>, RequestError> {
    let invalid_scope = |description| RequestError::new(ErrorCode::InvalidScope, description);
    let list = match params.one("scope") {
        Ok(Some(text)) => text.parse::<ScopeList>().ok(),
        Ok(None) => return Err(invalid_scope("scope is missing; it must have openid")),
        Err(_) => None,
    };
    let scopes = list
        .ok_or_else(|| invalid_scope("scope has characters outside the grammar of RFC 6749 3.3"))?
        .known;
    if !scopes.contains(&Scope::OpenId) {
        return Err(invalid_scope("scope must have openid"));
    }
    Ok(scopes)
}

/// R5, R6.
fn channels(params: &Params, client: &Client) -> Result<ChannelRequest, ChannelFault> {
    let include_granted =
        boolean(params, "include_granted_channels").map_err(|_| ChannelFault::IncludeGranted)?;
    let text = params
        .one("channels")
        .map_err(|_| ChannelFault::Undeclared)?;
    let mut channels = Channels::new();
    for name in text.unwrap_or("").split(' ').filter(|it| !it.is_empty()) {
        // `_meta` and malformed names are refused here too: no client declares them.
        let channel = client.channel(name).ok_or(ChannelFault::Undeclared)?;
        channels.insert(channel.id);
    }
    Ok(ChannelRequest {
        channels,
        include_granted,
    })
}

/// R7.
fn boolean(params: &Params, name: &str) -> Result<bool, RequestError> {
    match params.one(name)? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(invalid(BOOLEAN_EXPECTED)),
    }
}

fn nonce(params: &Params) -> Result<Option<String>, RequestError> {
    match params.text("nonce")? {
        Some(it) if it.len() > LONGEST_NONCE => Err(invalid("nonce is longer than 512 bytes")),
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

/// R14.
fn prompt(params: &Params) -> Result<Prompt, RequestError> {
    let (mut login, mut consent, mut select_account, mut none) = (false, false, false, false);
    for value in params.text("prompt")?.unwrap_or("").split(' ') {
        match value {
            "" => {}
            "none" => none = true,
            "login" => login = true,
            "consent" => consent = true,
            "select_account" => select_account = true,
            _ => return Err(invalid("prompt has an unknown value")),
        }
    }
    if !none {
        return Ok(Prompt::Allowed {
            login,
            consent,
            select_account,
        });
    }
    if login || consent || select_account {
        return Err(invalid("prompt none must stand alone"));
    }
    Ok(Prompt::None)
}

/// R15.
fn max_age(params: &Params) -> Result<Option<u64>, RequestError> {
    let Some(text) = params.text("max_age")? else {
        return Ok(None);
    };
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let seconds = text.parse().ok().filter(|it| *it <= i64::MAX as u64);
    match seconds.filter(|_| digits) {
        None => Err(invalid("max_age must be a number of seconds")),
        some => Ok(some),
    }
}

/// OIDC Core 5.5.
fn claims(params: &Params) -> Result<ClaimsRequest, RequestError> {
    let malformed = |MalformedClaims| {
        invalid("claims must be a JSON object of OpenID Connect Core 5.5, of at most 4096 bytes")
    };
    match params.one("claims")? {
        Some(text) => ClaimsRequest::parse(text).map_err(malformed),
        None => Ok(ClaimsRequest::default()),
    }
}

/// OIDC Core 5.5.1.1: an essential `acr` with values is one of these, or the authentication has
/// failed. Here every user authenticates in the same way, so that is known before they do.
fn essential_acr_can_be_met(claims: &ClaimsRequest) -> Result<(), RequestError> {
    let asked = claims.id_token("acr").filter(|it| it.essential);
    if asked.is_none_or(|asked| Assurance::ALL.iter().any(|it| asked.admits(it.acr()))) {
        return Ok(());
    }
    Err(RequestError::new(
        ErrorCode::UnmetAuthenticationRequirements,
        "no user can authenticate with an acr of those",
    ))
}

/// R18. `acr_values` asks what the authentication is worth, and `amr` tells why.
fn asked_claims(params: &Params, claims: &ClaimsRequest) -> AskedClaims {
    let by_values = params.has("acr_values");
    AskedClaims {
        acr: by_values || claims.id_token("acr").is_some(),
        amr: by_values || claims.id_token("amr").is_some(),
    }
}

/// OIDC Core 5.5.1: a `sub` with a value means the same as an ID token hint with that `sub`. One in
/// the userinfo response is the same user's.
fn subjects(claims: &ClaimsRequest) -> Result<Option<Vec<AliasId>>, RequestError> {
    let asked = [claims.id_token("sub"), claims.userinfo("sub")];
    let mut told = asked.iter().flatten().filter_map(|it| it.values.as_ref());
    let Some(first) = told.next() else {
        return Ok(None);
    };
    let second = told.next();
    let both = first
        .iter()
        .filter(|it| second.is_none_or(|second| second.contains(it)));
    let subjects: Result<Vec<AliasId>, MalformedId> = both.map(|it| it.parse()).collect();
    match subjects {
        Ok(some) if (1..=MOST_SUBJECTS).contains(&some.len()) => Ok(Some(some)),
        _ => Err(invalid("claims must name one to eight subs of this issuer")),
    }
}

/// Whatever is no address is no hint.
fn login_hint(params: &Params) -> Option<Email> {
    params.text("login_hint").ok()??.parse().ok()
}

/// R28.
fn challenge(params: &Params, kind: ClientKind) -> Result<Option<Challenge>, RequestError> {
    let method = params.text("code_challenge_method")?;
    match params.text("code_challenge")? {
        None if method.is_some() => Err(invalid("code_challenge_method without code_challenge")),
        None if kind == ClientKind::Public => Err(invalid("public clients must use PKCE")),
        None => Ok(None),
        Some(_) if method != Some("S256") => Err(invalid("code_challenge_method must be S256")),
        Some(text) => match text.parse() {
            Ok(challenge) => Ok(Some(challenge)),
            Err(_) => Err(invalid("code_challenge must be 43 characters of base64url")),
        },
    }
}

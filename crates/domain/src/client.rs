//! Clients: who may ask for a grant (RFC 6749 2).

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Access, Callback, ChannelId, ChannelName, Channels, ClientId, DeclaredChannel, Digest,
    ErrorCode, INVALID_CLIENT, LogoutUri, META_CHANNEL, MalformedLogoutUri, NicknameClaims,
    RedirectUri, RedirectUriError, RequestError, Secret, SigningAlgorithm,
    channel::MalformedChannelName,
    user::{is_misleading, shows_something},
};

/// What a client is. It is that for good (R30).
///
/// ```
/// use alias_domain::ClientKind;
/// assert_ne!(ClientKind::Confidential, ClientKind::Public);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// Has a secret (RFC 6749 2.1), and may refresh.
    Confidential,
    /// Has none: PKCE is required, and refreshing is not offered (R19, R28).
    Public,
    /// A service that tokens are sent to (RFC 6749 1.1). It has a secret, may introspect every
    /// token, and nothing else: nobody grants it anything.
    ResourceServer,
}

impl ClientKind {
    /// Whether a client of this kind has a secret.
    ///
    /// ```
    /// use alias_domain::ClientKind;
    /// assert!(ClientKind::ResourceServer.has_secret());
    /// assert!(!ClientKind::Public.has_secret());
    /// ```
    #[must_use]
    pub const fn has_secret(self) -> bool {
        match self {
            Self::Confidential | Self::ResourceServer => true,
            Self::Public => false,
        }
    }
}

/// How a client that has a secret is registered to send it (OIDC Core 9).
///
/// ```
/// use alias_domain::{AuthMethod, SecretPlace};
/// assert_eq!(AuthMethod::default(), AuthMethod::ClientSecretBasic);
/// assert!(AuthMethod::ClientSecretEither.admits(SecretPlace::Body));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// In the `Authorization` header, form-encoded (RFC 6749 2.3.1) `[seed]`.
    #[default]
    ClientSecretBasic,
    /// In the body.
    ClientSecretPost,
    /// In the header or in the body, as each request likes, and never in both (RFC 6749 2.3). No
    /// standard has this name: libraries differ, and some try one after the other.
    ClientSecretEither,
}

impl AuthMethod {
    /// As the command line spells it and, `client_secret_either` aside, OIDC Core 9.
    ///
    /// ```
    /// assert_eq!(alias_domain::AuthMethod::ClientSecretPost.name(), "client_secret_post");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretEither => "client_secret_either",
        }
    }

    /// Whether a client that is registered so may send its secret there. See the type for an
    /// example.
    #[must_use]
    pub const fn admits(self, place: SecretPlace) -> bool {
        match self {
            Self::ClientSecretBasic => matches!(place, SecretPlace::Header),
            Self::ClientSecretPost => matches!(place, SecretPlace::Body),
            Self::ClientSecretEither => true,
        }
    }
}

/// Where a secret stood in a request (RFC 6749 2.3.1).
///
/// ```
/// use alias_domain::{AuthMethod, SecretPlace};
/// assert!(AuthMethod::ClientSecretBasic.admits(SecretPlace::Header));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// In the `Authorization` header.
    Header,
    /// In the body, as `client_secret`.
    Body,
}

/// A registered client.
///
/// ```
/// use alias_domain::{Client, ClientKind, Registration};
/// # use chrono::DateTime;
/// let client: Client = Client::register(
///     "bjOB6HV7cTKtxvfr2k2ucg".parse()?,
///     Registration {
///         name: "Fieldnotes".to_owned(),
///         kind: ClientKind::Confidential,
///         redirect_uris: vec!["https://example.com/alias-callback".to_owned()],
///         channels: vec![("notifications".to_owned(), "New sightings".to_owned())],
///         ..Registration::default()
///     },
///     DateTime::UNIX_EPOCH,
/// )?;
/// assert!(client.channel("notifications").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client identifier.
    pub id: ClientId,
    /// What the user reads.
    pub name: String,
    /// Confidential, public or a resource server, for good (R30).
    pub kind: ClientKind,
    /// How a client that has a secret authenticates.
    pub auth_method: AuthMethod,
    /// What its ID tokens are signed with (R18).
    pub id_token_alg: SigningAlgorithm,
    /// Where responses may go (R29).
    pub redirect_uris: Vec<RedirectUri>,
    /// Where a user may be sent after signing out.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Where it is told that a session ended, if it wants to know.
    pub backchannel_logout: Option<BackchannelLogout>,
    /// Under which names it is told a nickname, beside `nickname` (R35).
    pub claims: NicknameClaims,
    /// The channels declared now, in the client's order.
    pub channels: Vec<DeclaredChannel>,
    /// The ID of the next channel to be declared: none is ever used twice (R30).
    pub next_channel: ChannelId,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

/// What an operator says of a new client.
///
/// ```
/// use alias_domain::{ClientKind, Registration};
/// assert_eq!(Registration::default().kind, ClientKind::Confidential);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// What the user reads.
    pub name: String,
    /// Confidential, public or a resource server.
    pub kind: ClientKind,
    /// How a client that has a secret authenticates.
    pub auth_method: AuthMethod,
    /// What its ID tokens are signed with.
    pub id_token_alg: SigningAlgorithm,
    /// At least one; none of a resource server.
    pub redirect_uris: Vec<String>,
    /// Perhaps none.
    pub post_logout_redirect_uris: Vec<String>,
    /// A URI to tell it that a session ended, and whether it needs a `sid` there.
    pub backchannel_logout: Option<(String, bool)>,
    /// Names of claims, and where each one's value comes from (R35).
    pub claims: Vec<(String, String)>,
    /// Names and descriptions, in the order in which tokens list them (R16).
    pub channels: Vec<(String, String)>,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: ClientKind::Confidential,
            auth_method: AuthMethod::default(),
            id_token_alg: SigningAlgorithm::default(),
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout: None,
            claims: Vec::new(),
            channels: Vec::new(),
        }
    }
}

/// What an operator changes of a client; what is `None` stays. A list replaces the former list.
///
/// ```
/// use alias_domain::ClientChange;
/// let rename = ClientChange { name: Some("Fieldnotes".to_owned()), ..ClientChange::default() };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientChange {
    /// A new name.
    pub name: Option<String>,
    /// Another way to authenticate.
    pub auth_method: Option<AuthMethod>,
    /// Another algorithm for its ID tokens.
    pub id_token_alg: Option<SigningAlgorithm>,
    /// All redirect URIs.
    pub redirect_uris: Option<Vec<String>>,
    /// All URIs for after signing out.
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// Where it is told that a session ended, and whether it needs a `sid` there; or nowhere.
    pub backchannel_logout: Option<Option<(String, bool)>>,
    /// All claims that a nickname is told under.
    pub claims: Option<Vec<(String, String)>>,
    /// All channels. One that is not among them is withdrawn (R30); one that stays keeps its ID.
    pub channels: Option<Vec<(String, String)>>,
}

/// Why a client is not registered or changed.
///
/// ```
/// use alias_domain::{Client, ClientError, Registration};
/// let nameless = Client::register(
///     "bjOB6HV7cTKtxvfr2k2ucg".parse()?, Registration::default(), chrono::DateTime::UNIX_EPOCH);
/// assert_eq!(nameless, Err(ClientError::Name));
/// # Ok::<(), alias_domain::MalformedId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Empty or invisible, over 100 characters, or with control characters.
    #[error(
        "a client's name is 1 to 100 characters, none of them a control character and not all of them \
         invisible"
    )]
    Name,
    /// A code could go nowhere.
    #[error("a client needs at least one redirect URI")]
    NoRedirectUri,
    /// What only a client has that users connect to: redirect URIs, logout URIs, claims, or channels.
    #[error("a resource server has no {0}: it checks tokens, and users do not connect to it")]
    NotOfResourceServer(&'static str),
    /// One URI cannot be registered.
    #[error("{uri}: {reason}")]
    RedirectUri {
        /// The URI.
        uri: String,
        /// What is wrong with it.
        reason: RedirectUriError,
    },
    /// One URI for after signing out cannot be registered: the same holds for it.
    #[error("the post-logout redirect URI {uri}: {reason}")]
    PostLogoutRedirectUri {
        /// The URI.
        uri: String,
        /// What is wrong with it.
        reason: RedirectUriError,
    },
    /// The back-channel logout URI cannot be registered.
    #[error("{0}: {MalformedLogoutUri}")]
    LogoutUri(String),
    /// A claim that no nickname is told under.
    #[error("no client is told the claim {0}: a nickname goes under name or preferred_username")]
    Claim(String),
    /// Nothing but the nickname is told under another name.
    #[error("the claim {0} has the nickname as its value: give it as {0}=nickname")]
    ClaimSource(String),
    /// `_meta` is every client's already.
    #[error("the channel _meta is reserved: every client has it, none declares it")]
    ReservedChannel,
    /// A channel's name is malformed.
    #[error("channel \"{0}\": {MalformedChannelName}")]
    ChannelName(String),
    /// A channel's description is empty or invisible, over 200 characters, or has control characters.
    #[error(
        "channel \"{0}\": a description is 1 to 200 characters, none of them a control character and \
         not all of them invisible"
    )]
    ChannelDescription(String),
    /// More channels than a person can choose from, or a form can carry.
    #[error("a client declares at most {} channels", Client::MOST_CHANNELS)]
    TooManyChannels,
    /// Two channels of one name.
    #[error("channel \"{0}\" is declared twice")]
    RepeatedChannel(String),
}

/// Where and how a client is told that a session ended (OIDC Back-Channel Logout 1.0, 2.2).
///
/// ```
/// # use alias_domain::*;
/// let mut client = testing::sample::client();
/// client.change(ClientChange {
///     backchannel_logout: Some(Some(("https://example.com/logout".to_owned(), false))),
///     ..ClientChange::default()
/// })?;
/// assert!(client.backchannel_logout.is_some_and(|it| !it.session_required));
/// # Ok::<(), ClientError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackchannelLogout {
    /// Where notices go.
    pub uri: LogoutUri,
    /// Whether the client needs a `sid` in them. It gets one in any case.
    pub session_required: bool,
}

impl BackchannelLogout {
    fn register((uri, session_required): (String, bool)) -> Result<Self, ClientError> {
        Ok(Self {
            uri: LogoutUri::register(&uri).map_err(|_| ClientError::LogoutUri(uri))?,
            session_required,
        })
    }
}

impl Client {
    /// The most channels that a client declares.
    ///
    /// ```
    /// assert_eq!(alias_domain::Client::MOST_CHANNELS, 100);
    /// ```
    pub const MOST_CHANNELS: usize = 100;

    /// Checks what an operator says of a new client.
    ///
    /// # Errors
    /// The first thing that cannot be registered. See the type for an example.
    pub fn register(
        id: ClientId,
        registration: Registration,
        now: DateTime<Utc>,
    ) -> Result<Self, ClientError> {
        let mut client = Self {
            id,
            name: String::new(),
            kind: registration.kind,
            auth_method: registration.auth_method,
            id_token_alg: registration.id_token_alg,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout: None,
            claims: NicknameClaims::default(),
            channels: Vec::new(),
            next_channel: ChannelId(1),
            created_at: now,
        };
        client.change(ClientChange {
            name: Some(registration.name),
            auth_method: Some(registration.auth_method),
            id_token_alg: Some(registration.id_token_alg),
            redirect_uris: Some(registration.redirect_uris),
            post_logout_redirect_uris: Some(registration.post_logout_redirect_uris),
            backchannel_logout: Some(registration.backchannel_logout),
            claims: Some(registration.claims),
            channels: Some(registration.channels),
        })?;
        Ok(client)
    }

    /// Applies what an operator changes.
    ///
    /// # Errors
    /// The first thing that cannot be registered; the client is then partly changed, and the
    /// caller drops it.
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let mut client = testing::sample::client();
    /// let withdraw = ClientChange { channels: Some(vec![]), ..ClientChange::default() };
    /// client.change(withdraw)?;
    /// assert!(client.channels.is_empty());
    /// # Ok::<(), ClientError>(())
    /// ```
    pub fn change(&mut self, change: ClientChange) -> Result<(), ClientError> {
        self.fits(&change)?;
        if let Some(name) = change.name {
            self.name = label(&name, 100).ok_or(ClientError::Name)?;
        }
        if let Some(auth_method) = change.auth_method {
            self.auth_method = auth_method;
        }
        if let Some(id_token_alg) = change.id_token_alg {
            self.id_token_alg = id_token_alg;
        }
        if let Some(uris) = change.redirect_uris {
            if uris.is_empty() && self.may_hold_tokens() {
                return Err(ClientError::NoRedirectUri);
            }
            let refused = |uri, reason| ClientError::RedirectUri { uri, reason };
            self.redirect_uris = self.checked(uris, refused)?;
        }
        if let Some(uris) = change.post_logout_redirect_uris {
            let refused = |uri, reason| ClientError::PostLogoutRedirectUri { uri, reason };
            self.post_logout_redirect_uris = self.checked(uris, refused)?;
        }
        if let Some(wish) = change.backchannel_logout {
            self.backchannel_logout = wish.map(BackchannelLogout::register).transpose()?;
        }
        if let Some(claims) = change.claims {
            self.claims = NicknameClaims::register(claims)?;
        }
        if let Some(channels) = change.channels {
            self.declare(channels)?;
        }
        Ok(())
    }

    /// Users connect to whoever may hold their tokens, and to nobody else.
    fn fits(&self, change: &ClientChange) -> Result<(), ClientError> {
        if self.may_hold_tokens() {
            return Ok(());
        }
        let what = if names_any(&change.redirect_uris) {
            "redirect URIs"
        } else if names_any(&change.post_logout_redirect_uris) {
            "post-logout redirect URIs"
        } else if change
            .backchannel_logout
            .as_ref()
            .is_some_and(Option::is_some)
        {
            "back-channel logout URI"
        } else if names_any(&change.claims) {
            "claims"
        } else if names_any(&change.channels) {
            "channels"
        } else {
            return Ok(());
        };
        Err(ClientError::NotOfResourceServer(what))
    }

    /// Each once, however often it is named.
    fn checked(
        &self,
        uris: Vec<String>,
        refused: impl Fn(String, RedirectUriError) -> ClientError,
    ) -> Result<Vec<RedirectUri>, ClientError> {
        let mut checked = Vec::new();
        for text in uris {
            match RedirectUri::register(&text, self.kind) {
                Ok(uri) if checked.contains(&uri) => {}
                Ok(uri) => checked.push(uri),
                Err(reason) => return Err(refused(text, reason)),
            }
        }
        Ok(checked)
    }

    /// R30: what stays declared keeps its ID, what is declared (again) gets a new one.
    fn declare(&mut self, channels: Vec<(String, String)>) -> Result<(), ClientError> {
        if channels.len() > Self::MOST_CHANNELS {
            return Err(ClientError::TooManyChannels);
        }
        let before = std::mem::take(&mut self.channels);
        for (name, description) in channels {
            if name == META_CHANNEL {
                return Err(ClientError::ReservedChannel);
            }
            let Ok(parsed) = name.parse::<ChannelName>() else {
                return Err(ClientError::ChannelName(name));
            };
            if self.channel(&name).is_some() {
                return Err(ClientError::RepeatedChannel(name));
            }
            let Some(description) = label(&description, 200) else {
                return Err(ClientError::ChannelDescription(name));
            };
            let id = match before.iter().find(|it| it.name == parsed) {
                Some(kept) => kept.id,
                None => {
                    let fresh = self.next_channel;
                    self.next_channel = ChannelId(fresh.0.saturating_add(1));
                    fresh
                }
            };
            self.channels.push(DeclaredChannel {
                id,
                name: parsed,
                description,
            });
        }
        Ok(())
    }

    /// Whether credentials of this form, found right or wrong, are this client's: one that has a
    /// secret sends it the way it is registered to, a public one sends none (RFC 6749 2.3).
    ///
    /// # Errors
    /// [`INVALID_CLIENT`], and the same code with what mends it where the secret is right and only
    /// its place is not. Whoever holds the secret learns no more by it than by trying both.
    ///
    /// ```
    /// # use alias_domain::*;
    /// let basic = Some(SecretPlace::Header);
    /// assert!(testing::sample::client().authenticated(basic, true).is_ok());
    /// assert!(testing::sample::client().authenticated(basic, false).is_err());
    /// assert!(testing::sample::public_client().authenticated(None, false).is_ok());
    /// ```
    pub fn authenticated(
        &self,
        sent: Option<SecretPlace>,
        right: bool,
    ) -> Result<(), RequestError> {
        match (self.kind.has_secret(), sent) {
            (false, None) => Ok(()),
            (true, Some(place)) if right && self.auth_method.admits(place) => Ok(()),
            (true, Some(place)) if right => Err(self.misplaced_secret(place)),
            (true, Some(_)) => Err(INVALID_CLIENT.because("the secret is wrong")),
            (true, None) => Err(INVALID_CLIENT.because("a secret is needed, and none was sent")),
            (false, Some(_)) => Err(INVALID_CLIENT.because("a public client sent a secret")),
        }
    }

    fn misplaced_secret(&self, place: SecretPlace) -> RequestError {
        let (place, method) = match place {
            SecretPlace::Header => ("in the Authorization header", AuthMethod::ClientSecretBasic),
            SecretPlace::Body => ("in the body", AuthMethod::ClientSecretPost),
        };
        RequestError::saying(
            ErrorCode::InvalidClient,
            format!(
                "the secret is right, but it came {place}, and this client is registered for \
                 {registered}: run aliasd client update {id} --auth-method {method} (or {either}, \
                 for both ways), or configure the client for {registered}",
                registered = self.auth_method.name(),
                id = self.id,
                method = method.name(),
                either = AuthMethod::ClientSecretEither.name(),
            ),
        )
    }

    /// Whether this client may introspect tokens: who asks must be authenticated, and a public
    /// client cannot be (RFC 7662 2.1).
    ///
    /// ```
    /// # use alias_domain::*;
    /// assert!(!testing::sample::public_client().may_introspect());
    /// ```
    #[must_use]
    pub fn may_introspect(&self) -> bool {
        self.kind.has_secret()
    }

    /// Whether this client may be told what a token of `holder` is worth: its own, or, for a
    /// resource server, anybody's (RFC 7662 4).
    ///
    /// ```
    /// # use alias_domain::testing::sample::{client, public_client, resource_server};
    /// assert!(client().may_know(client().id));
    /// assert!(!client().may_know(public_client().id));
    /// assert!(resource_server().may_know(client().id));
    /// ```
    #[must_use]
    pub fn may_know(&self, holder: ClientId) -> bool {
        self.id == holder || self.kind == ClientKind::ResourceServer
    }

    /// Whether this client may have tokens, and so exchange, refresh and revoke them: users connect
    /// to every client but a resource server.
    ///
    /// ```
    /// # use alias_domain::testing::sample::{public_client, resource_server};
    /// assert!(public_client().may_hold_tokens());
    /// assert!(!resource_server().may_hold_tokens());
    /// ```
    #[must_use]
    pub fn may_hold_tokens(&self) -> bool {
        self.kind != ClientKind::ResourceServer
    }

    /// Whether this client may refresh (R19).
    ///
    /// ```
    /// # use alias_domain::*;
    /// assert!(testing::sample::client().may_refresh());
    /// ```
    #[must_use]
    pub fn may_refresh(&self) -> bool {
        self.kind == ClientKind::Confidential
    }

    /// The channel that this client declares under a name.
    ///
    /// ```
    /// # use alias_domain::*;
    /// assert!(testing::sample::client().channel("_meta").is_none());
    /// ```
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<&DeclaredChannel> {
        self.channels.iter().find(|it| it.name.as_str() == name)
    }

    /// What of an access still counts: a withdrawn channel counts nowhere (R30).
    ///
    /// ```
    /// # use alias_domain::*;
    /// let stale = Access::openid().with_contact([ChannelId(99)].into());
    /// assert!(!testing::sample::client().live(stale).has_channel(ChannelId(99)));
    /// ```
    #[must_use]
    pub fn live(&self, access: Access) -> Access {
        access.with_channels_that(|id| self.channels.iter().any(|it| it.id == id))
    }

    /// The declared channels of a set, in the client's declared order (R16).
    ///
    /// ```
    /// # use alias_domain::*;
    /// let client = testing::sample::client();
    /// let channels = [ChannelId(2), ChannelId(1)].into();
    /// let names: Vec<_> = client.declared(&channels).map(|it| it.name.as_str()).collect();
    /// assert_eq!(names, ["notifications", "product_updates"]);
    /// ```
    pub fn declared<'a>(
        &'a self,
        channels: &'a Channels,
    ) -> impl Iterator<Item = &'a DeclaredChannel> + 'a {
        self.channels.iter().filter(|it| channels.contains(&it.id))
    }

    /// The `channels` of a response: present exactly if there is `contact`, perhaps empty, in
    /// declared order, never with `_meta` (R16, R27).
    ///
    /// ```
    /// # use alias_domain::*;
    /// let client = testing::sample::client();
    /// assert_eq!(client.channel_list(&Access::openid()), None);
    /// assert_eq!(client.channel_list(&Access::openid().with(Scope::Contact)), Some(String::new()));
    /// ```
    #[must_use]
    pub fn channel_list(&self, access: &Access) -> Option<String> {
        let names = |channels| -> Vec<&str> {
            self.declared(channels).map(|it| it.name.as_str()).collect()
        };
        access.channels().map(|channels| names(channels).join(" "))
    }

    /// The callback for a requested redirect URI, if it is one of this client's (R29).
    ///
    /// ```
    /// # use alias_domain::*;
    /// assert!(testing::sample::client().callback("https://evil.example/").is_none());
    /// ```
    #[must_use]
    pub fn callback(&self, requested: &str) -> Option<Callback> {
        Callback::resolve(requested, &self.redirect_uris, self.kind)
    }
}

fn names_any<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|it| !it.is_empty())
}

/// A text that people read: trimmed, not empty, of bounded length, without control characters.
fn label(text: &str, longest: usize) -> Option<String> {
    let text = text.trim();
    let sound = text.chars().count() <= longest && !text.contains(is_misleading);
    let sound = sound && shows_something(text);
    sound.then(|| text.to_owned())
}

/// A client secret as a store keeps it. The secret itself has 256 random bits, so a fast digest is
/// enough.
///
/// ```
/// use alias_domain::{ClientSecret, Secret};
/// let secret = Secret::from_bits([7; 32]);
/// let stored = ClientSecret { digest: secret.digest(), expires_at: None };
/// assert!(ClientSecret::matches(&[stored], &secret, chrono::DateTime::UNIX_EPOCH));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    /// The digest of the secret.
    pub digest: Digest,
    /// When a replaced secret stops working; `None` for the current one.
    pub expires_at: Option<DateTime<Utc>>,
}

impl ClientSecret {
    /// Whether a presented secret is one of these. Takes the same time whatever the answer, also
    /// when there is none to compare with.
    ///
    /// ```
    /// use alias_domain::{ClientSecret, Secret};
    /// let guess = Secret::new("guess".to_owned());
    /// assert!(!ClientSecret::matches(&[], &guess, chrono::DateTime::UNIX_EPOCH));
    /// ```
    #[must_use]
    pub fn matches(stored: &[Self], presented: &Secret, now: DateTime<Utc>) -> bool {
        let presented = presented.digest();
        let never = Self {
            digest: Digest::from_bytes([0; 32]),
            expires_at: Some(DateTime::UNIX_EPOCH),
        };
        let mut matches = false;
        for secret in stored.iter().chain([&never]) {
            let alive = secret.expires_at.is_none_or(|end| now < end);
            matches |= (secret.digest == presented) & alive;
        }
        matches
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confidential => "confidential",
            Self::Public => "public",
            Self::ResourceServer => "resource server",
        })
    }
}

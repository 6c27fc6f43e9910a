//! What the command line shows of clients, users and keys: to programs by `Serialize`, to people by
//! `Display`.

use std::{collections::BTreeMap, fmt};

use alias_domain::{
    Client, ClientId, ClientKind, Email, KeyAlgorithm, KeyStage, NicknameClaims, ScheduledKey,
    Secret, Session, SessionId, SigningAlgorithm, User, UserId,
    flows::{ConnectedClient, TakenBack},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::{output::row, products::Configuration};

/// A client.
#[derive(Serialize)]
pub(crate) struct ClientView<'a> {
    client_id: ClientId,
    /// Only where it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    name: &'a str,
    kind: ClientKind,
    auth_method: &'static str,
    id_token_alg: SigningAlgorithm,
    redirect_uris: Vec<&'a str>,
    post_logout_redirect_uris: Vec<&'a str>,
    backchannel_logout_uri: Option<&'a str>,
    backchannel_logout_session_required: bool,
    claims: BTreeMap<&'static str, &'static str>,
    channels: Vec<ChannelView<'a>>,
    created_at: String,
    /// Only where it was just made for a product.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    configuration: Vec<Configuration>,
}

#[derive(Serialize)]
struct ChannelView<'a> {
    name: &'a str,
    description: &'a str,
}

/// A user.
#[derive(Serialize)]
pub(crate) struct UserView<'a> {
    user_id: UserId,
    email: &'a str,
    nickname: Option<&'a str>,
    locked: bool,
    created_at: String,
}

/// A user, with what clients are allowed.
#[derive(Serialize)]
pub(crate) struct ConnectedUserView<'a> {
    #[serde(flatten)]
    user: UserView<'a>,
    connections: Vec<ConnectionView<'a>>,
}

/// A client, and what a user allows it.
#[derive(Serialize)]
struct ConnectionView<'a> {
    client_id: ClientId,
    client_name: &'a str,
    scopes: Vec<&'static str>,
    channels: &'a [String],
    connected_since: String,
    changed_at: String,
}

/// A session.
#[derive(Serialize)]
pub(crate) struct SessionView {
    session_id: SessionId,
    signed_in_at: String,
    /// By itself.
    ends_at: String,
}

/// A client from which something was taken back, and what it has left.
#[derive(Serialize)]
pub(crate) struct TakenBackView<'a> {
    client_id: ClientId,
    client_name: &'a str,
    connected: bool,
    scopes: Vec<&'static str>,
    channels: &'a [String],
}

/// A key.
#[derive(Serialize)]
pub(crate) struct KeyView<'a> {
    kid: &'a str,
    algorithm: &'static str,
    /// As a key set has it: `sig` or `enc`.
    #[serde(rename = "use")]
    usage: &'static str,
    stage: &'static str,
    created_at: String,
    active_from: String,
    /// Once it has a successor that is used.
    retires_at: Option<String>,
}

/// A client's new secret.
#[derive(Serialize)]
pub(crate) struct RotatedSecret {
    client_id: ClientId,
    client_secret: String,
    /// `None` if the old secret stopped working at once.
    old_secret_expires_at: Option<String>,
}

/// What was deleted.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Deleted {
    Client { client_id: ClientId, name: String },
    User { user_id: UserId, email: Email },
    Key { kid: String },
}

/// Several of a kind, one line each; in JSON an array.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct List<T> {
    items: Vec<T>,
    #[serde(skip)]
    if_empty: &'static str,
}

/// What can be shown in one line.
pub(crate) trait Brief {
    /// The line.
    fn brief(&self) -> String;
}

impl<'a> ClientView<'a> {
    /// A client; its secret nobody knows any more.
    pub(crate) fn of(client: &'a Client) -> Self {
        Self::with_secret(client, None)
    }

    /// A client that was just registered.
    pub(crate) fn with_secret(client: &'a Client, secret: Option<&'a Secret>) -> Self {
        let channels = client.channels.iter().map(|it| ChannelView {
            name: it.name.as_str(),
            description: &it.description,
        });
        let backchannel = client.backchannel_logout.as_ref();
        Self {
            client_id: client.id,
            client_secret: secret.map(Secret::expose),
            name: &client.name,
            kind: client.kind,
            auth_method: auth_method(client),
            id_token_alg: client.id_token_alg,
            redirect_uris: client.redirect_uris.iter().map(|it| it.as_str()).collect(),
            post_logout_redirect_uris: client
                .post_logout_redirect_uris
                .iter()
                .map(|it| it.as_str())
                .collect(),
            backchannel_logout_uri: backchannel.map(|it| it.uri.as_str()),
            backchannel_logout_session_required: backchannel.is_some_and(|it| it.session_required),
            claims: client
                .claims
                .names()
                .map(|it| (it, NicknameClaims::SOURCE))
                .collect(),
            channels: channels.collect(),
            created_at: second(client.created_at),
            configuration: Vec::new(),
        }
    }

    /// With the lines of a product's configuration.
    pub(crate) fn configured(self, configuration: Vec<Configuration>) -> Self {
        Self {
            configuration,
            ..self
        }
    }
}

const fn auth_method(client: &Client) -> &'static str {
    match client.kind {
        ClientKind::Public => "none",
        ClientKind::Confidential | ClientKind::ResourceServer => client.auth_method.name(),
    }
}

impl<'a> UserView<'a> {
    /// A user.
    pub(crate) fn of(user: &'a User) -> Self {
        Self {
            user_id: user.id,
            email: user.email.as_str(),
            nickname: user.nickname.as_ref().map(|it| it.as_str()),
            locked: user.locked,
            created_at: second(user.created_at),
        }
    }
}

impl<'a> ConnectedUserView<'a> {
    /// A user and their connections.
    pub(crate) fn of(user: &'a User, connections: &'a [ConnectedClient]) -> Self {
        let connection = |it: &'a ConnectedClient| ConnectionView {
            client_id: it.client.id,
            client_name: &it.client.name,
            scopes: it.scopes.iter().map(|scope| scope.name()).collect(),
            channels: &it.channels,
            connected_since: second(it.since),
            changed_at: second(it.changed_at),
        };
        Self {
            user: UserView::of(user),
            connections: connections.iter().map(connection).collect(),
        }
    }
}

impl SessionView {
    /// A session.
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            session_id: session.id,
            signed_in_at: second(session.auth_time),
            ends_at: second(session.expires_at),
        }
    }
}

impl<'a> TakenBackView<'a> {
    /// What came of a revocation.
    pub(crate) fn of(taken: &'a TakenBack) -> Self {
        let left = taken.left.as_ref();
        Self {
            client_id: taken.client.id,
            client_name: &taken.client.name,
            connected: left.is_some(),
            scopes: left.map_or_else(Vec::new, |it| {
                it.scopes.iter().map(|scope| scope.name()).collect()
            }),
            channels: left.map_or(&[], |it| &it.channels),
        }
    }
}

impl<'a> KeyView<'a> {
    /// A key, and where it stands.
    pub(crate) fn of(scheduled: &ScheduledKey<'a>) -> Self {
        Self {
            kid: &scheduled.key.kid,
            algorithm: scheduled.algorithm.name(),
            usage: match scheduled.algorithm {
                KeyAlgorithm::Signing(_) | KeyAlgorithm::Verifying(_) => "sig",
                KeyAlgorithm::Sealing => "enc",
            },
            stage: scheduled.stage.name(),
            created_at: second(scheduled.key.created_at),
            active_from: second(scheduled.key.active_from),
            retires_at: match scheduled.stage {
                KeyStage::Retiring { until } | KeyStage::Remembered { until } => {
                    Some(second(until))
                }
                _ => None,
            },
        }
    }
}

impl RotatedSecret {
    /// `old_ends_at` is when the old secret stops working, if it still works.
    pub(crate) fn new(
        client_id: ClientId,
        secret: &Secret,
        old_ends_at: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            client_id,
            client_secret: secret.expose().to_owned(),
            old_secret_expires_at: old_ends_at.map(second),
        }
    }
}

impl<T> List<T> {
    /// `if_empty` is what a person reads if there are none.
    pub(crate) const fn new(if_empty: &'static str, items: Vec<T>) -> Self {
        Self { items, if_empty }
    }
}

fn second(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

const SHOWN_ONCE: &str = "(shown this once: keep it)";

impl fmt::Display for ClientView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&row("client ID", self.client_id))?;
        if let Some(secret) = self.client_secret {
            f.write_str(&row(
                "client secret",
                format_args!("{secret}  {SHOWN_ONCE}"),
            ))?;
        }
        f.write_str(&row("name", self.name))?;
        f.write_str(&row("kind", self.kind))?;
        f.write_str(&row("authenticates", self.auth_method))?;
        f.write_str(&row("ID tokens", self.id_token_alg))?;
        for uri in &self.redirect_uris {
            f.write_str(&row("redirect URI", uri))?;
        }
        for uri in &self.post_logout_redirect_uris {
            f.write_str(&row("after sign-out", uri))?;
        }
        if let Some(uri) = self.backchannel_logout_uri {
            f.write_str(&row("told of logout", uri))?;
            let needs_session = match self.backchannel_logout_session_required {
                true => "required",
                false => "not required",
            };
            f.write_str(&row("its session", needs_session))?;
        }
        for (claim, source) in &self.claims {
            f.write_str(&row("claim", format_args!("{claim}={source}")))?;
        }
        for ChannelView { name, description } in &self.channels {
            f.write_str(&row("channel", format_args!("{name}: {description}")))?;
        }
        f.write_str(&row("registered", &self.created_at))?;
        for Configuration { file, text } in &self.configuration {
            write!(f, "\n# {file}\n\n{text}")?;
        }
        Ok(())
    }
}

impl Brief for ClientView<'_> {
    fn brief(&self) -> String {
        format!(
            "{}  {:<15}  {}",
            self.client_id,
            self.kind.to_string(),
            self.name
        )
    }
}

impl fmt::Display for UserView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&row("user ID", self.user_id))?;
        f.write_str(&row("email", self.email))?;
        f.write_str(&row("nickname", self.nickname.unwrap_or("none")))?;
        f.write_str(&row("locked", if self.locked { "yes" } else { "no" }))?;
        f.write_str(&row("made", &self.created_at))
    }
}

impl fmt::Display for ConnectedUserView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.user.fmt(f)?;
        if self.connections.is_empty() {
            return f.write_str(&row("connected to", "no client"));
        }
        for it in &self.connections {
            let (id, name, granted) =
                (it.client_id, it.client_name, names(&it.scopes, it.channels));
            f.write_str(&row("connected to", format_args!("{id}  {name}")))?;
            f.write_str(&row("", format_args!("allowed: {granted}")))?;
            let (since, changed) = (&it.connected_since, &it.changed_at);
            f.write_str(&row("", format_args!("since {since}, changed {changed}")))?;
        }
        Ok(())
    }
}

/// Scopes, then channels.
fn names(scopes: &[&str], channels: &[String]) -> String {
    let channels = channels.iter().map(String::as_str);
    let names: Vec<_> = scopes.iter().copied().chain(channels).collect();
    names.join(" ")
}

impl Brief for UserView<'_> {
    fn brief(&self) -> String {
        let locked = if self.locked { "  locked" } else { "" };
        format!("{}  {}{locked}", self.user_id, self.email)
    }
}

impl Brief for SessionView {
    fn brief(&self) -> String {
        format!(
            "{}  signed in {}  ends {}",
            self.session_id, self.signed_in_at, self.ends_at
        )
    }
}

impl Brief for TakenBackView<'_> {
    fn brief(&self) -> String {
        let left = match self.connected {
            false => "disconnected".to_owned(),
            true => format!("has left: {}", names(&self.scopes, self.channels)),
        };
        format!("{}  {}  {left}", self.client_id, self.client_name)
    }
}

impl Brief for KeyView<'_> {
    fn brief(&self) -> String {
        let retires = self.retires_at.as_ref();
        format!(
            "{:<22}  {:<7}  {}  {:<9}  created {}  active from {}{}",
            self.kid,
            self.algorithm,
            self.usage,
            self.stage,
            self.created_at,
            self.active_from,
            retires.map_or_else(String::new, |it| format!("  retires at {it}")),
        )
    }
}

impl fmt::Display for RotatedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = &self.client_secret;
        f.write_str(&row("client ID", self.client_id))?;
        f.write_str(&row(
            "client secret",
            format_args!("{secret}  {SHOWN_ONCE}"),
        ))?;
        match &self.old_secret_expires_at {
            Some(end) => f.write_str(&row("old secret", format_args!("works until {end}"))),
            None => f.write_str(&row("old secret", "works no more")),
        }
    }
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client { client_id, name } => {
                write!(
                    f,
                    "deleted client {client_id} ({name}) and everything of it"
                )
            }
            Self::User { user_id, email } => {
                write!(f, "deleted user {user_id} ({email}) and everything of them")
            }
            Self::Key { kid } => write!(f, "removed key {kid}: what it made is worth nothing"),
        }
    }
}

impl<T: Brief> fmt::Display for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.items.is_empty() {
            return f.write_str(self.if_empty);
        }
        for item in &self.items {
            writeln!(f, "{}", item.brief())?;
        }
        Ok(())
    }
}

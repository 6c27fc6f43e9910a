//! `aliasd client …`.

mod warnings;

use alias_domain::{
    AuthMethod, ChannelName, Client, ClientChange, ClientId, ClientKind, ClientSecret,
    Registration, Secret, SigningAlgorithm,
    ports::{Chance, Store},
};
use alias_signing::OsChance;
use chrono::TimeDelta;
use clap::{
    ArgGroup, Args, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::deleting;
use crate::global::Global;
use crate::{
    clock,
    config::{
        Config,
        duration::{self, MalformedDuration},
    },
    error::Error,
    products::{self, Product, Values},
    store,
    view::{ClientView, Deleted, List, RotatedSecret},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register a client; prints its ID and, if it has one, its secret, this once
    #[command(after_help = "\
Examples:
  aliasd client create --name Fieldnotes --redirect-uri https://fieldnotes.example/callback \\
      --channel notifications='New sightings near you' --channel events='Bird walks'
  aliasd client create --name Ledger --id-token-alg ES256 \\
      --redirect-uri https://ledger.example/callback \\
      --post-logout-redirect-uri https://ledger.example/goodbye \\
      --backchannel-logout-uri https://ledger.example/logout
  aliasd client create --name 'Fieldnotes for Android' --public \\
      --redirect-uri com.example.fieldnotes:/callback
  aliasd client create --name 'Message sender' --resource-server
  aliasd client create --for oauth2-proxy --url https://notes.example")]
    Create(Create),
    /// List products that `create --for` knows, or show what one needs, as docs/products has it
    #[command(after_help = "\
Examples:
  aliasd client products
  aliasd client products oauth2-proxy")]
    Products {
        /// The product
        #[arg(value_name = "PRODUCT", value_parser = product())]
        product: Option<String>,
    },
    /// List all clients, oldest first
    #[command(after_help = "Examples:\n  aliasd client list\n  aliasd client list --json")]
    List,
    /// Show a client
    #[command(after_help = "Example:\n  aliasd client show bjOB6HV7cTKtxvfr2k2ucg")]
    Show(Target),
    /// Change what the options name; the rest stays
    #[command(
        override_usage = "aliasd client update <ID> <OPTIONS>",
        after_help = "\
A channel that is removed counts nowhere from that moment; declared again, it is new and granted to
nobody. A client stays confidential, public or a resource server for good.

Examples:
  aliasd client update bjOB6HV7cTKtxvfr2k2ucg --name 'Fieldnotes 2'
  aliasd client update bjOB6HV7cTKtxvfr2k2ucg --redirect-uri https://fieldnotes.example/cb
  aliasd client update bjOB6HV7cTKtxvfr2k2ucg --id-token-alg EdDSA
  aliasd client update bjOB6HV7cTKtxvfr2k2ucg --claim preferred_username=nickname
  aliasd client update bjOB6HV7cTKtxvfr2k2ucg --auth-method client_secret_either
  aliasd client update bjOB6HV7cTKtxvfr2k2ucg --channel tips='Tips for watchers' \\
      --remove-channel events"
    )]
    Update(Update),
    /// Replace a client's secret; prints the new one, this once
    #[command(after_help = "\
Examples:
  aliasd client rotate-secret bjOB6HV7cTKtxvfr2k2ucg
  aliasd client rotate-secret bjOB6HV7cTKtxvfr2k2ucg --keep-old 24h")]
    RotateSecret(RotateSecret),
    /// Delete a client and everything of it, at once and without asking
    #[command(after_help = "Example:\n  aliasd client delete bjOB6HV7cTKtxvfr2k2ucg")]
    Delete(Target),
}

#[derive(Args, Debug)]
pub(crate) struct Create {
    /// A product that people put behind Alias: registers what it needs, and prints the lines of its
    /// configuration; `aliasd client products` lists what there is
    #[arg(
        long = "for", value_name = "PRODUCT", value_parser = product(),
        hide_possible_values = true,
        conflicts_with_all = ["public", "resource_server", "auth_method", "id_token_alg"]
    )]
    product: Option<String>,
    /// Where the product itself is
    #[arg(long, value_name = "URL", requires = "product", value_parser = products::site)]
    url: Option<String>,
    /// The name that users read
    #[arg(long, required_unless_present = "product")]
    name: Option<String>,
    /// Where codes may be sent, compared byte for byte; all but a resource server need one
    #[arg(
        long = "redirect-uri", value_name = "URI",
        required_unless_present_any = ["resource_server", "product"]
    )]
    redirect_uris: Vec<String>,
    /// Where a user may be sent after signing out
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// Where the client is told that a session ended in which it took part
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// The client needs to know which session ended, and not only whose
    #[arg(long, requires = "backchannel_logout_uri")]
    backchannel_logout_session_required: bool,
    /// A client that cannot keep a secret, such as an app: it has none, and must use PKCE
    #[arg(long, conflicts_with = "auth_method")]
    public: bool,
    /// A service that tokens are sent to: it may introspect every token, and nothing else
    #[arg(
        long,
        conflicts_with_all = [
            "public", "redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri",
            "claims", "channels"
        ]
    )]
    resource_server: bool,
    /// How the client sends its secret: in the Authorization header, in the body, or in either of
    /// them [default: client_secret_basic]
    #[arg(long, value_name = "METHOD")]
    auth_method: Option<Method>,
    /// How the client's ID tokens are signed; docs/clients.md says which libraries take which
    #[arg(
        long, value_name = "ALGORITHM", default_value_t, value_parser = signing_algorithm()
    )]
    id_token_alg: SigningAlgorithm,
    /// Tells the nickname, where a user allows it, as this claim too: name or preferred_username. A
    /// nickname names nobody uniquely and can change: key users by sub
    #[arg(long = "claim", value_name = "CLAIM=nickname", value_parser = claim)]
    claims: Vec<(String, String)>,
    /// A channel, and what users read of it; tokens list channels in this order
    #[arg(
        long = "channel", value_name = "NAME=DESCRIPTION",
        value_parser = channel
    )]
    channels: Vec<(String, String)>,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
pub(crate) struct Update {
    #[command(flatten)]
    target: Target,
    /// The name that users read
    #[arg(long, group = "change")]
    name: Option<String>,
    /// Where codes may be sent; replaces all redirect URIs
    #[arg(long = "redirect-uri", value_name = "URI", group = "change")]
    redirect_uris: Option<Vec<String>>,
    /// Where a user may be sent after signing out; replaces all of these
    #[arg(
        long = "post-logout-redirect-uri",
        value_name = "URI",
        group = "change"
    )]
    post_logout_redirect_uris: Option<Vec<String>>,
    /// Nowhere may a user be sent after signing out
    #[arg(long, group = "change", conflicts_with = "post_logout_redirect_uris")]
    no_post_logout_redirect_uris: bool,
    /// Where the client is told that a session ended in which it took part
    #[arg(long, value_name = "URI", group = "change")]
    backchannel_logout_uri: Option<String>,
    /// Whether the client needs to know which session ended, and not only whose
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", group = "change"
    )]
    backchannel_logout_session_required: Option<bool>,
    /// The client is not told that a session ended
    #[arg(
        long, group = "change",
        conflicts_with_all = ["backchannel_logout_uri", "backchannel_logout_session_required"]
    )]
    no_backchannel_logout: bool,
    /// How the client sends its secret: in the Authorization header, in the body, or in either
    #[arg(long, value_name = "METHOD", group = "change")]
    auth_method: Option<Method>,
    /// How the client's ID tokens are signed; docs/clients.md says which libraries take which
    #[arg(long, value_name = "ALGORITHM", value_parser = signing_algorithm(), group = "change")]
    id_token_alg: Option<SigningAlgorithm>,
    /// Tells the nickname, where a user allows it, as this claim too; replaces all of these. A
    /// nickname names nobody uniquely and can change: key users by sub
    #[arg(long = "claim", value_name = "CLAIM=nickname", value_parser = claim, group = "change")]
    claims: Option<Vec<(String, String)>>,
    /// Tells the nickname as nickname alone
    #[arg(long, group = "change", conflicts_with = "claims")]
    no_claims: bool,
    /// Declares a channel after the others, or describes it anew
    #[arg(
        long = "channel", value_name = "NAME=DESCRIPTION",
        value_parser = channel, group = "change"
    )]
    channels: Vec<(String, String)>,
    /// Withdraws a channel
    #[arg(long = "remove-channel", value_name = "NAME", group = "change")]
    removed_channels: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct RotateSecret {
    #[command(flatten)]
    target: Target,
    /// Lets the old secret work for this long [default: it stops at once]
    #[arg(long, value_name = "DURATION", value_parser = kept)]
    keep_old: Option<Kept>,
}

/// How long an old secret works, as it was written.
#[derive(Clone, Debug)]
struct Kept {
    text: String,
    span: TimeDelta,
}

fn kept(text: &str) -> Result<Kept, MalformedDuration> {
    Ok(Kept {
        span: duration::parse(text)?,
        text: text.to_owned(),
    })
}

#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The client ID
    // An ID may begin with a hyphen.
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    id: String,
}

/// How a client sends its secret, as [`AuthMethod::name`] spells it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    #[value(name = "client_secret_basic")]
    Basic,
    #[value(name = "client_secret_post")]
    Post,
    #[value(name = "client_secret_either")]
    Either,
}

impl From<Method> for AuthMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Basic => Self::ClientSecretBasic,
            Method::Post => Self::ClientSecretPost,
            Method::Either => Self::ClientSecretEither,
        }
    }
}

fn product() -> PossibleValuesParser {
    PossibleValuesParser::new(products::slugs())
}

/// As RFC 7518 3.1 and RFC 8037 3.1 spell them.
fn signing_algorithm() -> impl TypedValueParser<Value = SigningAlgorithm> {
    let names = SigningAlgorithm::ALL.map(SigningAlgorithm::name);
    PossibleValuesParser::new(names).try_map(|it| it.parse())
}

fn claim(text: &str) -> Result<(String, String), &'static str> {
    let (name, source) = text
        .split_once('=')
        .ok_or("a claim is given as preferred_username=nickname or name=nickname")?;
    Ok((name.to_owned(), source.to_owned()))
}

fn channel(text: &str) -> Result<(String, String), &'static str> {
    let (name, description) = text
        .split_once('=')
        .ok_or("a channel is given as name=Description")?;
    Ok((name.to_owned(), description.to_owned()))
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Error> {
    if let Command::Products { product } = command {
        return show_products(global, product.as_deref());
    }
    let known = match &command {
        Command::Create(create) => create.known_product()?,
        _ => None,
    };
    let store = store::open(global).await?;
    let store = store.as_ref();
    let format = global.format();
    match command {
        Command::Create(create) => {
            let (client, secret) = register(store, create.registration(known.as_ref())).await?;
            warnings::of_claims(&client);
            warnings::of_algorithm(&client);
            let mut view = ClientView::with_secret(&client, secret.as_ref());
            if let Some((product, url)) = &known {
                let issuer = Config::load(global.config_file())?.issuer;
                let random = Secret::from_bits(OsChance.secret());
                view = view.configured(product.configuration(&Values {
                    issuer: issuer.as_str(),
                    client_id: &client.id.to_string(),
                    client_secret: secret.as_ref().map_or("", Secret::expose),
                    url,
                    random: random.expose(),
                }));
            }
            match &secret {
                None => format.report(&view, format!("client {} was registered", client.id)),
                Some(_) => match format.print(&view) {
                    Ok(()) => Ok(()),
                    Err(error) => Err(unregistered(store, client.id, error).await),
                },
            }
        }
        // Without a store, above.
        Command::Products { product } => show_products(global, product.as_deref()),
        Command::List => {
            let clients = store.clients().await?;
            let views = clients.iter().map(ClientView::of).collect();
            format.print(&List::new("no clients", views))
        }
        Command::Show(target) => format.print(&ClientView::of(&target.find(store).await?)),
        Command::Update(update) => {
            let client = update.apply(store).await?;
            if update.claims.is_some() {
                warnings::of_claims(&client);
            }
            if update.id_token_alg.is_some() {
                warnings::of_algorithm(&client);
            }
            let done = format!("client {} was changed", client.id);
            format.report(&ClientView::of(&client), done)
        }
        Command::RotateSecret(rotate) => {
            let shown = format.print(&rotate.apply(store).await?);
            shown.map_err(|error| secret_lost(rotate.again(), error))
        }
        Command::Delete(target) => {
            let client = target.find(store).await?;
            if !store.delete_client(client.id).await? {
                return Err(Error::NoClient(target.id));
            }
            let done = format!("client {} was deleted", client.id);
            let deleted = Deleted::Client {
                client_id: client.id,
                name: client.name,
            };
            format.report(&deleted, done)?;
            deleting::remove_rows(store).await;
            Ok(())
        }
    }
}

/// Says what a product needs, or which products there are.
fn show_products(global: &Global, product: Option<&str>) -> Result<(), Error> {
    let known = product.and_then(products::named);
    let page = known.map_or_else(products::table, |it| it.page());
    global.format().print(&page)
}

/// Registers a client; where its kind has one, with a fresh secret, of which the store gets a
/// digest.
///
/// # Errors
/// What cannot be registered, or a store that does not answer.
pub(crate) async fn register(
    store: &dyn Store,
    registration: Registration,
) -> Result<(Client, Option<Secret>), Error> {
    let id = ClientId::from_uuid(OsChance.id());
    let client = Client::register(id, registration, clock::now())?;
    let has_secret = client.kind.has_secret();
    let secret = has_secret.then(|| Secret::from_bits(OsChance.secret()));
    let stored: Vec<_> = secret.iter().map(current).collect();
    store.insert_client(&client, &stored).await?;
    Ok((client, secret))
}

/// Undoes a registration whose secret could not be shown, for it is shown once: what is left would be
/// of use to nobody.
async fn unregistered(store: &dyn Store, id: ClientId, error: Error) -> Error {
    match store.delete_client(id).await {
        Ok(_) => Error::SecretNotShown(Box::new(error)),
        Err(_) => secret_lost(id.to_string(), error),
    }
}

/// `again` is what follows `rotate-secret` where it makes up for that.
fn secret_lost(again: String, error: Error) -> Error {
    Error::SecretLost {
        again,
        error: Box::new(error),
    }
}

/// What the store keeps of a secret that does not end by itself.
pub(crate) fn current(secret: &Secret) -> ClientSecret {
    ClientSecret {
        digest: secret.digest(),
        expires_at: None,
    }
}

/// Changes a client, whatever others change at the same time.
///
/// # Errors
/// What cannot be changed, no such client, or a store that does not answer.
pub(crate) async fn change(
    store: &dyn Store,
    id: ClientId,
    change: impl Fn(&Client) -> Result<ClientChange, Error>,
) -> Result<Client, Error> {
    loop {
        let before = store
            .client(id)
            .await?
            .ok_or_else(|| Error::NoClient(id.to_string()))?;
        let mut next = before.clone();
        next.change(change(&before)?)?;
        if store.update_client(&before, &next).await? {
            return Ok(next);
        }
    }
}

impl Create {
    /// The product that is to be registered, and where it is.
    fn known_product(&self) -> Result<Option<(Product, String)>, Error> {
        let Some(name) = &self.product else {
            return Ok(None);
        };
        let product = products::named(name).ok_or_else(|| Error::NoProduct(name.clone()))?;
        let url = product.url(self.url.as_deref());
        let url = url.ok_or_else(|| Error::NoProductUrl(name.clone()))?;
        Ok(Some((product, url)))
    }

    /// Adds the options of the command line to the registration that the product needs.
    fn registration(self, known: Option<&(Product, String)>) -> Registration {
        let Some((product, url)) = known else {
            return self.into();
        };
        let needed = product.registration(url);
        let name = self.name.clone();
        let said = Registration::from(self);
        Registration {
            name: name.unwrap_or(needed.name),
            redirect_uris: [needed.redirect_uris, said.redirect_uris].concat(),
            claims: [needed.claims, said.claims].concat(),
            kind: needed.kind,
            auth_method: needed.auth_method,
            id_token_alg: needed.id_token_alg,
            ..said
        }
    }
}

impl From<Create> for Registration {
    fn from(create: Create) -> Self {
        Self {
            name: create.name.unwrap_or_default(),
            kind: match (create.public, create.resource_server) {
                (true, _) => ClientKind::Public,
                (false, true) => ClientKind::ResourceServer,
                (false, false) => ClientKind::Confidential,
            },
            auth_method: create.auth_method.map(Into::into).unwrap_or_default(),
            id_token_alg: create.id_token_alg,
            redirect_uris: create.redirect_uris,
            post_logout_redirect_uris: create.post_logout_redirect_uris,
            backchannel_logout: create
                .backchannel_logout_uri
                .map(|uri| (uri, create.backchannel_logout_session_required)),
            claims: create.claims,
            channels: create.channels,
        }
    }
}

impl Target {
    fn id(&self) -> Result<ClientId, Error> {
        // What is no ID is no client's.
        self.id
            .parse()
            .map_err(|_| Error::NoClient(self.id.clone()))
    }

    async fn find(&self, store: &dyn Store) -> Result<Client, Error> {
        store
            .client(self.id()?)
            .await?
            .ok_or_else(|| Error::NoClient(self.id.clone()))
    }
}

impl Update {
    async fn apply(&self, store: &dyn Store) -> Result<Client, Error> {
        change(store, self.target.id()?, |before| self.change(before)).await
    }

    fn change(&self, before: &Client) -> Result<ClientChange, Error> {
        if self.auth_method.is_some() && !before.kind.has_secret() {
            return Err(Error::PublicClient(before.id.to_string()));
        }
        let channels_change = !self.channels.is_empty() || !self.removed_channels.is_empty();
        Ok(ClientChange {
            name: self.name.clone(),
            auth_method: self.auth_method.map(Into::into),
            id_token_alg: self.id_token_alg,
            redirect_uris: self.redirect_uris.clone(),
            post_logout_redirect_uris: match self.no_post_logout_redirect_uris {
                true => Some(Vec::new()),
                false => self.post_logout_redirect_uris.clone(),
            },
            backchannel_logout: self.backchannel_logout_after(before)?,
            claims: match self.no_claims {
                true => Some(Vec::new()),
                false => self.claims.clone(),
            },
            channels: match channels_change {
                true => Some(self.channels_after(before)?),
                false => None,
            },
        })
    }

    /// Where the client shall be told that a session ended; `None` if that stays.
    fn backchannel_logout_after(
        &self,
        before: &Client,
    ) -> Result<Option<Option<(String, bool)>>, Error> {
        if self.no_backchannel_logout {
            return Ok(Some(None));
        }
        let (uri, required) = (
            self.backchannel_logout_uri.clone(),
            self.backchannel_logout_session_required,
        );
        if uri.is_none() && required.is_none() {
            return Ok(None);
        }
        let registered = before.backchannel_logout.as_ref();
        let uri = uri.or_else(|| registered.map(|it| it.uri.to_string()));
        let uri = uri.ok_or_else(|| Error::NoBackchannel(before.id.to_string()))?;
        let required = required.or(registered.map(|it| it.session_required));
        Ok(Some(Some((uri, required.unwrap_or_default()))))
    }

    /// All channels as they shall be: those that stay, in their order, then the new ones.
    fn channels_after(&self, before: &Client) -> Result<Vec<(String, String)>, Error> {
        for name in &self.removed_channels {
            if before.channel(name).is_none() {
                return Err(Error::NoChannel {
                    client: before.id.to_string(),
                    channel: name.clone(),
                });
            }
            if self.channels.iter().any(|(declared, _)| declared == name) {
                return Err(Error::TornChannel(name.clone()));
            }
        }
        let removed =
            |name: &ChannelName| self.removed_channels.iter().any(|it| it == name.as_str());
        let mut after: Vec<_> = before
            .channels
            .iter()
            .filter(|it| !removed(&it.name))
            .map(|it| (it.name.to_string(), it.description.clone()))
            .collect();
        let staying = after.len();
        for (name, description) in &self.channels {
            match after[..staying].iter_mut().find(|(it, _)| it == name) {
                Some(described) => described.1.clone_from(description),
                // Of two new ones with one name the domain refuses the second.
                None => after.push((name.clone(), description.clone())),
            }
        }
        Ok(after)
    }
}

impl RotateSecret {
    /// The arguments that repeat this command, for the remedy that an error names.
    fn again(&self) -> String {
        match &self.keep_old {
            Some(kept) => format!("{} --keep-old {}", self.target.id, kept.text),
            None => self.target.id.clone(),
        }
    }

    async fn apply(&self, store: &dyn Store) -> Result<RotatedSecret, Error> {
        let now = clock::now();
        let id = self.target.id()?;
        let no_client = || Error::NoClient(self.target.id.clone());
        let (client, before) = store.client_with_secrets(id).await?.ok_or_else(no_client)?;
        if !client.kind.has_secret() {
            return Err(Error::PublicClient(id.to_string()));
        }
        let old_ends_at = self
            .keep_old
            .iter()
            .find(|it| !it.span.is_zero())
            .map(|it| now + it.span);
        let secret = Secret::from_bits(OsChance.secret());
        let mut after = vec![current(&secret)];
        if let Some(end) = old_ends_at {
            // An older one that was given time before keeps its own, if that is shorter.
            after.extend(before.into_iter().map(|old| ClientSecret {
                expires_at: Some(old.expires_at.map_or(end, |it| it.min(end))),
                ..old
            }));
            after.retain(|it| it.expires_at.is_none_or(|it| it > now));
        }
        if !store.set_client_secrets(id, &after).await? {
            return Err(no_client());
        }
        Ok(RotatedSecret::new(id, &secret, old_ends_at))
    }
}

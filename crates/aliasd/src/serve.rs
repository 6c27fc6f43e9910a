//! The service: wired together, listening, and stopped gracefully.

use std::{convert::Infallible, fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::dev::{Server, ServerHandle};
use alias_domain::{
    flows::{Ports, Provider},
    ports::Store,
};
use alias_http::{Bound, Bounds, Door, KeySet, Public, Service};
use alias_signing::{Argon2Passwords, IdTokenSigner, Keyring, MasterKey, OsChance, TokenSealer};
use futures_util::future::{join_all, try_join_all};
use serde::Serialize;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};

use crate::{
    certificate::{self, Certificate},
    clock,
    config::{Config, Settings},
    error::Error,
    files,
    global::Global,
    limits::RateLimits,
    logs, metrics,
    opening::{self, Opened},
    output::Format,
    panics::supervise,
    store,
    upkeep::Upkeep,
};

/// What sets the service's address.
pub(crate) const HTTP_LISTEN: &str = "http.listen (ALIAS_HTTP__LISTEN)";

/// What sets the address of health and metrics.
const INTERNAL_LISTEN: &str = "http.internal_listen (ALIAS_HTTP__INTERNAL_LISTEN)";

/// What `--json` prints once the service listens.
#[derive(Serialize)]
struct Listening<'a> {
    issuer: &'a str,
    listening: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal: Option<SocketAddr>,
}

/// `aliasd serve`.
///
/// # Errors
/// Unsafe or missing configuration, naming the setting; a database that is missing or behind; an
/// address that cannot be had.
pub(crate) async fn run(global: &Global) -> Result<(), Error> {
    let settings = Settings::load(global.config_file())?;
    let config = Config::from_settings(&settings)?;
    logs::init("info");
    if let Some(warning) = settings.passed_over() {
        tracing::warn!("{warning}");
    }
    let master_key = config.master_key.read()?;
    let door = Door::closed("the service starts");
    let mut listeners = Listeners::bind(&config, &door)?;
    let attempt = async || {
        let store = store::open_current(&config).await?;
        wire(&config, &master_key, store).await
    };
    // What is wrong for good is said before anybody is told that the service listens.
    let opened = opening::try_once(&door, attempt()).await?;
    let (signals, mut hangups) = (Signals::listen()?, signal(SignalKind::hangup())?);
    warn_of_loopback(&config);
    listeners.warn(&settings);
    announce(global, &config, &listeners);

    let certificate = listeners.certificate.take();
    actix_web::rt::spawn(supervise("certificate", async move || {
        certificate::keep_fresh(certificate.as_ref(), &mut hangups).await
    }));
    let work = async {
        let upkeep = match opened {
            Some(upkeep) => upkeep,
            None => {
                supervise("opening", async || {
                    opening::until_there(&door, opening::PAUSE, &attempt).await
                })
                .await?
            }
        };
        Ok(upkeep.run().await)
    };
    let servers = listeners.into_servers(config.http.drain_delay);
    servers.until_stopped(&door, work, signals).await?;
    tracing::info!("stopped");
    Ok(())
}

/// That nobody reads it is no reason not to serve.
fn announce(global: &Global, config: &Config, listeners: &Listeners) {
    let address = listeners.public.address();
    let internal = listeners.internal.as_ref().map(Bound::address);
    let shown = internal.map(tracing::field::display);
    tracing::info!(%address, internal = shown, issuer = %config.issuer, "listening");
    let listening = Listening {
        issuer: config.issuer.as_str(),
        listening: address,
        internal,
    };
    if global.format() == Format::Json
        && let Err(error) = global.format().print(&listening)
    {
        tracing::warn!(%error, "nobody was told where it listens");
    }
}

/// Wires together what is served, and what needs looking after meanwhile.
///
/// # Errors
/// A master key that does not open the keys of the store, certificate authorities that cannot be
/// read, or a store that does not answer.
pub(crate) async fn wire(
    config: &Config,
    master_key: &MasterKey,
    store: Arc<dyn Store>,
) -> Result<Opened<Upkeep>, Error> {
    let keyring = open_keys(config, master_key, &store).await?;
    let published = keyring.clone();
    let ports = Ports {
        store: Arc::clone(&store),
        sealer: Arc::new(TokenSealer::new(&keyring)),
        id_tokens: Arc::new(IdTokenSigner::new(&keyring)),
        passwords: Arc::new(Argon2Passwords::new()?),
        chance: Arc::new(OsChance),
        limits: Arc::new(RateLimits::new(config.limits)),
    };
    let provider = Provider::new(config.issuer.to_string(), config.lifetimes, ports);
    let service = Service {
        provider: provider.clone(),
        key_set: KeySet {
            present: Arc::new(move || published.key_set()),
            max_age: config.lead.max_age(),
        },
    };
    let upkeep = Upkeep {
        store,
        keyring,
        provider,
        outbound: config.outbound.client()?,
    };
    Ok((service, upkeep))
}

/// Opens the keys of the store, and makes those that are missing.
///
/// # Errors
/// A master key that does not open them, or a store that does not answer.
pub(crate) async fn open_keys(
    config: &Config,
    master_key: &MasterKey,
    store: &Arc<dyn Store>,
) -> Result<Keyring, Error> {
    let keys: Arc<dyn Store> = Arc::clone(store);
    let (lifetimes, rsa) = (config.lifetimes, config.rsa);
    let keyring = Keyring::load_or_create(keys, master_key, lifetimes, rsa, clock::now());
    Ok(keyring.await?)
}

/// The service's addresses, taken.
pub(crate) struct Listeners {
    public: Bound,
    internal: Option<Bound>,
    certificate: Option<Certificate>,
}

impl Listeners {
    /// Takes the addresses, for what stands behind the door.
    ///
    /// # Errors
    /// A certificate that cannot be served with, an address that cannot be had, or too few open files,
    /// naming the setting.
    pub(crate) fn bind(config: &Config, door: &Door) -> Result<Self, Error> {
        let http = &config.http;
        // First: what is measured before it gathers is lost.
        let watched = match http.internal_listen {
            Some(listen) => Some((listen, metrics::gather()?)),
            None => None,
        };
        let load = |files| Certificate::load(files, &config.issuer);
        let certificate = http.tls.as_ref().map(load).transpose()?;
        let public = Public {
            listen: http.listen,
            tls: certificate.as_ref().map(|it| it.tls().clone()),
            trusted_proxies: http.trusted_proxies.clone(),
            health: watched.is_none(),
            https: http.https,
            bounds: Bounds {
                connections: files::room_for_connections(config)?,
                keep_alive: http.keep_alive,
                ..Bounds::default()
            },
        };
        let public = Bound::public(door.clone(), public)
            .map_err(|error| cannot_listen(http.listen, HTTP_LISTEN, error))?;
        let internal = watched.map(|(listen, exposition)| {
            Bound::internal(door.clone(), listen, exposition)
                .map_err(|error| cannot_listen(listen, INTERNAL_LISTEN, error))
        });
        Ok(Self {
            public,
            internal: internal.transpose()?,
            certificate,
        })
    }

    /// Says what can be served with, and hardly was meant. An error says nothing but itself, so this
    /// comes when there will be none.
    pub(crate) fn warn(&self, settings: &Settings) {
        if let Some(certificate) = &self.certificate {
            certificate.warn_of_refusal();
        }
        for file in settings.secret_files() {
            if file.is_open_to_others() {
                tracing::warn!(
                    file = %file.path.display(), holds = file.setting,
                    "every user of this machine can read or change this secret: `chmod o-rwx` the file, or \
                     its folder"
                );
            }
        }
    }

    /// Lets both answer, until they are told to stop.
    pub(crate) fn into_servers(self, drain_delay: Duration) -> Servers {
        Servers {
            public: vec![self.public.into_server()],
            internal: self.internal.map(Bound::into_server),
            drain_delay,
        }
    }
}

/// Says in plain words why an address cannot be had, and what sets it.
pub(crate) fn cannot_listen(address: SocketAddr, setting: &'static str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => Error::PortInUse { address, setting },
        _ => Error::Listen {
            address,
            setting,
            reason: error,
        },
    }
}

/// What runs until the process is told to stop.
pub(crate) struct Servers {
    public: Vec<Server>,
    /// It stops last, so that the others can be watched.
    internal: Option<Server>,
    /// How long `readyz` fails before anything stops, so that nobody is sent here any more.
    drain_delay: Duration,
}

impl Servers {
    /// With another one beside the public one.
    #[cfg(feature = "dev")]
    pub(crate) fn beside(mut self, server: Server) -> Self {
        self.public.push(server);
        self
    }

    /// With the public ones of others beside them, if there are others.
    #[cfg(feature = "dev")]
    pub(crate) fn and(mut self, others: Option<Self>) -> Self {
        self.public
            .extend(others.into_iter().flat_map(|it| it.public));
        self
    }

    /// Runs them, and work beside them that has no end of its own, until the process is told to
    /// stop: the first SIGINT or SIGTERM lets requests finish, a second one does not wait for them.
    ///
    /// # Errors
    /// If a server or the work fails.
    pub(crate) async fn until_stopped(
        self,
        door: &Door,
        work: impl Future<Output = Result<Infallible, Error>>,
        mut signals: Signals,
    ) -> Result<(), Error> {
        let public: Vec<ServerHandle> = self.public.iter().map(Server::handle).collect();
        let internal = self.internal.as_ref().map(Server::handle);
        let stopping = async {
            signals.next().await;
            door.close();
            tracing::info!("stopping; once more stops at once");
            actix_web::rt::spawn(drain(self.drain_delay, public, internal));
            signals.next().await;
        };
        let servers = self.public.into_iter().chain(self.internal);
        tokio::select! {
            ended = try_join_all(servers) => ended.map(drop)?,
            Err(error) = work => return Err(error),
            () = stopping => {}
        }
        Ok(())
    }
}

/// Lets everybody see that the service stops; then lets requests finish, and ends.
async fn drain(delay: Duration, public: Vec<ServerHandle>, internal: Option<ServerHandle>) {
    sleep(delay).await;
    join_all(public.iter().map(|it| it.stop(true))).await;
    if let Some(internal) = internal {
        internal.stop(true).await;
    }
}

/// What tells the process to stop. Whoever is told that it runs may stop it, so it listens first.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on the signals no longer end the process by themselves.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// An issuer that only this machine can mean, at an address that others reach, is a mistake that
/// would otherwise show at the first redirect.
fn warn_of_loopback(config: &Config) {
    if config.issuer.is_loopback() && !config.http.listen.ip().is_loopback() {
        tracing::warn!(
            issuer = %config.issuer,
            listen = %config.http.listen,
            "others can reach this address, but the issuer names this machine alone"
        );
    }
}

impl fmt::Display for Listening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.issuer, self.listening)
    }
}

//! The service: wired together, listening, and stopped gracefully.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use actix_web::dev::{Server, ServerHandle};
use alias_domain::{
    flows::{Ports, Provider},
    ports::Store,
};
use alias_http::{Bound, KeySet, Service};
use alias_signing::{Argon2Passwords, IdTokenSigner, Keyring, MasterKey, OsChance, TokenSealer};
use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    cli::Global, clock, config::Config, error::Error, keys, logs, output::Format, store, sweep,
};

/// What sets the service's address.
pub(crate) const HTTP_LISTEN: &str = "http.listen (ALIAS_HTTP__LISTEN)";

/// What `--json` prints once the service listens.
#[derive(Serialize)]
struct Listening<'a> {
    issuer: &'a str,
    listening: SocketAddr,
}

/// `aliasd serve`.
///
/// # Errors
/// Unsafe or missing configuration, naming the setting; a database that is missing or behind; an
/// address that cannot be had.
pub(crate) async fn run(global: &Global) -> Result<(), Error> {
    let config = Config::load(global.config_file())?;
    logs::init("info");
    let master_key = config.master_key.read()?;
    let store = store::open_current(&config.database)?;
    let keyring = open_keys(&config, &master_key, Arc::clone(&store)).await?;
    let bound = bind(&config, &keyring, Arc::clone(&store))?;
    let signals = Signals::listen()?;
    let address = bound.address();
    warn_of_loopback(&config);
    tracing::info!(%address, issuer = %config.issuer, "listening");
    let listening = Listening {
        issuer: config.issuer.as_str(),
        listening: address,
    };
    if global.format() == Format::Json {
        global.format().print(&listening)?;
    }
    until_stopped(store, keyring, vec![bound.into_server()], signals).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Opens the keys of the store, and makes those that are missing.
///
/// # Errors
/// A master key that does not open them, or a store that does not answer.
pub(crate) async fn open_keys(
    config: &Config,
    master_key: &MasterKey,
    store: Arc<dyn Store>,
) -> Result<Keyring, Error> {
    let keyring = Keyring::load_or_create(store, master_key, config.lifetimes, clock::now());
    Ok(keyring.await?)
}

/// Wires the service together and takes its address.
///
/// # Errors
/// An address that cannot be had.
pub(crate) fn bind(
    config: &Config,
    keyring: &Keyring,
    store: Arc<dyn Store>,
) -> Result<Bound, Error> {
    let published = keyring.clone();
    let ports = Ports {
        store,
        sealer: Arc::new(TokenSealer::new(keyring)),
        id_tokens: Arc::new(IdTokenSigner::new(keyring)),
        passwords: Arc::new(Argon2Passwords::new()?),
        chance: Arc::new(OsChance),
    };
    let service = Service {
        provider: Provider::new(config.issuer.to_string(), config.lifetimes, ports),
        key_set: KeySet {
            present: Arc::new(move || published.key_set()),
            max_age: config.lead.max_age(),
        },
    };
    Bound::bind(service, config.listen)
        .map_err(|error| cannot_listen(config.listen, HTTP_LISTEN, error))
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

/// Runs servers, and beside them sweeps and keeps the keys up to date, until the process is told to
/// stop: the first SIGINT or SIGTERM lets requests finish, a second one does not wait for them.
///
/// # Errors
/// If a server fails.
pub(crate) async fn until_stopped(
    store: Arc<dyn Store>,
    keyring: Keyring,
    servers: Vec<Server>,
    signals: Signals,
) -> Result<(), Error> {
    let handles = servers.iter().map(Server::handle).collect();
    let stopping = stop_on_signal(handles, signals);
    let sweeping = actix_web::rt::spawn(sweep::run(store));
    let refreshing = actix_web::rt::spawn(keys::run(keyring));
    tokio::select! {
        ended = try_join_all(servers) => ended.map(drop)?,
        () = stopping => {}
    }
    sweeping.abort();
    refreshing.abort();
    Ok(())
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

/// Returns once nobody wants to wait any more.
async fn stop_on_signal(handles: Vec<ServerHandle>, mut signals: Signals) {
    signals.next().await;
    tracing::info!("stopping; once more stops at once");
    for handle in handles {
        // The command is on its way; the server's end is awaited elsewhere.
        drop(handle.stop(true));
    }
    signals.next().await;
}

/// An issuer that only this machine can mean, at an address that others reach, is a mistake that
/// would otherwise show at the first redirect.
fn warn_of_loopback(config: &Config) {
    if config.issuer.is_loopback() && !config.listen.ip().is_loopback() {
        tracing::warn!(
            issuer = %config.issuer,
            listen = %config.listen,
            "others can reach this address, but the issuer names this machine alone"
        );
    }
}

impl fmt::Display for Listening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.issuer, self.listening)
    }
}

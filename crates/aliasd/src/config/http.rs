//! How the service is reached.

use std::{net::SocketAddr, time::Duration};

use alias_http::TrustedProxies;

use super::{ConfigError, Issuer, Settings, TlsFiles, duration};

/// The service's addresses, and who may stand in front of them.
#[derive(Debug)]
pub(crate) struct Http {
    /// Where everybody reaches it.
    pub(crate) listen: SocketAddr,
    /// Without it, that is plain HTTP.
    pub(crate) tls: Option<TlsFiles>,
    /// Whose word on where a request comes from is taken.
    pub(crate) trusted_proxies: TrustedProxies,
    /// Where it is watched. Without it health stands at `listen`, and nothing is measured.
    pub(crate) internal_listen: Option<SocketAddr>,
    /// How long a connection may be idle between two requests.
    pub(crate) keep_alive: Duration,
    /// The most connections at a time.
    pub(crate) connections: Connections,
    /// Whether the issuer is `https`, here or at a proxy.
    pub(crate) https: bool,
    /// How long it says that it stops before it does.
    pub(crate) drain_delay: Duration,
}

/// How many connections there may be, where files are enough for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    /// The most.
    pub(crate) most: usize,
    /// Whether somebody asked for that many: fewer will not do then.
    pub(crate) asked_for: bool,
}

impl Http {
    pub(super) fn from_settings(settings: &Settings, issuer: &Issuer) -> Result<Self, ConfigError> {
        let listen = settings.required("http.listen", address)?;
        let internal_listen = settings.read("http.internal_listen", address)?;
        // Two ports that the system chooses are two ports.
        if internal_listen == Some(listen) && listen.port() != 0 {
            return Err(settings.refusal(
                "http.internal_listen",
                "http.listen has this address; it needs one of its own",
            ));
        }
        Ok(Self {
            listen,
            tls: TlsFiles::from_settings(settings, issuer)?,
            trusted_proxies: settings
                .read("http.trusted_proxies", str::parse::<TrustedProxies>)?
                .unwrap_or_default(),
            internal_listen,
            keep_alive: settings.required("http.keep_alive", some_time_or_none)?,
            connections: Connections {
                most: settings.required("http.connections", connections)?,
                asked_for: !settings.is_default("http.connections"),
            },
            https: issuer.is_https(),
            drain_delay: settings.required("http.drain_delay", some_time_or_none)?,
        })
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an IP address and a port are expected, such as 127.0.0.1:8080 or [::]:8080")
}

fn connections(text: &str) -> Result<usize, &'static str> {
    let sound = |it: &usize| (16..=100_000).contains(it);
    let number = text.parse().ok().filter(sound);
    number.ok_or("a number from 16 to 100000 is expected")
}

fn some_time_or_none(text: &str) -> Result<Duration, duration::MalformedDuration> {
    duration::parse(text)?
        .to_std()
        .map_err(|_| duration::MalformedDuration)
}

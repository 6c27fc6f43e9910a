//! `aliasd dev`: the service on this machine, with everything that a first look needs.

mod demo;
mod home;

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

use alias_demo::{Demo, DemoConfig};
use alias_http::Door;
use clap::Args;
use serde::Serialize;

use crate::{
    config::{Config, ConfigError, MasterKeySource, Settings},
    error::Error,
    global::Global,
    logs, output,
    serve::{self, Listeners, Signals},
    store,
};
use home::Home;

#[derive(Args, Debug)]
#[command(after_help = "\
Everything is kept in ./.alias and made at the first start: the master key, the database, a demo user
and two demo clients. Stop it and delete the folder to start anew. Settings are honoured; with
http.listen alone the issuer follows its port.

Examples:
  aliasd dev
  ALIAS_HTTP__LISTEN=127.0.0.1:9000 aliasd dev --demo-listen 127.0.0.1:9001")]
pub(crate) struct Options {
    /// Where the demo client listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    demo_listen: SocketAddr,
}

/// Where to look, and as whom.
#[derive(Serialize)]
struct Running<'a> {
    issuer: &'a str,
    account: String,
    demo: String,
    email: &'a str,
    nickname: &'a str,
    password: &'a str,
    data: String,
}

/// Runs until stopped.
///
/// # Errors
/// A configuration that is not for this machine alone; a folder that cannot be written; an address
/// that is taken.
pub(crate) async fn run(global: &Global, options: &Options) -> Result<(), Error> {
    let settings = Settings::load(global.config_file())?;
    let mut config = configure(&settings)?;
    let base = base(options.demo_listen)?;
    logs::init("warn");
    if let Some(warning) = settings.passed_over() {
        tracing::warn!("{warning}");
    }
    for address in [config.http.listen, options.demo_listen] {
        warn_of_others(address);
    }
    // Before anything is made or changed.
    let beside = probed(config.http.listen, serve::HTTP_LISTEN)?;
    let demo_beside = probed(options.demo_listen, DEMO_LISTEN)?;

    let home = Home::open()?;
    let master_key = match &config.master_key {
        MasterKeySource::Missing => home.master_key()?,
        set => set.read()?,
    };
    store::bring_up(&config).await?;
    let store = store::open_current(&config).await?;
    let clients = demo::furnish(store.as_ref(), &home, &base).await?;
    if store.keys().await?.is_empty() {
        output::progress("Making the keys that sign and seal tokens: a moment, this once.");
    }
    let door = Door::closed("the service starts");
    let listeners = Listeners::bind(&config, &door)?;
    let listeners_beside = match beside {
        Some(listen) => {
            config.http.listen = listen;
            // Monitoring needs one address.
            config.http.internal_listen = None;
            Some(Listeners::bind(&config, &door)?)
        }
        None => None,
    };
    let (service, upkeep) = serve::wire(&config, &master_key, store).await?;
    door.open(service);
    let account = format!("{}/account", config.issuer);
    let relying_party = Demo::bind(DemoConfig {
        issuer: config.issuer.to_string(),
        listen: options.demo_listen,
        listen_beside: demo_beside,
        confidential: clients.confidential,
        public: clients.public,
        account_url: account.clone(),
    })
    .map_err(|error| serve::cannot_listen(options.demo_listen, DEMO_LISTEN, error))?;

    let signals = Signals::listen()?;
    listeners.warn(&settings);
    let said = global.format().print(&Running {
        issuer: config.issuer.as_str(),
        account,
        demo: base,
        email: demo::EMAIL,
        nickname: demo::NICKNAME,
        password: demo::PASSWORD,
        data: home.to_string(),
    });
    if let Err(error) = said {
        tracing::warn!(%error, "nobody was told where it listens");
    }
    // Nobody has to be told before it stops.
    let beside = listeners_beside.map(|it| it.into_servers(Duration::ZERO));
    let servers = listeners
        .into_servers(Duration::ZERO)
        .and(beside)
        .beside(relying_party.into_server());
    let work = async { Ok(upkeep.run().await) };
    servers.until_stopped(&door, work, signals).await
}

const DEMO_LISTEN: &str = "--demo-listen";

fn warn_of_others(listen: SocketAddr) {
    if !listen.ip().to_canonical().is_loopback() {
        tracing::warn!(
            %listen,
            "others can reach this address, and everybody knows the demo user's password"
        );
    }
}

/// The configuration, for this machine alone: everybody knows the demo user's password.
fn configure(settings: &Settings) -> Result<Config, Error> {
    let mut config = Config::from_settings(settings)?;
    let port = port(config.http.listen, serve::HTTP_LISTEN)?;
    if settings.is_default("issuer") {
        config.issuer = format!("http://localhost:{port}")
            .parse()
            .map_err(|_| ConfigError::Missing("issuer"))?;
    }
    config.outbound.allow_loopback(settings);
    if !config.issuer.is_loopback() {
        return Err(Error::PublicDemo(config.issuer));
    }
    Ok(config)
}

/// The demo's address as a browser on this machine has it.
fn base(listen: SocketAddr) -> Result<String, Error> {
    let port = port(listen, DEMO_LISTEN)?;
    let ip = match listen.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    Ok(format!("http://{}", SocketAddr::new(ip, port)))
}

/// Redirect URIs and the issuer are settled before anything listens, so a port must be named.
fn port(address: SocketAddr, setting: &'static str) -> Result<u16, Error> {
    match address.port() {
        0 => Err(Error::NoPort(setting)),
        port => Ok(port),
    }
}

/// Sees whether an address can be had, and with it the one at which `localhost` may lead here as well.
///
/// # Errors
/// If somebody else has one of them: `localhost` would lead to them.
fn probed(address: SocketAddr, setting: &'static str) -> Result<Option<SocketAddr>, Error> {
    let taken = |address| move |error| serve::cannot_listen(address, setting, error);
    TcpListener::bind(address).map_err(taken(address))?;
    let Some(beside) = other_loopback(address) else {
        return Ok(None);
    };
    match TcpListener::bind(beside) {
        Ok(_) => Ok(Some(beside)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(taken(beside)(error)),
        // The machine does not speak that version of IP, so nor does a browser on it.
        Err(_) => Ok(None),
    }
}

/// A browser may take `localhost` for either of two addresses: the one that an address leaves out.
fn other_loopback(address: SocketAddr) -> Option<SocketAddr> {
    let other = match address.ip() {
        IpAddr::V4(ip) if ip.is_loopback() || ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        _ => return None,
    };
    Some(SocketAddr::new(other, address.port()))
}

impl fmt::Display for Running<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Alias is running. Open {}\n", self.demo)?;
        writeln!(f, "  sign in as    {}", self.email)?;
        writeln!(f, "  password      {}", self.password)?;
        writeln!(f, "  your account  {}", self.account)?;
        writeln!(f, "  issuer        {}", self.issuer)?;
        writeln!(f, "  kept in       {}", self.data)?;
        write!(f, "\nCtrl-C stops it.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_leads_here_whichever_address_it_means() {
        for (address, beside) in [
            ("127.0.0.1:8080", Some("[::1]:8080")),
            ("0.0.0.0:8080", Some("[::1]:8080")),
            ("[::1]:8080", Some("127.0.0.1:8080")),
            ("[::]:8080", None),
            ("192.0.2.1:8080", None),
        ] {
            let other = other_loopback(address.parse().expect("an address"));
            assert_eq!(other.map(|it| it.to_string()).as_deref(), beside);
        }
    }

    #[test]
    fn the_demo_is_opened_where_a_browser_finds_it() {
        for (listen, opened) in [
            ("127.0.0.1:8081", "http://127.0.0.1:8081"),
            ("0.0.0.0:8081", "http://127.0.0.1:8081"),
            ("[::1]:8081", "http://[::1]:8081"),
        ] {
            let listen = listen.parse().expect("an address");
            assert_eq!(base(listen).ok().as_deref(), Some(opened));
        }
    }
}

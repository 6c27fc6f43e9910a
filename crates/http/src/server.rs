use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web::Data};
use alias_domain::flows::Provider;
use chrono::{DateTime, SubsecRound, Utc};
use tracing_actix_web::TracingLogger;

use crate::{
    address, cookies::Cookies, door::Door, forwarded::TrustedProxies, headers, measures,
    measures::Exposition, panics, presence, pulse::Pulse, routes, tls::Tls, trace::Span,
};

/// What is served.
#[derive(Clone)]
pub struct Service {
    /// The provider.
    pub provider: Provider,
    /// The key set.
    pub key_set: KeySet,
}

/// The key set (RFC 7517 5), which changes while the service runs.
#[derive(Clone)]
pub struct KeySet {
    /// Tells it as it is at the moment, public keys alone.
    pub present: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
    /// For how many seconds whoever fetched it may keep it.
    pub max_age: i64,
}

/// What every handler has at hand.
pub(crate) struct State {
    pub(crate) provider: Provider,
    pub(crate) key_set: KeySet,
    pub(crate) cookies: Cookies,
    pub(crate) pulse: Pulse,
}

impl State {
    pub(crate) fn of(service: Service) -> Self {
        Self {
            cookies: Cookies::for_issuer(service.provider.issuer()),
            provider: service.provider,
            key_set: service.key_set,
            pulse: Pulse::default(),
        }
    }

    /// The present time, in whole milliseconds: what a store keeps is what was decided on.
    pub(crate) fn now() -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }
}

/// How long requests may take to finish once a server is told to stop, in seconds.
const LAST_REQUESTS: u64 = 30;

/// The same for the internal address, which nobody waits for but who watches.
const LAST_PROBES: u64 = 1;

/// The address that everybody uses.
pub struct Public {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What connections are shown; without it they are plain HTTP.
    pub tls: Option<Tls>,
    /// Whose word on where a request comes from is taken.
    pub trusted_proxies: TrustedProxies,
    /// Whether `livez` and `readyz` are here, and not at an address of their own.
    pub health: bool,
}

/// An address that is taken, and does not answer yet. The server it becomes leaves signals to its
/// caller.
pub struct Bound {
    /// It would say in the log that it starts.
    server: Box<dyn FnOnce() -> Server>,
    address: SocketAddr,
}

impl Bound {
    /// Takes the public address, for what stands behind the door.
    ///
    /// # Errors
    /// If the address cannot be had: `AddrInUse` for one that is taken.
    pub fn public(door: Door, public: Public) -> io::Result<Self> {
        let listener = TcpListener::bind(public.listen)?;
        let address = listener.local_addr()?;
        let (door, proxies) = (Data::new(door), Data::new(public.trusted_proxies));
        let app = move || {
            App::new()
                .app_data(door.clone())
                .app_data(proxies.clone())
                .wrap(from_fn(panics::caught))
                .wrap(from_fn(address::bounded))
                .wrap(from_fn(headers::add))
                .wrap(TracingLogger::<Span>::new())
                .wrap(from_fn(measures::requests))
                .configure(|it| routes::public(it, public.health))
        };
        let server = HttpServer::new(app)
            .on_connect(presence::remember)
            .disable_signals()
            .shutdown_timeout(LAST_REQUESTS);
        let server = match public.tls {
            Some(tls) => server.listen_openssl(listener, tls.acceptor()?)?,
            None => server.listen(listener)?,
        };
        Ok(Self {
            server: Box::new(|| server.run()),
            address,
        })
    }

    /// Takes the address for those who watch the node: its health, and what is measured.
    ///
    /// # Errors
    /// As [`Bound::public`].
    pub fn internal(door: Door, listen: SocketAddr, exposition: Exposition) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        let (door, exposition) = (Data::new(door), Data::new(exposition));
        let app = move || {
            App::new()
                .app_data(door.clone())
                .app_data(exposition.clone())
                .wrap(from_fn(panics::caught))
                .wrap(from_fn(headers::add))
                .configure(routes::internal)
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .shutdown_timeout(LAST_PROBES)
            .listen(listener)?;
        Ok(Self {
            server: Box::new(|| server.run()),
            address,
        })
    }

    /// The address, with the port that was chosen where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server, to be awaited.
    pub fn into_server(self) -> Server {
        (self.server)()
    }
}

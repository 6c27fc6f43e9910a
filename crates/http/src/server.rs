use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web};
use alias_domain::flows::Provider;
use chrono::{DateTime, SubsecRound, Utc};
use tracing_actix_web::TracingLogger;

use crate::{cookies::Cookies, headers, routes, trace::Span};

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
}

impl State {
    /// The present time, in whole milliseconds: what a store keeps is what was decided on.
    pub(crate) fn now() -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }
}

/// A service that has its address, and does not answer yet.
pub struct Bound {
    server: Server,
    address: SocketAddr,
}

impl Bound {
    /// Takes the address. The server it becomes leaves signals to its caller.
    ///
    /// # Errors
    /// If the address cannot be had: `AddrInUse` for one that is taken.
    pub fn bind(service: Service, listen: SocketAddr) -> io::Result<Self> {
        let state = web::Data::new(State {
            cookies: Cookies::for_issuer(service.provider.issuer()),
            provider: service.provider,
            key_set: service.key_set,
        });
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        let app = move || {
            App::new()
                .app_data(state.clone())
                .wrap(from_fn(headers::add))
                .wrap(TracingLogger::<Span>::new())
                .configure(routes::configure)
        };
        let server = HttpServer::new(app)
            .disable_signals()
            .listen(listener)?
            .run();
        Ok(Self { server, address })
    }

    /// The address, with the port that was chosen where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server, to be awaited.
    pub fn into_server(self) -> Server {
        self.server
    }
}

use std::{
    io,
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    sync::Arc,
    thread::available_parallelism,
};

use actix_web::{App, dev::Server, middleware::from_fn, web::Data};
use tracing_actix_web::TracingLogger;

use crate::{
    address,
    connections::{self, Bounds, Running},
    door::Door,
    forwarded::TrustedProxies,
    headers::{self, Https},
    identify, measures,
    measures::Exposition,
    panics,
    quota::Quota,
    routes,
    tls::Tls,
    trace::Span,
};

/// How long requests may take to finish once a server is told to stop, in seconds.
const LAST_REQUESTS: u64 = 30;

/// The same for the internal address, which nobody waits for but who watches.
const LAST_PROBES: u64 = 1;

/// The most connections to the internal address. Those who watch need few.
pub const WATCHERS: usize = 64;

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
    /// Whether the issuer is `https`, here or at a proxy: browsers are then told to ask by nothing
    /// else.
    pub https: bool,
    /// How many connections there may be, and how long each may wait.
    pub bounds: Bounds,
}

/// An address that is taken, and does not answer yet. The server it becomes leaves signals to its
/// caller.
pub struct Bound {
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
        let proxies = Arc::new(public.trusted_proxies);
        let (door, trusted) = (Data::new(door), Data::from(Arc::clone(&proxies)));
        let quota = Data::new(Quota::default());
        let https = public.https.then_some(Https);
        let app = move || {
            let app = App::new()
                .app_data(door.clone())
                .app_data(trusted.clone())
                .app_data(quota.clone())
                .wrap(from_fn(panics::caught))
                .wrap(from_fn(address::bounded))
                .wrap(from_fn(connections::whole))
                .wrap(from_fn(headers::add))
                .wrap(from_fn(identify::requests))
                .wrap(TracingLogger::<Span>::new())
                .wrap(from_fn(measures::requests))
                .configure(|it| routes::public(it, public.health));
            match https {
                Some(https) => app.app_data(https),
                None => app,
            }
        };
        let running = Running {
            tls: public.tls.map(|it| it.acceptor()).transpose()?,
            bounds: public.bounds,
            proxies,
            workers: available_parallelism().map_or(2, NonZeroUsize::get),
            last_requests: LAST_REQUESTS,
        };
        Ok(Self {
            server: connections::server(listener, running, app)?,
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
                .wrap(from_fn(connections::whole))
                .wrap(from_fn(headers::add))
                .configure(routes::internal)
        };
        let running = Running {
            tls: None,
            bounds: Bounds {
                connections: WATCHERS,
                ..Bounds::default()
            },
            proxies: Arc::default(),
            workers: 1,
            last_requests: LAST_PROBES,
        };
        Ok(Self {
            server: connections::server(listener, running, app)?,
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

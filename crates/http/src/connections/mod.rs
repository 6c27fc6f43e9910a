//! Connections, and how long each may wait for its peer.
//!
//! The HTTP library reads and writes; it has no time-out for a peer that does not read, for the
//! rest of a body that nobody wants, or for the second request head of a connection, and it answers
//! as many pipelined requests at once as it is sent. So every connection is watched from outside:
//!
//! | file | does |
//! |---|---|
//! | `watch` | knows what a connection waits for and since when, and ends those that wait for too long or are too many |
//! | `stream` | tells it what was read and written, and hands over one request at a time |
//! | `bounds` | how many connections there may be, how long each may wait, and why one is ended |
//! | `framing` | knows where a request ends |
//! | `arrival` | reads a body before its handler runs, so that a handler never waits for the peer |

mod arrival;
mod bounds;
mod framing;
mod stream;
mod watch;

use std::{
    fmt,
    future::poll_fn,
    io,
    net::{SocketAddr, TcpListener},
    pin::Pin,
    rc::Rc,
    sync::Arc,
};

use actix_http::{HttpService, Request, Response, body::MessageBody};
use actix_service::{
    IntoService, IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_factory,
    map_config,
};
use actix_web::{
    Error,
    dev::{AppConfig, Server},
    rt::{net::TcpStream, spawn, time::timeout},
};
use openssl::ssl::{Ssl, SslAcceptor};
use socket2::SockRef;
use tokio_openssl::SslStream;

pub(crate) use arrival::{LONGEST, whole};
pub use bounds::Bounds;
pub(crate) use bounds::Cause;
use stream::{Watched, Wire};
use watch::{Room, Watch, sweep};

use crate::{forwarded::TrustedProxies, presence::Socket};

/// How a server is run, beside what it serves.
pub(crate) struct Running {
    /// What connections speak; without it they are plain.
    pub(crate) tls: Option<SslAcceptor>,
    pub(crate) bounds: Bounds,
    /// Those whom many come through: they are no source of connections.
    pub(crate) proxies: Arc<TrustedProxies>,
    /// The threads that share the connections.
    pub(crate) workers: usize,
    /// How long requests may take to finish once the server is told to stop, in seconds.
    pub(crate) last_requests: u64,
}

/// What the system keeps of answers that a peer does not take, in bytes; it may double it. Without
/// a bound of our own it is up to 4 MiB for each connection. A whole page fits.
const SEND_BUFFER: usize = 64 * 1024;

/// How many connections wait to be accepted, at most, while there is room for no other.
const BACKLOG: i32 = 1024;

/// A server for an application, which leaves signals to its caller. It does not run yet, for it would
/// say so in the log.
pub(crate) fn server<F, I, S, B>(
    listener: TcpListener,
    running: Running,
    app: F,
) -> io::Result<Box<dyn FnOnce() -> Server>>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let socket = SockRef::from(&listener);
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.listen(BACKLOG)?;
    let Running {
        tls,
        bounds,
        proxies,
        workers,
        last_requests,
    } = running;
    // One could not give way to another.
    let share = (bounds.connections / workers).max(2);
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(share)
        .disable_signals()
        .shutdown_timeout(last_requests);
    let stopping = builder.graceful_shutdown_signal();
    let worker = move || {
        let stopping = stopping.clone();
        let app = app()
            .into_factory()
            .map_err(|it| it.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(bounds.keep_alive)
            .client_request_timeout(bounds.head)
            .client_disconnect_timeout(bounds.linger)
            .on_connect_ext(|stream: &Watched, data| {
                data.insert(stream.watch());
                data.insert(Socket(stream.socket()));
            })
            .h1(map_config(app, |()| AppConfig::default()));
        let http = Rc::new(http);
        let (tls, proxies) = (tls.clone(), Arc::clone(&proxies));
        fn_factory(move || {
            let (http, tls, proxies) = (Rc::clone(&http), tls.clone(), Arc::clone(&proxies));
            async move {
                let http = Rc::new(http.new_service(()).await?);
                let room = Room::new(bounds, share);
                spawn(sweep(Rc::downgrade(&room)));
                let serve = move |socket: TcpStream| {
                    let (http, tls) = (Rc::clone(&http), tls.clone());
                    let peer = socket.peer_addr().ok();
                    let place = room.enter(peer.and_then(|it| proxies.source_of(it.ip())));
                    async move {
                        let watch = place.watch();
                        let served = async {
                            let wire = encrypted(tls, socket, &watch).await?;
                            let stream = Watched::new(wire, Rc::clone(&watch));
                            answered(&*http, (stream, peer)).await
                        };
                        tokio::select! {
                            _ = served => {}
                            () = watch.ended() => {}
                        }
                        Ok::<_, ()>(())
                    }
                };
                Ok::<_, ()>(serve.into_service())
            }
        })
    };
    let builder = builder.listen("alias", listener, worker)?;
    Ok(Box::new(|| builder.run()))
}

/// Answers the requests of a connection, with the address of its peer.
async fn answered<S>(http: &S, connection: (Watched, Option<SocketAddr>)) -> Option<()>
where
    S: Service<(Watched, Option<SocketAddr>)>,
{
    poll_fn(|cx| http.poll_ready(cx)).await.ok()?;
    http.call(connection).await.ok().map(drop)
}

/// What is spoken on a new connection, or nothing if there is no agreement on how.
async fn encrypted(tls: Option<SslAcceptor>, socket: TcpStream, watch: &Watch) -> Option<Wire> {
    let Some(acceptor) = tls else {
        return Some(Wire::Plain(socket));
    };
    let connection = Ssl::new(acceptor.context()).ok()?;
    let mut stream = Box::new(SslStream::new(connection, socket).ok()?);
    let done = timeout(watch.bounds().head, Pin::new(&mut *stream).accept()).await;
    done.ok()?.ok()?;
    watch.greeted();
    Some(Wire::Tls(stream))
}

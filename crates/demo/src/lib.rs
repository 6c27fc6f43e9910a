//! Fieldnotes: a relying party to try Alias with.
//!
//! It is a client like any other. It depends on no crate of the service, knows where Alias is by
//! discovery alone, and leaves the protocol to a standard library (`openidconnect`). So it shows
//! two things at once: to a person, what signing in with Alias is like; to a developer, how little
//! a client needs of its own.
//!
//! | file | holds |
//! |---|---|
//! | `config` | what the demo must be told |
//! | `routes` | what a browser may ask for, and what it gets |
//! | `site` | what the pages share, and whom they deal with |
//! | `provider` | Alias, as the client library finds it by discovery |
//! | `library` | the client library's types, with what Alias adds to the standard |
//! | `logout` | a logout token, and whether it is believed |
//! | `wire` | the HTTP client below the library: no redirects, little patience, small answers |
//! | `session` | one sign-in: what was received, and what of it is shown |
//! | `visitor` | what is remembered of each browser, in memory only |
//! | `guard` | which forms are believed |
//! | `failure` | what may go wrong between Fieldnotes and Alias |
//! | `pages` | the one page, and what its template is given |
//! | `problem` | what a visitor is told when something went wrong |
//! | `html` | a template as an answer |

mod config;
mod failure;
mod guard;
mod html;
mod library;
mod logout;
mod pages;
mod problem;
mod provider;
mod routes;
mod session;
mod site;
mod visitor;
mod wire;

use std::io;
use std::net::{SocketAddr, TcpListener};

use actix_web::dev::Server;
use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpServer, web};

pub use crate::config::{CHANNELS, DemoClient, DemoConfig};
use crate::site::Site;

/// The demo, bound to its address and not yet running.
///
/// ```no_run
/// # async fn doc(config: alias_demo::DemoConfig) -> std::io::Result<()> {
/// let demo = alias_demo::Demo::bind(config)?;
/// let address = demo.address();
/// demo.into_server().await
/// # }
/// ```
pub struct Demo {
    address: SocketAddr,
    server: Server,
}

impl Demo {
    /// Binds the listening address, so that a busy port is known before anything is printed.
    /// Alias need not be there yet: it is looked for when a visitor first needs it.
    ///
    /// # Errors
    /// `AddrInUse` for a busy port, or what else the system says of the address; `InvalidInput`
    /// for an issuer or a redirect URI that is no URL.
    pub fn bind(config: DemoConfig) -> io::Result<Self> {
        let (listen, beside) = (config.listen, config.listen_beside);
        let site = web::Data::new(Site::new(config)?);
        let server = HttpServer::new(move || {
            App::new()
                .wrap(security_headers(&site))
                .app_data(site.clone())
                .configure(routes::configure)
        })
        .workers(1)
        .shutdown_timeout(2)
        .disable_signals()
        .bind(listen)?;
        let server = match beside.map(TcpListener::bind) {
            Some(beside) => server.listen(beside?)?,
            None => server,
        };
        let address = server.addrs().first().copied().unwrap_or(listen);
        Ok(Self {
            address,
            server: server.run(),
        })
    }

    /// The address that is bound: with port 0 in the configuration, the port that was found.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server, which serves once it is awaited or spawned. It leaves the signals of the
    /// process alone: whoever runs it stops it, by [`Server::handle`] or by dropping it.
    pub fn into_server(self) -> Server {
        self.server
    }
}

/// What every answer of the demo carries. `form-action` names the issuer too: Chromium holds the
/// redirect that follows a form to it, and signing in is a form that ends at the issuer.
fn security_headers(site: &Site) -> DefaultHeaders {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self' {}",
        site.issuer_origin()
    );
    DefaultHeaders::new()
        .add(("Content-Security-Policy", policy))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Cache-Control", "no-store"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_is_told_at_once() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = config::example();
        config.listen = taken.local_addr().unwrap();
        let refusal = Demo::bind(config).err().map(|error| error.kind());
        assert_eq!(refusal, Some(io::ErrorKind::AddrInUse));
    }

    #[test]
    fn port_zero_becomes_the_port_that_was_found() {
        let demo = Demo::bind(config::example()).unwrap();
        assert_ne!(demo.address().port(), 0);
    }

    #[test]
    fn an_issuer_that_is_no_url_is_named_as_the_reason() {
        let mut config = config::example();
        config.issuer = "localhost".to_owned();
        let refusal = Demo::bind(config).err().map(|error| error.to_string());
        assert!(refusal.is_some_and(|reason| reason.contains("issuer")));
    }
}

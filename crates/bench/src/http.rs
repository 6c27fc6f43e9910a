//! A cheap HTTP client: one keep-alive connection, one request at a time.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{self, SendRequest},
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, LOCATION},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection to a server. It is not open before it is needed: an idle one costs the server memory.
pub(crate) struct Connection {
    address: SocketAddr,
    host: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// What comes back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What is asked. Whatever is empty is left out.
#[derive(Default)]
pub(crate) struct Ask<'a> {
    pub(crate) path: &'a str,
    pub(crate) authorization: &'a str,
    pub(crate) cookie: &'a str,
    /// A form to post.
    pub(crate) form: Option<String>,
}

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self {
            address,
            host: address.to_string(),
            sender: None,
        }
    }

    /// Opens it, or begins anew: a server closes a connection that nobody used for a while.
    pub(crate) async fn reopen(&mut self) -> Result<()> {
        self.sender = Some(handshake(self.address).await?);
        Ok(())
    }

    /// Asks, and reads the answer to its end.
    pub(crate) async fn send(&mut self, ask: Ask<'_>) -> Result<Answer> {
        let sender = self.sender.as_mut().context("the connection is not open")?;
        sender.ready().await?;
        let mut request = Request::builder().uri(ask.path).header(HOST, &self.host);
        for (name, value) in [(AUTHORIZATION, ask.authorization), (COOKIE, ask.cookie)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let request = match ask.form {
            Some(form) => request
                .method("POST")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Full::from(form)),
            None => request.body(Full::default()),
        };
        let answer = sender.send_request(request?).await?;
        let (head, body) = answer.into_parts();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }

    /// Asks, and fails unless the answer has this status.
    pub(crate) async fn expect(&mut self, status: u16, ask: Ask<'_>) -> Result<Answer> {
        let path = ask.path.split('?').next().unwrap_or_default().to_owned();
        let answer = self.send(ask).await?;
        if answer.status != status {
            // A benchmark's secrets guard nothing, and its faults must be found.
            let body = String::from_utf8_lossy(&answer.body);
            bail!("{path} answers {} and not {status}: {body}", answer.status);
        }
        Ok(answer)
    }
}

async fn handshake(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("nobody listens at {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender. What goes wrong is told to whoever asks.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

impl Answer {
    /// A parameter of the address that it redirects to.
    pub(crate) fn redirected_with(&self, parameter: &str) -> Result<String> {
        let location = self
            .headers
            .get(LOCATION)
            .context("no redirect")?
            .to_str()?;
        let (_, query) = location.split_once('?').unwrap_or_default();
        let found = query.split('&').find_map(|it| {
            let (name, value) = it.split_once('=')?;
            (name == parameter).then(|| value.to_owned())
        });
        found.with_context(|| format!("{location} has no {parameter}"))
    }
}

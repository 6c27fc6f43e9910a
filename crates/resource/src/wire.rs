use std::{error::Error, time::Duration};

use reqwest::{Client, RequestBuilder, StatusCode, redirect::Policy};
use serde::de::DeserializeOwned;

use crate::Issuer;

pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(2);
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const LARGEST_ANSWER: usize = 64 * 1024;

/// Why Alias could not be asked. None of it repeats what was sent or received.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no answer: {}", reasons(.0))]
    NoAnswer(reqwest::Error),
    #[error("the client ID and secret of this service are refused, or it may not introspect")]
    Unauthorized,
    #[error("an answer with status {0}")]
    Status(StatusCode),
    #[error("an answer of more than {LARGEST_ANSWER} bytes")]
    TooLarge,
    #[error("{0} that makes no sense")]
    Senseless(&'static str),
    #[error("an answer in the name of another issuer")]
    ForeignIssuer,
    #[error("no introspection endpoint that a token may be sent to")]
    Endpoint,
}

/// An error with what caused it.
fn reasons(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        text = format!("{text}: {reason}");
        source = reason.source();
    }
    text
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::NoAnswer(error.without_url())
    }
}

/// Connections that go straight to Alias: no proxy of the environment sees a token, and no redirect
/// takes one elsewhere.
pub(crate) fn connections(issuer: &Issuer, within: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .https_only(!issuer.is_loopback())
        .connect_timeout(CONNECT_WITHIN.min(within))
        .timeout(within)
        .build()
}

/// Sends a request and reads the JSON that it is answered with.
pub(crate) async fn ask<T: DeserializeOwned>(
    request: RequestBuilder,
    what: &'static str,
) -> Result<T, Failure> {
    let mut answer = request.send().await?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(Failure::Unauthorized),
        other => return Err(Failure::Status(other)),
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    // What serde has against it may quote it.
    serde_json::from_slice(&body).map_err(|_| Failure::Senseless(what))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[actix_web::test]
    async fn an_answer_that_does_not_come_is_not_waited_for() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = silent.local_addr().expect("an address");
        let issuer = format!("http://{address}").parse().expect("an issuer");
        let http = connections(&issuer, Duration::from_millis(50)).expect("a client");
        let request = http.post(issuer.as_str()).body("token=a-token");
        let failure = ask::<()>(request, "an answer")
            .await
            .expect_err("no answer");
        assert!(matches!(&failure, Failure::NoAnswer(error) if error.is_timeout()));
        assert!(!failure.to_string().contains("a-token"));
    }
}

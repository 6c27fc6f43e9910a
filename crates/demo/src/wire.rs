//! The HTTP client below the client library: no redirects, little patience, small answers.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const LARGEST_ANSWER: usize = 256 * 1024;

/// Why no answer of Alias could be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error(transparent)]
    NoAnswer(#[from] reqwest::Error),
    #[error("the answer is larger than {LARGEST_ANSWER} bytes")]
    TooLarge,
}

/// One step's exchanges with Alias. It keeps the last answer as it came over the wire, for the
/// page shows what was received and not what a library made of it.
pub(crate) struct Wire {
    http: reqwest::Client,
    last: Mutex<HttpResponse>,
}

/// The connections that all steps share. They go straight to Alias: a proxy that the environment
/// names would not know this machine's loopback address.
pub(crate) fn connections() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_WITHIN)
        .timeout(ANSWER_WITHIN)
        .build()
}

impl Wire {
    pub(crate) fn new(http: &reqwest::Client) -> Self {
        Self {
            http: http.clone(),
            last: Mutex::default(),
        }
    }

    /// The last answer received, as it came; an empty one before the first.
    pub(crate) fn last(&self) -> HttpResponse {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) async fn send(&self, request: reqwest::Request) -> Result<HttpResponse, WireError> {
        let mut received = self.http.execute(request).await?;
        let mut body = Vec::new();
        while let Some(chunk) = received.chunk().await? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(WireError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = received.status();
        *answer.headers_mut() = received.headers().clone();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = answer.clone();
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = WireError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, WireError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { self.send(request.try_into()?).await })
    }
}

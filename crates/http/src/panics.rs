//! A handler that panics costs its request, and nothing else.

use std::{fmt, panic::AssertUnwindSafe};

use actix_web::{
    Error, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
};
use futures_util::FutureExt;
use tracing_actix_web::RequestId;

use crate::{context, door, headers, measures, paths};

/// A request whose handler panicked.
#[derive(Clone, Copy, Debug)]
struct Panicked {
    for_programs: bool,
    request_id: Option<RequestId>,
}

/// Answers 503 where a handler panics. The process says where that was.
pub(crate) async fn caught(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let for_programs = paths::is_for_programs(request.path());
    // What a handler shares with others is the store's, which undoes a step that is not finished.
    let answer = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    answer.unwrap_or_else(|_| {
        tracing::error!("a request could not be answered: its handler panicked");
        measures::panic();
        let request_id = context::request_id();
        Err(Panicked {
            for_programs,
            request_id,
        }
        .into())
    })
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its handler panicked")
    }
}

/// The request went with the handler, so this is no response that the headers can be added to later.
impl ResponseError for Panicked {
    fn status_code(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }

    fn error_response(&self) -> HttpResponse {
        let unavailable = || door::unavailable(self.for_programs);
        let mut response = context::within(self.request_id, unavailable);
        headers::complete(response.headers_mut());
        response
    }
}

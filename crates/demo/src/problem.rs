//! What a visitor is told when something went wrong.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;

use crate::html::html;

/// Why a visitor is shown a page that says what went wrong, and leads back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// An answer that matches no request of this browser.
    StateMismatch,
    /// An answer that does not name the issuer that was asked (RFC 9207 2.4).
    IssuerMismatch,
    /// A form that no current page of Fieldnotes sent for this visitor.
    ForeignForm,
    UnreadableRequest,
    NotFound,
    /// Alias did not answer, or not in time.
    Unreachable(String),
    /// Alias answered with something malformed, or unproven.
    Unacceptable(String),
}

impl Problem {
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::StateMismatch => (StatusCode::BAD_REQUEST, "state_mismatch"),
            Self::IssuerMismatch => (StatusCode::BAD_REQUEST, "issuer_mismatch"),
            Self::ForeignForm => (StatusCode::FORBIDDEN, "form_not_accepted"),
            Self::UnreadableRequest => (StatusCode::BAD_REQUEST, "unreadable_request"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::Unreachable(_) => (StatusCode::SERVICE_UNAVAILABLE, "alias_unreachable"),
            Self::Unacceptable(_) => (StatusCode::BAD_GATEWAY, "answer_not_accepted"),
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Unreachable(reason) | Self::Unacceptable(reason) => Some(reason),
            _ => None,
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    problem: &'a Problem,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status_and_code().1)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status_and_code().0
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = html(self.status_code(), &ProblemPage { problem: self });
        if let Some(reason) = self.reason() {
            tracing::warn!(reason, "{self}");
            let soon = HeaderValue::from_static("5");
            response.headers_mut().insert(RETRY_AFTER, soon);
        }
        response
    }
}

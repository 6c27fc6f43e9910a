//! The templates and what they are given. Every text that a visitor reads lies in `templates/`.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;

use crate::CHANNELS;
use crate::provider::Kind;
use crate::session::{Session, Worth};
use crate::visitor::{Memory, Outcome};

/// The one page: an invitation, or what a sign-in brought.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct Home<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) account_url: &'a str,
    pub(crate) memory: &'a Memory,
    /// What the user token is worth at this moment, if Alias said so.
    pub(crate) worth: Option<&'a Worth>,
}

impl<'a> Home<'a> {
    pub(crate) fn answer(&self) -> HttpResponse {
        html(StatusCode::OK, self)
    }

    /// What Fieldnotes may do: as Alias says at this moment, else as it said with the tokens.
    fn scopes(&self, session: &'a Session) -> &'a [String] {
        self.worth.map_or(&session.tokens.scopes, |it| &it.scopes)
    }

    /// By which channels.
    fn channels(&self, session: &'a Session) -> &'a [String] {
        let told = self
            .worth
            .map_or(&session.tokens.channels, |it| &it.channels);
        told.as_deref().unwrap_or_default()
    }

    fn channel_words(&self, name: &str) -> &'static str {
        let declared = CHANNELS.iter().find(|(declared, _)| *declared == name);
        declared.map_or("Messages of a kind that is not known here", |(_, words)| {
            words
        })
    }
}

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

fn html(status: StatusCode, page: &impl Template) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    match page.render() {
        Ok(text) => response.content_type(ContentType::html()).body(text),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            HttpResponse::InternalServerError().finish()
        }
    }
}

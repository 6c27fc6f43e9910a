//! What went wrong, where there is no client to tell.

use askama::Template;

use super::text::{Explanation, TEXT};
use crate::context;

/// The page that says what happened and what to do next. Its words are fixed for each cause: nothing
/// of the request is repeated on it.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// What happened.
    pub cause: ErrorCause,
}

/// Why an error page is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCause {
    /// 400: the `client_id` is not registered.
    UnknownClient,
    /// 400: there is no `client_id`.
    MissingClient,
    /// 400: `client_id` or `redirect_uri` is there more than once.
    RepeatedParameter,
    /// 400: the `redirect_uri` is not one that the client registered (R29).
    UnregisteredRedirectUri,
    /// 400: there is no `redirect_uri`.
    MissingRedirectUri,
    /// 400: `client_id` or `redirect_uri` cannot be read.
    MalformedParameter,
    /// 403: the form was sent from another origin, or without its token.
    ForeignForm,
    /// 404: the interaction is unknown, expired, or another browser's or user's.
    UnknownInteraction,
    /// 409: the interaction has been answered.
    AlreadyAnswered,
    /// 400: the answer names something that the screen did not show (R11).
    NotShown,
    /// 404: there is no such page.
    NotFound,
    /// 405: the page is there, but not for this method.
    MethodNotAllowed,
    /// 413: the body is over the limit.
    TooLarge,
    /// 414: the address is over the limit.
    AddressTooLong,
    /// 429: there were too many requests from where this one comes from, or from everywhere.
    TooMany,
    /// 503: the store is away or full, or too many ask at once.
    Unavailable,
    /// 400: the request cannot be read, for a cause with no name of its own.
    BadRequest,
}

impl ErrorPage {
    /// What whoever runs this Alias finds the request in the log by.
    fn request_id(&self) -> Option<String> {
        context::request_id().map(|it| it.to_string())
    }
}

impl ErrorCause {
    /// The HTTP status that the page is sent with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::UnknownClient
            | Self::MissingClient
            | Self::RepeatedParameter
            | Self::UnregisteredRedirectUri
            | Self::MissingRedirectUri
            | Self::MalformedParameter
            | Self::NotShown
            | Self::BadRequest => 400,
            Self::ForeignForm => 403,
            Self::UnknownInteraction | Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::AlreadyAnswered => 409,
            Self::TooLarge => 413,
            Self::AddressTooLong => 414,
            Self::TooMany => 429,
            Self::Unavailable => 503,
        }
    }

    const fn words(self) -> &'static Explanation {
        let errors = &TEXT.errors;
        match self {
            Self::UnknownClient => &errors.unknown_client,
            Self::MissingClient => &errors.missing_client,
            Self::RepeatedParameter => &errors.repeated_parameter,
            Self::UnregisteredRedirectUri => &errors.unregistered_redirect_uri,
            Self::MissingRedirectUri => &errors.missing_redirect_uri,
            Self::MalformedParameter => &errors.malformed_parameter,
            Self::ForeignForm => &errors.foreign_form,
            Self::UnknownInteraction => &errors.unknown_interaction,
            Self::AlreadyAnswered => &errors.already_answered,
            Self::NotShown => &errors.not_shown,
            Self::NotFound => &errors.not_found,
            Self::MethodNotAllowed => &errors.method_not_allowed,
            Self::TooLarge => &errors.too_large,
            Self::AddressTooLong => &errors.address_too_long,
            Self::TooMany => &errors.too_many,
            Self::Unavailable => &errors.unavailable,
            Self::BadRequest => &errors.bad_request,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::markup::render;

    #[test]
    fn the_title_begins_with_the_error() {
        let html = render(&ErrorPage {
            cause: ErrorCause::NotFound,
        });
        assert!(html.contains("<title>Error: There is no such page"));
    }

    #[test]
    fn the_page_says_what_happened_and_what_to_do() {
        let html = render(&ErrorPage {
            cause: ErrorCause::Unavailable,
        });
        let words = ErrorCause::Unavailable.words();
        assert!(html.contains(words.what) && html.contains(words.next));
    }

    #[test]
    fn the_page_shows_the_status_it_is_sent_with() {
        let html = render(&ErrorPage {
            cause: ErrorCause::AlreadyAnswered,
        });
        assert!(html.contains("Status 409"));
    }
}

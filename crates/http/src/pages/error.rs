//! What went wrong, where there is no client to tell.

use askama::Template;
use serde::{Deserialize, Serialize};

use super::text::{Explanation, TEXT};
use crate::context;

/// The page that says what happened and what to do next. Its words are fixed for each cause: of the
/// request it names the client alone.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// What happened.
    pub cause: ErrorCause,
    /// The client that the user comes from, where it is known.
    pub client: Option<ClientLink>,
    /// Where the page is that led here, if it can be opened again.
    pub again: Option<String>,
}

/// The way back to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientLink {
    /// Its name.
    pub name: String,
    /// Its site; `None` of a program on the user's own device.
    pub address: Option<String>,
}

/// Why an error page is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// 403: the session that the page was opened in has ended.
    SessionEnded,
    /// 403: the form came without a cookie.
    FormWithoutCookies,
    /// 404: the browser opened an interaction without a cookie.
    RequestWithoutCookies,
    /// 404: the interaction is unknown, expired, or another browser's or user's.
    UnknownInteraction,
    /// 404: the interaction was this browser's, and is forgotten.
    Expired,
    /// 404: the client that asked was deleted since.
    ClientGone,
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
        context::shown_id()
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
            Self::ForeignForm | Self::SessionEnded | Self::FormWithoutCookies => 403,
            Self::RequestWithoutCookies
            | Self::UnknownInteraction
            | Self::Expired
            | Self::ClientGone
            | Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::AlreadyAnswered => 409,
            Self::TooLarge => 413,
            Self::AddressTooLong => 414,
            Self::TooMany => 429,
            Self::Unavailable => 503,
        }
    }

    /// Where the same address may answer in a moment.
    const fn passes(self) -> bool {
        matches!(self, Self::TooMany | Self::Unavailable)
    }

    /// Where nobody is signed in, which the account page would only find out. Everywhere else that page
    /// is a way on: no error page is a dead end.
    const fn leads_to_sign_in(self) -> bool {
        matches!(self, Self::SessionEnded)
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
            Self::SessionEnded => &errors.session_ended,
            Self::FormWithoutCookies => &errors.form_without_cookies,
            Self::RequestWithoutCookies => &errors.request_without_cookies,
            Self::UnknownInteraction => &errors.unknown_interaction,
            Self::Expired => &errors.expired,
            Self::ClientGone => &errors.client_gone,
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
impl ErrorCause {
    /// Every cause.
    pub(crate) const ALL: [Self; 22] = [
        Self::UnknownClient,
        Self::MissingClient,
        Self::RepeatedParameter,
        Self::UnregisteredRedirectUri,
        Self::MissingRedirectUri,
        Self::MalformedParameter,
        Self::ForeignForm,
        Self::SessionEnded,
        Self::FormWithoutCookies,
        Self::RequestWithoutCookies,
        Self::UnknownInteraction,
        Self::Expired,
        Self::ClientGone,
        Self::AlreadyAnswered,
        Self::NotShown,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::AddressTooLong,
        Self::TooMany,
        Self::Unavailable,
        Self::BadRequest,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::markup::{elements, render};

    const fn page(cause: ErrorCause) -> ErrorPage {
        ErrorPage {
            cause,
            client: None,
            again: None,
        }
    }

    /// Where the links of a page lead.
    fn steps(page: &ErrorPage) -> Vec<String> {
        let html = render(page);
        let links = elements(&html, "a").into_iter();
        links
            .filter_map(|it| it.attribute("href").map(str::to_owned))
            .collect()
    }

    #[test]
    fn the_client_is_named_and_the_way_back_to_it_has_its_name() {
        let known = ErrorPage {
            client: Some(ClientLink {
                name: "The Corner Shop".to_owned(),
                address: Some("https://shop.example/".to_owned()),
            }),
            again: Some("/interaction/1".to_owned()),
            ..page(ErrorCause::ForeignForm)
        };
        let ways = ["/interaction/1", "https://shop.example/", "/account"];
        assert_eq!(steps(&known), ways);
        let html = render(&known);
        assert_eq!(html.matches(">The Corner Shop</bdi>").count(), 2);
    }

    #[test]
    fn an_app_on_a_device_is_named_without_a_link() {
        let app = ErrorPage {
            client: Some(ClientLink {
                name: "Clock".to_owned(),
                address: None,
            }),
            ..page(ErrorCause::UnregisteredRedirectUri)
        };
        assert_eq!(steps(&app), ["/account"]);
        assert!(render(&app).contains(">Clock</bdi>"));
    }

    #[test]
    fn whoever_was_signed_out_can_sign_in() {
        assert_eq!(steps(&page(ErrorCause::SessionEnded)), ["/sign-in"]);
    }

    #[test]
    fn no_error_page_is_a_dead_end() {
        for cause in ErrorCause::ALL {
            assert!(!steps(&page(cause)).is_empty(), "{cause:?}");
        }
    }

    #[test]
    fn what_passes_in_a_moment_can_be_tried_again_at_the_same_address() {
        for cause in [ErrorCause::TooMany, ErrorCause::Unavailable] {
            assert_eq!(steps(&page(cause)), ["", "/account"]);
        }
    }

    #[test]
    fn the_title_begins_with_the_error() {
        let html = render(&page(ErrorCause::NotFound));
        assert!(html.contains("<title>Error: There is no such page"));
    }

    #[test]
    fn the_page_says_what_happened_and_what_to_do() {
        let html = render(&page(ErrorCause::Unavailable));
        let words = ErrorCause::Unavailable.words();
        assert!(html.contains(words.what) && html.contains(words.next));
    }

    #[test]
    fn the_page_shows_the_status_it_is_sent_with() {
        let html = render(&page(ErrorCause::AlreadyAnswered));
        assert!(html.contains("Status 409"));
    }
}

//! The one page, and what its template is given. Every text that a visitor reads lies in `templates/`.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::config::{CHANNELS, ClientKind};
use crate::html::html;
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

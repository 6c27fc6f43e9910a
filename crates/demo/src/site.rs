//! What the pages of the demo share, and whom they deal with.

use std::io;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::HeaderValue;
use tokio::sync::OwnedMutexGuard;

use crate::config::DemoConfig;
use crate::guard::{same_secret, sent_from};
use crate::problem::Problem;
use crate::provider::Alias;
use crate::visitor::{Memory, Visitor, Visitors};

pub(crate) const VISITOR_COOKIE: &str = "fieldnotes_visitor";

/// Everything that the pages of the demo share.
pub(crate) struct Site {
    pub(crate) alias: Alias,
    pub(crate) visitors: Visitors,
    /// The origin at which the demo is reached, as its redirect URI has it.
    pub(crate) origin: String,
    pub(crate) account_url: String,
}

impl Site {
    pub(crate) fn new(config: DemoConfig) -> io::Result<Self> {
        let alias = Alias::new(&config)?;
        Ok(Self {
            visitors: Visitors::new(),
            origin: alias.callback_origin(),
            account_url: config.account_url,
            alias,
        })
    }

    pub(crate) fn issuer_origin(&self) -> String {
        self.alias.issuer().url().origin().ascii_serialization()
    }

    /// Whether a browser that calls the demo by this `Host` uses the name in the redirect URI.
    pub(crate) fn is_named(&self, host: &HeaderValue) -> bool {
        let own = self.origin.split_once("://").map(|(_, host)| host);
        own.is_some_and(|own| host == own)
    }

    /// The visitor whose cookie a request brings, and the cookie's key.
    pub(crate) fn visitor(&self, request: &HttpRequest) -> Option<(String, Visitor)> {
        let key = request.cookie(VISITOR_COOKIE)?.value().to_owned();
        let visitor = self.visitors.find(&key)?;
        Some((key, visitor))
    }

    pub(crate) fn cookie(&self, key: String) -> Cookie<'static> {
        Cookie::build(VISITOR_COOKIE, key)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.origin.starts_with("https:"))
            .finish()
    }

    /// The visitor who sent a form, if a page of Fieldnotes sent it for that visitor.
    pub(crate) async fn sender(
        &self,
        request: &HttpRequest,
        form_token: &str,
    ) -> Result<OwnedMutexGuard<Memory>, Problem> {
        let believed = sent_from(&self.origin, request.headers());
        let visitor = self.visitor(request).filter(|_| believed);
        let (_, visitor) = visitor.ok_or(Problem::ForeignForm)?;
        let memory = visitor.lock_owned().await;
        if same_secret(&memory.form_token, form_token) {
            Ok(memory)
        } else {
            Err(Problem::ForeignForm)
        }
    }
}

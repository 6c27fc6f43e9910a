use actix_web::{HttpRequest, HttpResponse, cookie::Cookie, http::header::AUTHORIZATION};
use alias_domain::{
    Digest, Secret,
    flows::{Present, SignedIn, Visitor},
    ports::StoreError,
};
use chrono::{DateTime, Utc};

use crate::{forwarded, state::State};

/// What a request shows of who sends it, before anything is looked up.
pub(crate) struct Browser {
    pub(crate) visitor: Visitor,
    held: Vec<Secret>,
    /// Set if the browser was not known yet.
    fresh: Option<Secret>,
}

impl Browser {
    pub(crate) fn of(request: &HttpRequest, state: &State) -> Self {
        let held = state.cookies.sessions(request);
        let known = state.cookies.browsers(request);
        let fresh = known.is_empty().then(|| state.provider.fresh_secret());
        let visitor = Visitor {
            bearer: bearer(request).map(|it| it.digest()),
            cookies: held.iter().map(Secret::digest).collect(),
            browsers: known.iter().chain(&fresh).map(Secret::digest).collect(),
            source: forwarded::source(request),
        };
        Self {
            visitor,
            held,
            fresh,
        }
    }

    /// Whether it showed none of our cookies: it is here for the first time, or keeps none.
    pub(crate) fn is_unknown(&self) -> bool {
        self.fresh.is_some() && self.held.is_empty()
    }

    /// Lets a browser that was not known yet be known from now on.
    pub(crate) fn remember(&self, state: &State, mut response: HttpResponse) -> HttpResponse {
        if let Some(browser) = &self.fresh {
            add(&mut response, &state.cookies.set_browser(browser));
        }
        response
    }
}

/// Who sends a request, with the cookies that go back to them.
pub(crate) struct Arrival {
    pub(crate) present: Present,
    browser: Browser,
}

impl Arrival {
    pub(crate) async fn of(
        request: &HttpRequest,
        state: &State,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let browser = Browser::of(request, state);
        let present = state.provider.present(&browser.visitor, now).await?;
        Ok(Self { present, browser })
    }

    /// The digests of the session tokens in the cookie.
    pub(crate) fn presented(&self) -> &[Digest] {
        &self.browser.visitor.cookies
    }

    /// See [`Browser::is_unknown`].
    pub(crate) fn is_unknown(&self) -> bool {
        self.browser.is_unknown()
    }

    /// See [`Browser::remember`].
    pub(crate) fn remember(&self, state: &State, response: HttpResponse) -> HttpResponse {
        self.browser.remember(state, response)
    }

    /// Gives the browser its new session, beside those of other accounts.
    pub(crate) fn admit(
        &self,
        state: &State,
        signed_in: &SignedIn,
        response: HttpResponse,
    ) -> HttpResponse {
        let mut kept: Vec<Digest> = self.present.live_cookies().collect();
        kept.retain(|it| Some(*it) != signed_in.replaced);
        let cookie = state.cookies.set_sessions(
            &self.browser.held,
            &kept,
            Some(&signed_in.token),
            signed_in.expires_in,
        );
        let mut response = self.remember(state, response);
        add(&mut response, &cookie);
        response
    }

    /// Takes the session that ended out of the cookie.
    pub(crate) fn dismiss(
        &self,
        state: &State,
        still: &Present,
        mut response: HttpResponse,
    ) -> HttpResponse {
        let kept: Vec<Digest> = still.live_cookies().collect();
        let max_age = state.provider.lifetimes().session.num_seconds();
        let cookie = state
            .cookies
            .set_sessions(&self.browser.held, &kept, None, max_age);
        add(&mut response, &cookie);
        response
    }
}

pub(crate) fn add(response: &mut HttpResponse, cookie: &Cookie<'_>) {
    // It fails only for a value that is no header; ours are base64url.
    if response.add_cookie(cookie).is_err() {
        tracing::error!("a cookie could not be set");
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 2.1).
pub(crate) fn bearer(request: &HttpRequest) -> Option<Secret> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
        .then(|| Secret::new(token.to_owned()))
}

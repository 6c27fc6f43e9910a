//! What people get: pages and redirects.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, ContentType, HeaderValue, LOCATION, RETRY_AFTER},
    },
};
use alias_domain::{
    Client, ClientKind, FormPost, PageError, Response, Secret,
    ports::{Failure, StoreError},
};
use askama::Template;
use chrono::TimeDelta;

use crate::{
    body::BodyError,
    context, guard, headers, measures,
    notes::Problem,
    pages::{ClientLink, ErrorCause, ErrorPage, FormPostField, FormPostPage, MovingOnPage},
};

/// A page could not be made: the store is away, or a request is refused with a page.
#[derive(Clone, Debug)]
pub(crate) struct PageFailure(Box<Problem>);

pub(crate) type Page = Result<HttpResponse, PageFailure>;

pub(crate) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, location))
        .finish()
}

pub(crate) fn page(page: &impl Template) -> Page {
    rendered(page, StatusCode::OK)
}

pub(crate) fn rendered(page: &impl Template, status: StatusCode) -> Page {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page could not be rendered");
        PageFailure::from(ErrorCause::Unavailable)
    })?;
    Ok(HttpResponse::build(status)
        .content_type(ContentType::html())
        .body(html))
}

/// A page whose form ends at a client's callback.
pub(crate) fn towards(callback: &str, mut response: HttpResponse) -> HttpResponse {
    if let Ok(policy) = headers::policy_towards(callback).parse() {
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Sends a browser that comes from one of our forms to an address of a client, which may redirect on to
/// anywhere. A redirect would be held against the `form-action` of the page that had the form, and what
/// leads on from there stopped without a word; so a page of ours moves on instead. An app's own scheme
/// redirects nowhere, and opens only where a press of a button led there.
pub(crate) fn leave(request: &HttpRequest, address: &str) -> Page {
    let by_page = guard::navigates(request) && is_web(address);
    if !by_page {
        return Ok(see_other(address));
    }
    page(&MovingOnPage {
        address: address.to_owned(),
        host: host(address).to_owned(),
    })
}

fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// The same for what a client is told.
pub(crate) fn respond_after_form(request: &HttpRequest, response: &Response) -> Page {
    match response {
        Response::Redirect(location) => leave(request, location.expose()),
        Response::Post(form) => post(form),
    }
}

/// What a client is told, by the browser that it sent here.
pub(crate) fn respond(response: &Response) -> Page {
    match response {
        Response::Redirect(location) => Ok(see_other(location.expose())),
        Response::Post(form) => post(form),
    }
}

fn post(form: &FormPost) -> Page {
    let callback = form.callback.as_str();
    let field = |(name, value): &(&'static str, Secret)| FormPostField {
        name,
        value: value.expose().to_owned(),
    };
    let mut response = page(&FormPostPage {
        action: callback.to_owned(),
        host: host(callback).to_owned(),
        fields: form.fields.iter().map(field).collect(),
    })?;
    if let Ok(policy) = headers::policy_of_form_post().parse() {
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// Where an answer goes, for people: the host, or what stands for one.
pub(crate) fn host(callback: &str) -> &str {
    let Some((scheme, rest)) = callback.split_once("://") else {
        return callback.split(':').next().unwrap_or(callback);
    };
    let host = rest.split(['/', '?']).next().unwrap_or(rest);
    if host.is_empty() { scheme } else { host }
}

pub(crate) fn error(cause: ErrorCause) -> HttpResponse {
    PageFailure::from(cause).error_response()
}

impl PageFailure {
    /// Names the client that the user comes from.
    pub(crate) fn naming(mut self, client: Option<&Client>) -> Self {
        self.0.client = client.map(link);
        self
    }

    /// Says where the page is that led here.
    pub(crate) fn again(mut self, page: impl Into<String>) -> Self {
        self.0.again = Some(page.into());
        self
    }
}

/// A client's site is where its redirect URIs are. A native app has none.
fn link(client: &Client) -> ClientLink {
    let site = |uri: &str| {
        let native = client.kind == ClientKind::Public && uri.starts_with("http://");
        let end = uri.find("://")? + "://".len() + host(uri).len();
        (is_web(uri) && !native).then(|| format!("{}/", &uri[..end]))
    };
    let mut uris = client.redirect_uris.iter();
    ClientLink {
        name: client.name.clone(),
        address: uris.find_map(|it| site(it.as_str())),
    }
}

/// Says when to come again (RFC 6585 4).
pub(crate) fn too_many(wait: TimeDelta) -> HttpResponse {
    let mut response = error(ErrorCause::TooMany);
    let seconds = wait.num_seconds().max(0) + 1;
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

impl fmt::Display for PageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.cause)
    }
}

impl ResponseError for PageFailure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.cause.status()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        let Problem {
            cause,
            client,
            again,
            request_id,
        } = self.0.as_ref().clone();
        if let Some(id) = request_id {
            context::is_about(id);
        }
        if matches!(cause, ErrorCause::Unavailable) {
            response.insert_header((RETRY_AFTER, "5"));
        }
        let page = ErrorPage {
            cause,
            client,
            again,
        };
        let html = page.render().unwrap_or_default();
        let mut response = response.content_type(ContentType::html()).body(html);
        response.extensions_mut().insert(self.0.as_ref().clone());
        response
    }
}

impl From<Failure> for PageFailure {
    fn from(failure: Failure) -> Self {
        measures::unanswered(&failure);
        ErrorCause::Unavailable.into()
    }
}

impl From<StoreError> for PageFailure {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl From<ErrorCause> for PageFailure {
    fn from(cause: ErrorCause) -> Self {
        Self::from(Problem {
            cause,
            client: None,
            again: None,
            request_id: None,
        })
    }
}

impl From<Problem> for PageFailure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<BodyError> for PageFailure {
    fn from(error: BodyError) -> Self {
        Self::from(match error {
            BodyError::TooLarge => ErrorCause::TooLarge,
            BodyError::Broken | BodyError::NotAForm => ErrorCause::BadRequest,
        })
    }
}

pub(crate) const fn cause(error: PageError) -> ErrorCause {
    match error {
        PageError::MissingClient => ErrorCause::MissingClient,
        PageError::UnknownClient => ErrorCause::UnknownClient,
        PageError::MissingRedirectUri => ErrorCause::MissingRedirectUri,
        PageError::UnregisteredRedirectUri => ErrorCause::UnregisteredRedirectUri,
        PageError::Repeated => ErrorCause::RepeatedParameter,
        PageError::Malformed => ErrorCause::MalformedParameter,
    }
}

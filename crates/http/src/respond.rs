//! What people get: pages and redirects.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, ContentType, HeaderValue, LOCATION, RETRY_AFTER},
    },
};
use alias_domain::{
    FormPost, PageError, Response, Secret,
    ports::{Failure, StoreError},
};
use askama::Template;
use chrono::TimeDelta;

use crate::{
    body::BodyError,
    headers, measures,
    pages::{ErrorCause, ErrorPage, FormPostField, FormPostPage},
};

/// A page could not be made: the store is away, or a request is refused with a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageFailure(ErrorCause);

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
        PageFailure(ErrorCause::Unavailable)
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

/// What a client is told, by the browser.
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
    if let Ok(policy) = headers::policy_of_form_post(callback).parse() {
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
    PageFailure(cause).error_response()
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
        write!(f, "{:?}", self.0)
    }
}

impl ResponseError for PageFailure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self.0, ErrorCause::Unavailable) {
            response.insert_header((RETRY_AFTER, "5"));
        }
        let html = ErrorPage { cause: self.0 }.render().unwrap_or_default();
        response.content_type(ContentType::html()).body(html)
    }
}

impl From<Failure> for PageFailure {
    fn from(failure: Failure) -> Self {
        measures::unanswered(&failure);
        Self(ErrorCause::Unavailable)
    }
}

impl From<StoreError> for PageFailure {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl From<ErrorCause> for PageFailure {
    fn from(cause: ErrorCause) -> Self {
        Self(cause)
    }
}

impl From<BodyError> for PageFailure {
    fn from(error: BodyError) -> Self {
        Self(match error {
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

//! Form bodies, of bounded size and read strictly.

use actix_web::{
    HttpRequest,
    error::PayloadError,
    http::header::CONTENT_TYPE,
    web::{Bytes, Payload},
};
use alias_domain::Params;

use crate::{connections::LONGEST, encoding, paths::MAX_ADDRESS_BYTES};

/// The longest query that a browser is sent to, in bytes: with its path, it is no longer than an
/// address may be.
const LONGEST_QUERY: usize = MAX_ADDRESS_BYTES - 64;

/// Why a body is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    Broken,
    NotAForm,
}

/// The body, which has arrived.
pub(crate) async fn bytes(payload: Payload) -> Result<Bytes, BodyError> {
    match payload.to_bytes_limited(LONGEST).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if matches!(error.as_error(), Some(PayloadError::Overflow)) => {
            Err(BodyError::TooLarge)
        }
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::TooLarge),
    }
}

/// The body as the query of an address to redirect to. It may be longer than the body was, for what
/// is no ASCII there takes three bytes for one.
pub(crate) async fn query(request: &HttpRequest, payload: Payload) -> Result<String, BodyError> {
    let query = encoded(request, payload).await?;
    if query.len() > LONGEST_QUERY {
        return Err(BodyError::TooLarge);
    }
    Ok(query)
}

pub(crate) async fn form(request: &HttpRequest, payload: Payload) -> Result<Params, BodyError> {
    Ok(Params::parse(&encoded(request, payload).await?))
}

async fn encoded(request: &HttpRequest, payload: Payload) -> Result<String, BodyError> {
    let bytes = bytes(payload).await?;
    if !is_form(request) {
        return Err(BodyError::NotAForm);
    }
    Ok(encoding::addressable(&bytes))
}

fn is_form(request: &HttpRequest) -> bool {
    let header = request.headers().get(CONTENT_TYPE);
    let media_type = header.and_then(|it| it.to_str().ok()).unwrap_or("");
    let media_type = media_type.split(';').next().unwrap_or("").trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

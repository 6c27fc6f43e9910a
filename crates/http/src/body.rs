//! Form bodies, of bounded size and read strictly.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    rt::time::timeout,
    web::{Bytes, Payload},
};
use alias_domain::Params;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use crate::address;

/// The longest body that is read, in bytes.
pub(crate) const LONGEST: usize = 64 * 1024;

/// The longest query that a browser is sent to, in bytes: with its path, it is no longer than an
/// address may be.
const LONGEST_QUERY: usize = address::MAX_BYTES - 64;

/// Why a body is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    Broken,
    NotAForm,
}

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn bytes(request: &HttpRequest, payload: Payload) -> Result<Bytes, BodyError> {
    let announced = request.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|it| it > LONGEST as u64) {
        return Err(BodyError::TooLarge);
    }
    match timeout(PATIENCE, payload.to_bytes_limited(LONGEST)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Err(_)) => Err(BodyError::TooLarge),
        Err(_) | Ok(Ok(Err(_))) => Err(BodyError::Broken),
    }
}

/// A query string as an address can have it: what is no ASCII in it is percent-encoded, to be judged
/// with the parameter that it belongs to.
pub(crate) fn addressable(query: &[u8]) -> String {
    const UNSAFE: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'<')
        .add(b'>')
        .add(b'`');
    percent_encode(query, UNSAFE).to_string()
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
    // Read first: a connection is not left with half a body.
    let bytes = bytes(request, payload).await?;
    if !is_form(request) {
        return Err(BodyError::NotAForm);
    }
    Ok(addressable(&bytes))
}

fn is_form(request: &HttpRequest) -> bool {
    let header = request.headers().get(CONTENT_TYPE);
    let media_type = header.and_then(|it| it.to_str().ok()).unwrap_or("");
    let media_type = media_type.split(';').next().unwrap_or("").trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

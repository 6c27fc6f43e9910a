//! Form bodies, of bounded size and read strictly.

use actix_web::{
    HttpRequest,
    http::header::CONTENT_TYPE,
    web::{Bytes, Payload},
};
use alias_domain::Params;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// The longest body that is read, in bytes.
pub(crate) const LONGEST: usize = 64 * 1024;

/// Why a body is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    Broken,
    NotAForm,
}

pub(crate) async fn bytes(payload: Payload) -> Result<Bytes, BodyError> {
    match payload.to_bytes_limited(LONGEST).await {
        Err(_) => Err(BodyError::TooLarge),
        Ok(Err(_)) => Err(BodyError::Broken),
        Ok(Ok(bytes)) => Ok(bytes),
    }
}

/// The body as a query string: what is no ASCII in it is percent-encoded, to be judged with the
/// parameter that it belongs to.
pub(crate) async fn query(request: &HttpRequest, payload: Payload) -> Result<String, BodyError> {
    const UNSAFE: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'<')
        .add(b'>')
        .add(b'`');
    // Read first: a connection is not left with half a body.
    let bytes = bytes(payload).await?;
    if !is_form(request) {
        return Err(BodyError::NotAForm);
    }
    Ok(percent_encode(&bytes, UNSAFE).to_string())
}

pub(crate) async fn form(request: &HttpRequest, payload: Payload) -> Result<Params, BodyError> {
    Ok(Params::parse(&query(request, payload).await?))
}

fn is_form(request: &HttpRequest) -> bool {
    let header = request.headers().get(CONTENT_TYPE);
    let media_type = header.and_then(|it| it.to_str().ok()).unwrap_or("");
    let media_type = media_type.split(';').next().unwrap_or("").trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

//! The address of a request, as it was sent, is of bounded length.

use actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

use crate::{
    api,
    pages::ErrorCause,
    paths::{self, MAX_ADDRESS_BYTES},
    respond,
};

/// Answers 414 (RFC 9110 15.5.15) where the address is longer.
pub(crate) async fn bounded(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let length = request
        .uri()
        .path_and_query()
        .map_or(0, |it| it.as_str().len());
    if length <= MAX_ADDRESS_BYTES {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let refused = too_long(request.path());
    Ok(request.into_response(refused).map_into_right_body())
}

fn too_long(path: &str) -> HttpResponse {
    match paths::is_for_programs(path) {
        true => api::address_too_long(),
        false => respond::error(ErrorCause::AddressTooLong),
    }
}

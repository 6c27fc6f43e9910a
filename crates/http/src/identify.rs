//! Gives each request its context, and each answer the ID of its request.

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};
use tracing_actix_web::RequestId;

use crate::{
    context::{self, Context},
    forwarded,
    quota::Quota,
    refusal,
};

/// Gives the request its context, and its answer the ID.
pub(crate) async fn requests(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = request.extensions().get::<RequestId>().copied();
    let Some(id) = id else {
        return answered(request, next).await;
    };
    let source = forwarded::source(request.request());
    let quota = request.app_data::<Data<Quota>>().cloned();
    let context = Context::new(id, source, quota.unwrap_or_default());
    context.run(answered(request, next)).await
}

async fn answered(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    context::identify(response.headers_mut());
    refusal::answered(response.status());
    Ok(response)
}

//! Bodies, read before anything is done with their requests.

use std::rc::Rc;

use actix_http::error::PayloadError;
use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    },
    middleware::Next,
    rt::time::timeout,
    web::{Bytes, BytesMut},
};
use futures_util::{StreamExt, future::ready, stream::once};

use super::{Bounds, watch::Watch};

/// The longest body that is read, in bytes.
pub(crate) const LONGEST: usize = 64 * 1024;

/// Waits for the whole body, so that a request that is being answered awaits nothing from its peer.
/// An answer to a request whose body did not arrive, or is not read, ends the connection: what comes
/// next there is no request.
pub(crate) async fn whole(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut turn = Turn::begun(&request);
    match request.take_payload() {
        Payload::None => {}
        sent => {
            let body = arrived(&request, sent, &turn).await;
            turn.whole = body.is_ok();
            request.set_payload(match body {
                Ok(bytes) => Payload::from(bytes),
                Err(error) => Payload::Stream {
                    payload: Box::pin(once(ready(Err(error)))),
                },
            });
        }
    }
    turn.serves();
    let mut response = next.call(request).await?;
    if !turn.whole {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

async fn arrived(
    request: &ServiceRequest,
    mut sent: Payload,
    turn: &Turn,
) -> Result<Bytes, PayloadError> {
    let headers = request.headers();
    let announced = headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|it| it > LONGEST) {
        return Err(PayloadError::Overflow);
    }
    // CONNECT and upgrades have no body: what follows is another protocol, which is not spoken.
    if announced.is_none() && !headers.contains_key(TRANSFER_ENCODING) {
        return Err(PayloadError::Incomplete(None));
    }
    turn.awaits_body();
    let collected = async {
        let mut body = BytesMut::with_capacity(announced.unwrap_or_default());
        while let Some(chunk) = sent.next().await {
            let chunk = chunk?;
            if body.len() + chunk.len() > LONGEST {
                return Err(PayloadError::Overflow);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let patience = turn.watch.as_ref().map(|it| it.bounds().body);
    let in_time = timeout(patience.unwrap_or(Bounds::default().body), collected).await;
    in_time.unwrap_or(Err(PayloadError::Incomplete(None)))
}

/// One request's turn on its connection; given up, it ends too.
struct Turn {
    /// A request that came from no connection is of no concern to any.
    watch: Option<Rc<Watch>>,
    whole: bool,
}

impl Turn {
    fn begun(request: &ServiceRequest) -> Self {
        Self {
            watch: request.conn_data::<Rc<Watch>>().cloned(),
            whole: true,
        }
    }

    fn awaits_body(&self) {
        if let Some(watch) = &self.watch {
            watch.awaits_body();
        }
    }

    fn serves(&self) {
        if let Some(watch) = &self.watch {
            watch.serves();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.served(self.whole);
        }
    }
}

//! Token revocation (RFC 7009).

use actix_web::{HttpRequest, HttpResponse, web};
use alias_domain::{Client, Params, requested_token};

use crate::{
    api::{self, Answer},
    state::State,
};

/// Whatever the token was worth, afterwards it is worth nothing: the answer is the same.
pub(crate) async fn revoke(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Answer {
    let (client, form) = api::client_form(&request, payload, &state).await?;
    let revoked = revoked(&client, &form, &state).await;
    revoked.inspect_err(|refused| refused.log(Some(client.id)))
}

async fn revoked(client: &Client, form: &Params, state: &State) -> Answer {
    let token = requested_token(form)?;
    state.provider.revoke_token(client, &token).await??;
    Ok(HttpResponse::Ok().finish())
}

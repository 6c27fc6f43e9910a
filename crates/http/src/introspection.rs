//! Token introspection (RFC 7662).

use actix_web::{HttpRequest, HttpResponse, web};
use alias_domain::{Client, INVALID_CLIENT, Params, requested_token};
use serde_json::json;

use crate::{
    api::{self, Answer},
    state::State,
};

pub(crate) async fn introspect(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Answer {
    let (client, form) = api::client_form(&request, payload, &state).await?;
    let worth = worth(&client, &form, &state).await;
    worth.inspect_err(|refused| refused.log(Some(client.id)))
}

async fn worth(client: &Client, form: &Params, state: &State) -> Answer {
    if !client.may_introspect() {
        return Err(INVALID_CLIENT.because("a public client introspects").into());
    }
    let token = requested_token(form)?;
    let found = state
        .provider
        .introspect(client, &token, State::now())
        .await?;
    let Some(worth) = found else {
        return Ok(HttpResponse::Ok().json(json!({"active": false})));
    };
    let mut answer = json!({
        "active": true,
        "iss": state.provider.issuer(),
        "client_id": worth.client_id,
        "sub": worth.sub,
        "scope": worth.scope,
        "exp": worth.expires_at.timestamp(),
    });
    if let Some(channels) = worth.channels {
        answer["channels"] = json!(channels);
    }
    if let Some(issued_at) = worth.issued_at {
        answer["iat"] = json!(issued_at.timestamp());
        answer["token_type"] = json!("Bearer");
    }
    Ok(HttpResponse::Ok().json(answer))
}

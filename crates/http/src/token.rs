//! The token endpoint (RFC 6749 3.2).

use actix_web::{HttpRequest, HttpResponse, http::header::PRAGMA, web};
use alias_domain::{Client, Params, TokenRequest};

use crate::{
    api::{self, Answer},
    measures,
    state::State,
};

pub(crate) async fn token(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Answer {
    answer(&request, payload, &state)
        .await
        .inspect_err(|refusal| measures::tokens_refused(refusal.code()))
}

async fn answer(request: &HttpRequest, payload: web::Payload, state: &State) -> Answer {
    let (client, form) = api::client_form(request, payload, state).await?;
    let tokens = tokens(&client, &form, state).await;
    tokens.inspect_err(|refused| refused.log(Some(client.id)))
}

async fn tokens(client: &Client, form: &Params, state: &State) -> Answer {
    let request = TokenRequest::parse(form)?;
    let grant_type = measures::grant_type(&request);
    let response = state
        .provider
        .tokens(client, request, State::now())
        .await??;
    measures::tokens_issued(grant_type);
    Ok(HttpResponse::Ok()
        .insert_header((PRAGMA, "no-cache"))
        .json(response))
}

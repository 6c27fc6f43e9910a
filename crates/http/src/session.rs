//! Sessions for programs.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use alias_domain::{Secret, flows::SignIn, ports::Failure};
use serde::Deserialize;
use serde_json::json;

use crate::{
    api::{Answer, ApiError},
    body, guard, measures, presence,
    state::State,
    visitor::Arrival,
};

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

pub(crate) async fn begin(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Answer {
    // A page of another site could guess with its visitors' addresses, and have them banned.
    if !guard::is_own(&request, state.provider.issuer()) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "invalid_request",
            "a page of another site cannot sign anybody in here; send them to the authorization endpoint",
        ));
    }
    let body = body::bytes(payload).await?;
    let credentials: Credentials = serde_json::from_slice(&body).map_err(|_| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "the body must be {\"email\": …, \"password\": …} in JSON",
        )
    })?;
    let password = Secret::new(credentials.password);
    let signed_in = state
        .provider
        .sign_in(
            &credentials.email,
            &password,
            &[],
            presence::gone(&request),
            State::now(),
        )
        .await?;
    measures::sign_in(&signed_in);
    match signed_in {
        SignIn::Done(it) => Ok(HttpResponse::Ok().json(json!({
            "access_token": it.token.expose(),
            "token_type": "Bearer",
            "expires_in": it.expires_in,
        }))),
        SignIn::Refused(_) => Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "invalid_credentials",
            "the email address or the password is wrong",
        )),
        SignIn::Abandoned => Err(Failure::Busy.into()),
    }
}

pub(crate) async fn end(request: HttpRequest, state: web::Data<State>) -> Answer {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    if !guard::is_own(&request, state.provider.issuer()) {
        return Err(ApiError::foreign());
    }
    let session = arrival
        .present
        .latest()
        .ok_or_else(ApiError::unauthenticated)?;
    state.provider.sign_out(session.id).await?;
    Ok(HttpResponse::NoContent().finish())
}

//! A user's connections, for programs that act for the user.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use alias_domain::{Revocation, RevocationError, Session, flows::ConnectedClient};
use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::{
    api::{Answer, ApiError},
    guard,
    state::State,
    visitor::Arrival,
};

async fn signed_in(request: &HttpRequest, state: &State) -> Result<Session, ApiError> {
    let arrival = Arrival::of(request, state, State::now()).await?;
    let session = arrival.present.latest().cloned();
    session.ok_or_else(ApiError::unauthenticated)
}

pub(crate) async fn list(request: HttpRequest, state: web::Data<State>) -> Answer {
    let session = signed_in(&request, &state).await?;
    let connected = state.provider.connected_clients(session.user.id).await?;
    let grants: Vec<Value> = connected.iter().map(view).collect();
    Ok(HttpResponse::Ok().json(json!({"grants": grants})))
}

fn view(connected: &ConnectedClient) -> Value {
    let scopes: Vec<&str> = connected.scopes.iter().map(|it| it.name()).collect();
    json!({
        "client_id": connected.client.id,
        "client_name": connected.client.name,
        "alias_id": connected.alias_id,
        "scopes": scopes,
        "channels": connected.channels,
        "granted_at": connected.granted_at.to_rfc3339_opts(SecondsFormat::Secs, true),
    })
}

const NOT_GRANTED: ApiError = ApiError::not_found("this was not granted");

pub(crate) async fn disconnect(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Answer {
    revoke(&request, &state, &path, &Revocation::Disconnect).await
}

pub(crate) async fn revoke_scope(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
) -> Answer {
    let (client, scope) = path.into_inner();
    // Who is signed in is told first: what exists is nobody else's business.
    signed_in(&request, &state).await?;
    let scope = scope.parse().map_err(|_| NOT_GRANTED)?;
    revoke(&request, &state, &client, &Revocation::Scope(scope)).await
}

pub(crate) async fn revoke_channel(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
) -> Answer {
    let (client, channel) = path.into_inner();
    revoke(&request, &state, &client, &Revocation::Channel(channel)).await
}

async fn revoke(
    request: &HttpRequest,
    state: &State,
    client: &str,
    revocation: &Revocation,
) -> Answer {
    let session = signed_in(request, state).await?;
    if !guard::is_own(request, state.provider.issuer()) {
        return Err(ApiError::foreign());
    }
    let client = client.parse().map_err(|_| NOT_GRANTED)?;
    let answer = state
        .provider
        .revoke(session.user.id, client, revocation, State::now())
        .await?;
    match answer {
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
        Err(RevocationError::NotGranted) => Err(NOT_GRANTED),
        Err(RevocationError::MetaAlone) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "conflict",
            "_meta is part of contact and cannot be revoked alone",
        )),
    }
}

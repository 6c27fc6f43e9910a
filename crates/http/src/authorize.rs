//! The authorization endpoint (RFC 6749 3.1, OIDC Core 3.1.2.1).

use actix_web::{HttpRequest, web};
use alias_domain::{Params, requested_client};

use crate::{
    body, interaction,
    respond::{Page, see_other},
    routes::AUTHORIZE,
    server::State,
    visitor::Arrival,
};

pub(crate) async fn get(request: HttpRequest, state: web::Data<State>) -> Page {
    let now = State::now();
    let params = Params::parse(request.query_string());
    let client = requested_client(&params).ok();
    let arrival = Arrival::asked_by(client, &request, &state, now).await?;
    let outcome = state
        .provider
        .authorize(&params, &arrival.present, now)
        .await?;
    Ok(arrival.remember(&state, interaction::towards(&outcome)?))
}

/// A cross-site POST brings no `SameSite` cookie, so it comes again as a GET.
pub(crate) async fn post(request: HttpRequest, payload: web::Payload) -> Page {
    let query = body::query(&request, payload).await?;
    Ok(see_other(&format!("{AUTHORIZE}?{query}")))
}

//! The authorization endpoint (RFC 6749 3.1, OIDC Core 3.1.2.1).

use actix_web::{HttpRequest, web};
use alias_domain::{Params, flows::Outcome};

use crate::{
    body, interaction,
    paths::AUTHORIZE,
    refusal,
    respond::{self, Page, see_other},
    state::State,
    visitor::Browser,
};

pub(crate) async fn get(request: HttpRequest, state: web::Data<State>) -> Page {
    let now = State::now();
    let params = Params::parse(request.query_string());
    let browser = Browser::of(&request, &state);
    let outcome = state
        .provider
        .authorize(&params, &browser.visitor, now)
        .await?;
    match &outcome {
        Outcome::Page(fault, _) => refusal::of_request(fault, &params),
        Outcome::Refuse(refused) => refusal::of_authorization(refused),
        _ => {}
    }
    // No form of ours comes before this.
    let response = match &outcome {
        Outcome::Respond(response) => respond::respond(response)?,
        Outcome::Refuse(refused) => respond::respond(&refused.response)?,
        outcome => interaction::towards(&request, outcome)?,
    };
    Ok(browser.remember(&state, response))
}

/// A cross-site POST brings no `SameSite` cookie, so it comes again as a GET.
pub(crate) async fn post(request: HttpRequest, payload: web::Payload) -> Page {
    let query = body::query(&request, payload).await?;
    Ok(see_other(&format!("{AUTHORIZE}?{query}")))
}

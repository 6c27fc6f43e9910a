//! The userinfo endpoint (OIDC Core 5.3).

use actix_web::{HttpRequest, HttpResponse, web};
use alias_domain::{Params, Secret, bearer_token};

use crate::{
    api::{Answer, ApiError},
    body::{self, BodyError},
    state::State,
    visitor::bearer,
};

pub(crate) async fn get(request: HttpRequest, state: web::Data<State>) -> Answer {
    answer(&state, bearer(&request)).await
}

pub(crate) async fn post(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Answer {
    let body = match body::form(&request, payload).await {
        Ok(form) => form,
        Err(BodyError::NotAForm) => Params::default(),
        Err(error) => return Err(error.into()),
    };
    answer(&state, bearer_token(bearer(&request), &body)?).await
}

async fn answer(state: &State, token: Option<Secret>) -> Answer {
    let token = token.ok_or_else(ApiError::unauthenticated)?;
    let info = state
        .provider
        .user_info(token.expose(), State::now())
        .await?
        .ok_or_else(ApiError::invalid_token)
        .inspect_err(|refused| refused.log(None))?;
    Ok(HttpResponse::Ok().json(info))
}

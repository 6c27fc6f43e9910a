//! The userinfo endpoint (OIDC Core 5.3).

use actix_web::{HttpRequest, HttpResponse, web};
use alias_domain::{ErrorCode, RequestError, Secret};
use serde_json::json;

use crate::{
    api::{Answer, ApiError},
    body::{self, BodyError},
    server::State,
    visitor::bearer,
};

pub(crate) async fn get(request: HttpRequest, state: web::Data<State>) -> Answer {
    answer(&state, bearer(&request)).await
}

/// The token is in the header or in the body, and not in both (RFC 6750 2).
pub(crate) async fn post(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Answer {
    let in_body = match body::form(&request, payload).await {
        Ok(form) => form
            .one("access_token")
            .map_err(RequestError::from)?
            .map(|it| Secret::new(it.to_owned())),
        Err(BodyError::NotAForm) => None,
        Err(error) => return Err(error.into()),
    };
    let token = match (bearer(&request), in_body) {
        (Some(_), Some(_)) => {
            return Err(
                RequestError::new(ErrorCode::InvalidRequest, "two tokens were sent").into(),
            );
        }
        (header, body) => header.or(body),
    };
    answer(&state, token).await
}

async fn answer(state: &State, token: Option<Secret>) -> Answer {
    let token = token.ok_or_else(ApiError::unauthenticated)?;
    let info = state
        .provider
        .user_info(token.expose(), State::now())
        .await?
        .ok_or_else(ApiError::invalid_token)?;
    let mut claims = json!({"sub": info.sub});
    if let Some(nickname) = info.nickname {
        claims["nickname"] = json!(nickname);
    }
    Ok(HttpResponse::Ok().json(claims))
}

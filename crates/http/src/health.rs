//! Health: the process, and the process with its database.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::{api::Answer, server::State};

pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "live"}))
}

pub(crate) async fn ready(state: web::Data<State>) -> Answer {
    state.provider.store().ping().await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ready"})))
}

//! Health: the process, and the process with its database. And what is measured of it.

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_TYPE, RETRY_AFTER},
    web::Data,
};
use alias_domain::ports::StoreError;
use serde_json::{Value, json};

use crate::{
    door::{Door, Readiness},
    measures::{self, Exposition},
    state::State,
};

pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "live"}))
}

/// Whether requests should come here and, if not, why not. A store's error holds no secrets.
pub(crate) async fn ready(door: Data<Door>) -> HttpResponse {
    match door.readiness().as_ref() {
        Readiness::Starting { reason } => {
            not_ready(&json!({"status": "starting", "reason": reason}))
        }
        Readiness::Stopping(_) => not_ready(&json!({"status": "stopping"})),
        Readiness::Ready(state) => match pulse(state).await {
            Ok(()) => HttpResponse::Ok().json(json!({"status": "ready"})),
            Err(error) => {
                measures::unanswered(&error.clone().into());
                not_ready(&json!({"status": "unavailable", "reason": error.to_string()}))
            }
        },
    }
}

/// Whether a request that writes would succeed.
async fn pulse(state: &Data<State>) -> Result<(), StoreError> {
    let provider = state.provider.clone();
    let commit = async move { provider.store().ping().await };
    state.pulse.of(commit).await
}

fn not_ready(why: &Value) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .insert_header((RETRY_AFTER, "5"))
        .json(why)
}

/// Everything that was measured, in Prometheus' text format.
pub(crate) async fn metrics(exposition: Data<Exposition>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(exposition())
}

//! What clients find out by themselves (OIDC Discovery 4, RFC 8414). Public, cacheable, and open
//! to scripts of other origins; none of it asks the store.

use actix_web::{HttpResponse, http::header::CACHE_CONTROL, web};
use alias_domain::{Assurance, ResponseMode, Scope, SigningAlgorithm};
use serde_json::{Value, json};

use crate::{
    pages,
    paths::{AUTHORIZE, END_SESSION, INTROSPECTION, KEY_SET, REVOCATION, TOKEN, USERINFO},
    state::State,
};

/// For how many seconds a discovery document may be kept: it changes with the program alone.
const DOCUMENT_MAX_AGE: i64 = 300;

pub(crate) async fn openid(state: web::Data<State>) -> HttpResponse {
    let mut document = common(&state);
    document["userinfo_endpoint"] = json!(at(&state, USERINFO));
    document["end_session_endpoint"] = json!(at(&state, END_SESSION));
    document["backchannel_logout_supported"] = json!(true);
    document["backchannel_logout_session_supported"] = json!(true);
    document["subject_types_supported"] = json!(["pairwise"]);
    document["id_token_signing_alg_values_supported"] = json!(SigningAlgorithm::ALL);
    document["claim_types_supported"] = json!(["normal"]);
    // Not what an operator gives to single clients (R35): a list may leave out (OIDC Discovery 3), and
    // who reads `name` here takes it for everybody's.
    document["claims_supported"] = json!([
        "iss",
        "sub",
        "aud",
        "iat",
        "exp",
        "jti",
        "nonce",
        "at_hash",
        "auth_time",
        "acr",
        "amr",
        "nickname",
        "sid"
    ]);
    document["acr_values_supported"] = json!(Assurance::ALL.map(Assurance::acr));
    // One page serves every kind of display: a single column, without scripts, in one language.
    document["display_values_supported"] = json!(["page", "popup", "touch", "wap"]);
    document["ui_locales_supported"] = json!([pages::LANGUAGE]);
    document["claims_parameter_supported"] = json!(true);
    document["request_parameter_supported"] = json!(false);
    document["request_uri_parameter_supported"] = json!(false);
    document["prompt_values_supported"] = json!(["none", "login", "consent", "select_account"]);
    public(&document, DOCUMENT_MAX_AGE)
}

pub(crate) async fn oauth(state: web::Data<State>) -> HttpResponse {
    public(&common(&state), DOCUMENT_MAX_AGE)
}

pub(crate) async fn key_set(state: web::Data<State>) -> HttpResponse {
    public(&(state.key_set.present)(), state.key_set.max_age)
}

fn common(state: &State) -> Value {
    let secret = ["client_secret_basic", "client_secret_post"];
    let secret_or_none = ["client_secret_basic", "client_secret_post", "none"];
    json!({
        "issuer": state.provider.issuer(),
        "authorization_endpoint": at(state, AUTHORIZE),
        "token_endpoint": at(state, TOKEN),
        "jwks_uri": at(state, KEY_SET),
        "revocation_endpoint": at(state, REVOCATION),
        "introspection_endpoint": at(state, INTROSPECTION),
        "scopes_supported": Scope::ALL.map(Scope::name),
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::ALL.map(ResponseMode::name),
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": secret_or_none,
        "revocation_endpoint_auth_methods_supported": secret_or_none,
        "introspection_endpoint_auth_methods_supported": secret,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}

fn at(state: &State, path: &str) -> String {
    format!("{}{path}", state.provider.issuer())
}

fn public(document: &Value, max_age: i64) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, format!("public, max-age={max_age}")))
        .json(document)
}

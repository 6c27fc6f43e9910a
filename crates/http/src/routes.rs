//! Every address of the service, in one place.

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    web::{self, ServiceConfig, delete, get, post},
};

use crate::{
    account, api, authorize, consent, discovery, grants, health, interaction, introspection,
    pages::{self, ErrorCause},
    respond, revocation, session, sign_in, token, userinfo,
};

pub(crate) const AUTHORIZE: &str = "/oauth2/authorize";
pub(crate) const TOKEN: &str = "/api/oauth2/token";
pub(crate) const USERINFO: &str = "/api/oauth2/userinfo";
pub(crate) const REVOCATION: &str = "/api/oauth2/revoke";
pub(crate) const INTROSPECTION: &str = "/api/oauth2/introspect";
pub(crate) const KEY_SET: &str = "/.well-known/jwks.json";
pub(crate) const ACCOUNT: &str = "/account";
pub(crate) const SIGN_IN: &str = "/sign-in";

pub(crate) fn configure(config: &mut ServiceConfig) {
    let page = |path: &str| web::resource(path).default_service(web::to(page_method));
    let program = |path: &str| web::resource(path).default_service(web::to(api_method));
    config
        .service(
            page(AUTHORIZE)
                .route(get().to(authorize::get))
                .route(post().to(authorize::post)),
        )
        .service(page("/interaction/{id}").route(get().to(interaction::show)))
        .service(
            page("/interaction/{id}/sign-in")
                .route(get().to(interaction::sign_in_page))
                .route(post().to(interaction::sign_in)),
        )
        .service(
            page("/interaction/{id}/account")
                .route(get().to(interaction::choose_page))
                .route(post().to(interaction::choose)),
        )
        .service(
            page("/interaction/{id}/consent")
                .route(get().to(consent::page))
                .route(post().to(consent::answer)),
        )
        .service(
            page(SIGN_IN)
                .route(get().to(sign_in::page))
                .route(post().to(sign_in::submit)),
        )
        .service(page("/sign-out").route(post().to(account::sign_out)))
        .service(page(ACCOUNT).route(get().to(account::page)))
        .service(page("/account/revoke").route(post().to(account::revoke)))
        .service(page("/account/disconnect").route(post().to(account::disconnect)))
        .service(program(TOKEN).route(post().to(token::token)))
        .service(
            program(USERINFO)
                .route(get().to(userinfo::get))
                .route(post().to(userinfo::post)),
        )
        .service(program(REVOCATION).route(post().to(revocation::revoke)))
        .service(program(INTROSPECTION).route(post().to(introspection::introspect)))
        .service(
            program("/api/session")
                .route(post().to(session::begin))
                .route(delete().to(session::end)),
        )
        .service(program("/api/grants").route(get().to(grants::list)))
        .service(program("/api/grants/{client}").route(delete().to(grants::disconnect)))
        .service(
            program("/api/grants/{client}/scopes/{scope}").route(delete().to(grants::revoke_scope)),
        )
        .service(
            program("/api/grants/{client}/channels/{channel}")
                .route(delete().to(grants::revoke_channel)),
        )
        .service(program("/.well-known/openid-configuration").route(get().to(discovery::openid)))
        .service(
            program("/.well-known/oauth-authorization-server").route(get().to(discovery::oauth)),
        )
        .service(program(KEY_SET).route(get().to(discovery::key_set)))
        .service(program("/livez").route(get().to(health::live)))
        .service(program("/readyz").route(get().to(health::ready)))
        .service(page("/").route(get().to(home)));
    for asset in pages::assets() {
        config.route(
            asset.path,
            get().to(move || async move {
                HttpResponse::Ok()
                    .insert_header((CONTENT_TYPE, asset.content_type))
                    .insert_header((CACHE_CONTROL, "public, max-age=3600"))
                    .body(asset.bytes)
            }),
        );
    }
    config
        .service(web::scope("/api").default_service(web::to(api::not_found)))
        .default_service(web::to(page_not_found));
}

/// Whoever opens the service itself wants to see their account.
async fn home() -> HttpResponse {
    respond::see_other(ACCOUNT)
}

async fn page_not_found() -> HttpResponse {
    respond::error(ErrorCause::NotFound)
}

async fn page_method() -> HttpResponse {
    respond::error(ErrorCause::MethodNotAllowed)
}

async fn api_method() -> HttpResponse {
    api::method_not_allowed()
}

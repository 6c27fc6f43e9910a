//! Which handler answers at which address.

use actix_web::{
    HttpResponse, Resource, Route, guard,
    http::Method,
    http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
    middleware::from_fn,
    web::{self, ServiceConfig, delete, post},
};

use crate::{
    account, api, authorize, consent, cors, discovery, door, grants, health, interaction,
    introspection, logout,
    pages::{self, ErrorCause},
    paths::{
        ACCOUNT, AUTHORIZE, END_SESSION, INTROSPECTION, KEY_SET, OAUTH_SERVER,
        OPENID_CONFIGURATION, PROBLEM, REVOCATION, SIGN_IN, SIGN_OUT, SIGNED_OUT, TOKEN, USERINFO,
    },
    problem, respond, revocation, session, sign_in, token, userinfo,
};

/// The public address. What its pages look like is there before what is on them.
pub(crate) fn public(config: &mut ServiceConfig, health: bool) {
    for asset in pages::assets() {
        config.route(
            asset.path,
            readable().to(move || async move {
                HttpResponse::Ok()
                    .insert_header((CONTENT_TYPE, asset.content_type))
                    .insert_header((CACHE_CONTROL, "public, max-age=3600"))
                    .body(asset.bytes)
            }),
        );
    }
    if health {
        self::health(config);
    }
    let behind_the_door = web::scope("")
        .wrap(from_fn(problem::by_get))
        .wrap(from_fn(door::enter));
    config.service(behind_the_door.configure(served));
}

/// The address for those who watch the node.
pub(crate) fn internal(config: &mut ServiceConfig) {
    health(config);
    config
        .service(program("/metrics", "GET, HEAD").route(readable().to(health::metrics)))
        .default_service(web::to(api::not_found));
}

fn health(config: &mut ServiceConfig) {
    config
        .service(program("/livez", "GET, HEAD").route(readable().to(health::live)))
        .service(program("/readyz", "GET, HEAD").route(readable().to(health::ready)));
}

/// An address is looked up in this order, so what is asked for most is first.
fn served(config: &mut ServiceConfig) {
    config
        .service(open(TOKEN, "POST, OPTIONS").route(post().to(token::token)))
        .service(
            open(USERINFO, "GET, HEAD, POST, OPTIONS")
                .route(readable().to(userinfo::get))
                .route(post().to(userinfo::post)),
        )
        .service(open(REVOCATION, "POST, OPTIONS").route(post().to(revocation::revoke)))
        .service(program(INTROSPECTION, "POST").route(post().to(introspection::introspect)))
        .service(
            page(AUTHORIZE, "GET, HEAD, POST")
                .route(readable().to(authorize::get))
                .route(post().to(authorize::post)),
        )
        .service(
            open(OPENID_CONFIGURATION, "GET, HEAD, OPTIONS")
                .route(readable().to(discovery::openid)),
        )
        .service(open(OAUTH_SERVER, "GET, HEAD, OPTIONS").route(readable().to(discovery::oauth)))
        .service(open(KEY_SET, "GET, HEAD, OPTIONS").route(readable().to(discovery::key_set)));
    config
        .service(page("/interaction/{id}", "GET, HEAD").route(readable().to(interaction::show)))
        .service(
            page("/interaction/{id}/sign-in", "GET, HEAD, POST")
                .route(readable().to(interaction::sign_in_page))
                .route(post().to(interaction::sign_in)),
        )
        .service(
            page("/interaction/{id}/account", "GET, HEAD, POST")
                .route(readable().to(interaction::choose_page))
                .route(post().to(interaction::choose)),
        )
        .service(
            page("/interaction/{id}/consent", "GET, HEAD, POST")
                .route(readable().to(consent::page))
                .route(post().to(consent::answer)),
        )
        .service(
            page(SIGN_IN, "GET, HEAD, POST")
                .route(readable().to(sign_in::page))
                .route(post().to(sign_in::submit)),
        )
        .service(
            page(END_SESSION, "GET, HEAD, POST")
                .route(readable().to(logout::get))
                .route(post().to(logout::post)),
        )
        .service(
            page(SIGN_OUT, "GET, HEAD, POST")
                .route(readable().to(logout::page))
                .route(post().to(logout::answer)),
        )
        .service(page(PROBLEM, "GET, HEAD").route(readable().to(problem::page)))
        .service(page(SIGNED_OUT, "GET, HEAD").route(readable().to(logout::signed_out)))
        .service(page("/sign-out", "POST").route(post().to(account::sign_out)))
        .service(page(ACCOUNT, "GET, HEAD").route(readable().to(account::page)))
        .service(page("/account/revoke", "POST").route(post().to(account::revoke)))
        .service(page("/account/disconnect", "POST").route(post().to(account::disconnect)))
        .service(
            program("/api/session", "POST, DELETE")
                .route(post().to(session::begin))
                .route(delete().to(session::end)),
        )
        .service(program("/api/grants", "GET, HEAD").route(readable().to(grants::list)))
        .service(program("/api/grants/{client}", "DELETE").route(delete().to(grants::disconnect)))
        .service(
            program("/api/grants/{client}/scopes/{scope}", "DELETE")
                .route(delete().to(grants::revoke_scope)),
        )
        .service(
            program("/api/grants/{client}/channels/{channel}", "DELETE")
                .route(delete().to(grants::revoke_channel)),
        )
        .service(page("/", "GET, HEAD").route(readable().to(home)))
        .service(web::scope("/api").default_service(web::to(api::not_found)))
        .default_service(web::to(page_not_found));
}

/// An address for people.
fn page(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        allowing(methods, respond::error(ErrorCause::MethodNotAllowed))
    }))
}

/// An address for programs.
fn program(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        allowing(methods, api::method_not_allowed())
    }))
}

/// An address for programs, among them the scripts of pages at other origins.
fn open(path: &str, methods: &'static str) -> Resource {
    let preflight = move || async move { cors::preflight(methods) };
    program(path, methods).route(web::method(Method::OPTIONS).to(preflight))
}

/// HEAD is there wherever GET is (RFC 9110 9.1).
fn readable() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Whoever opens the service itself wants to see their account.
async fn home() -> HttpResponse {
    respond::see_other(ACCOUNT)
}

async fn page_not_found() -> HttpResponse {
    respond::error(ErrorCause::NotFound)
}

/// RFC 9110 15.5.6: a 405 names the methods that there are.
fn allowing(methods: &'static str, mut response: HttpResponse) -> HttpResponse {
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(methods));
    response
}

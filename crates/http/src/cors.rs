//! Scripts of pages at other origins (CORS). What needs no cookie is open to all of them, and none gets
//! an answer that depends on one: credentials of a browser are not admitted.

use actix_web::{
    HttpResponse,
    http::header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, HeaderMap,
        HeaderValue,
    },
};

use crate::paths;

/// Where scripts of other origins may ask.
const OPEN: [&str; 6] = [
    paths::TOKEN,
    paths::USERINFO,
    paths::REVOCATION,
    paths::OPENID_CONFIGURATION,
    paths::OAUTH_SERVER,
    paths::KEY_SET,
];

/// For how many seconds a browser may keep the answer to a preflight: as long as Chromium does.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Whether scripts of other origins may ask there.
pub(crate) fn is_open(path: &str) -> bool {
    OPEN.contains(&path)
}

/// Lets them read an answer, whatever it is: an error, too, is for their developer.
pub(crate) fn let_read(headers: &mut HeaderMap) {
    let any = HeaderValue::from_static("*");
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, any.clone());
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, any);
}

/// Answers the question that a browser asks before it lets a script ask (Fetch 3.2.2).
pub(crate) fn preflight(methods: &'static str) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ALLOW, methods))
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods))
        // `*` does not stand for `Authorization`.
        .insert_header((
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, *",
        ))
        .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE))
        .insert_header((CACHE_CONTROL, "public, max-age=7200"))
        .finish()
}

use std::sync::LazyLock;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue,
        REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
    middleware::Next,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::sha::sha256;

use crate::{cors, pages::FormPostPage};

/// What every response says, unless its handler said otherwise.
const DEFAULTS: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // For browsers that do not know `frame-ancestors` (RFC 9700 4.16).
    (X_FRAME_OPTIONS, "DENY"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
];

/// That the issuer is `https`.
#[derive(Clone, Copy)]
pub(crate) struct Https;

/// For a year, this host is to be asked by `https` alone (RFC 6797). The hosts below it are others'
/// to decide about.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds the headers that no response may lack.
pub(crate) async fn add(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let https = request.app_data::<Https>().is_some();
    let open = cors::is_open(request.path());
    let mut response = next.call(request).await?;
    complete(response.headers_mut());
    if open {
        cors::let_read(response.headers_mut());
    }
    if https {
        let headers = response.headers_mut();
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    Ok(response)
}

/// Adds what is missing of them.
pub(crate) fn complete(headers: &mut HeaderMap) {
    for (name, value) in DEFAULTS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// The policy of a page whose form may end at a client by a redirect: an app's own scheme, or a browser
/// that does not say that it navigates. See [`crate::respond::leave`] for all others.
pub(crate) fn policy_towards(callback: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; \
         base-uri 'none'; frame-ancestors 'none'",
        source(callback)
    )
}

/// The policy of the page that posts a response to a client: its one script is known by its hash. Its
/// form goes to the client, which may redirect on to anywhere, and `form-action` would hold that, too. It
/// would protect nothing: nobody types anything there, and what is posted is the client's.
pub(crate) fn policy_of_form_post() -> String {
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src '{}'; base-uri 'none'; \
         frame-ancestors 'none'",
        *SUBMIT_HASH,
    )
}

/// The hash of the script, as a source expression (CSP 3, 2.3.1).
static SUBMIT_HASH: LazyLock<String> = LazyLock::new(|| {
    let digest = STANDARD.encode(sha256(FormPostPage::SCRIPT.as_bytes()));
    format!("sha256-{digest}")
});

/// A callback as a source expression (CSP 3, 2.3.1). A private-use scheme has no origin, and an
/// IPv6 address no place in the grammar: for both, the scheme stands.
fn source(callback: &str) -> &str {
    let scheme = callback.find(':').map_or("", |end| &callback[..=end]);
    let Some(rest) = callback[scheme.len()..].strip_prefix("//") else {
        return scheme;
    };
    if rest.starts_with('[') || !matches!(scheme, "http:" | "https:") {
        return scheme;
    }
    let host = rest.find(['/', '?']).unwrap_or(rest.len());
    &callback[..callback.len() - rest.len() + host]
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn a_callback_is_admitted_by_its_origin_or_scheme() {
        assert_eq!(source("https://example.com/cb?x=1"), "https://example.com");
        assert_eq!(source("http://127.0.0.1:81/cb"), "http://127.0.0.1:81");
        assert_eq!(source("http://[::1]:81/cb"), "http:");
        assert_eq!(source("com.example.app:/cb"), "com.example.app:");
        assert_eq!(source("com.example.app://cb/x"), "com.example.app:");
    }
}

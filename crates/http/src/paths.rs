//! The addresses of the service.

pub(crate) const AUTHORIZE: &str = "/oauth2/authorize";
pub(crate) const TOKEN: &str = "/api/oauth2/token";
pub(crate) const USERINFO: &str = "/api/oauth2/userinfo";
pub(crate) const REVOCATION: &str = "/api/oauth2/revoke";
pub(crate) const INTROSPECTION: &str = "/api/oauth2/introspect";
pub(crate) const KEY_SET: &str = "/.well-known/jwks.json";
pub(crate) const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
pub(crate) const OAUTH_SERVER: &str = "/.well-known/oauth-authorization-server";
pub(crate) const ACCOUNT: &str = "/account";
pub(crate) const SIGN_IN: &str = "/sign-in";
pub(crate) const END_SESSION: &str = "/oauth2/logout";
pub(crate) const SIGN_OUT: &str = "/sign-out/confirm";
pub(crate) const SIGNED_OUT: &str = "/signed-out";
pub(crate) const PROBLEM: &str = "/problem";

/// The longest path with its query, in bytes. Whatever a client has to say fits in by far, and
/// proxies in between seldom let more through.
pub(crate) const MAX_ADDRESS_BYTES: usize = 16 * 1024;

/// Whether whoever asks there is a program, and not a person at a browser.
pub(crate) fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/.well-known/")
}

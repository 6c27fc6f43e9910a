//! The token request (RFC 6749 4.1.3 and 6), and who sends it.

use crate::{
    ErrorCode, ParamError, Params, RequestError, RequestedScope, ScopeFault, Secret, SecretPlace,
};

/// Every field that Alias knows at the token endpoint, `scope` aside (R21).
const KNOWN: [&str; 8] = [
    "grant_type",
    "code",
    "redirect_uri",
    "client_id",
    "client_secret",
    "code_verifier",
    "refresh_token",
    "scope",
];

/// What a client asks of the token endpoint.
///
/// ```
/// use alias_domain::{Params, RequestedScope, TokenRequest};
/// let request = TokenRequest::parse(&Params::parse("grant_type=refresh_token&refresh_token=q"))?;
/// assert!(matches!(request, TokenRequest::Refresh { scope: RequestedScope::Everything, .. }));
/// # Ok::<(), alias_domain::RequestError>(())
/// ```
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// Exchange a code.
    Code {
        /// The code.
        code: Secret,
        /// The redirect URI that brought it.
        redirect_uri: String,
        /// The PKCE verifier.
        verifier: Option<Secret>,
    },
    /// Refresh.
    Refresh {
        /// The refresh token.
        refresh_token: Secret,
        /// What the new user token shall have (R21).
        scope: RequestedScope,
    },
}

impl TokenRequest {
    /// Reads the fields; see the type for an example.
    ///
    /// # Errors
    /// `invalid_request` or `unsupported_grant_type` (RFC 6749 5.2).
    pub fn parse(params: &Params) -> Result<Self, RequestError> {
        form_is_sound(params, &KNOWN)?;
        match params.one("grant_type")? {
            Some("authorization_code") => Ok(Self::Code {
                code: required(params, "code", "code is missing")?,
                redirect_uri: required(params, "redirect_uri", "redirect_uri is missing")?
                    .expose()
                    .to_owned(),
                verifier: params
                    .one("code_verifier")?
                    .map(|it| Secret::new(it.to_owned())),
            }),
            Some("refresh_token") => Ok(Self::Refresh {
                refresh_token: required(params, "refresh_token", "refresh_token is missing")?,
                scope: match params.one("scope") {
                    Ok(scope) => RequestedScope::parse(scope),
                    Err(_) => RequestedScope::Impossible(ScopeFault::Malformed),
                },
            }),
            None => Err(invalid("grant_type is missing")),
            Some(_) => Err(RequestError::new(
                ErrorCode::UnsupportedGrantType,
                "grant_type must be authorization_code or refresh_token",
            )),
        }
    }
}

const fn invalid(description: &'static str) -> RequestError {
    RequestError::new(ErrorCode::InvalidRequest, description)
}

fn required(params: &Params, name: &str, missing: &'static str) -> Result<Secret, RequestError> {
    let value = params.one(name)?.ok_or(invalid(missing))?;
    Ok(Secret::new(value.to_owned()))
}

/// No known field twice (RFC 6749 3.2), none malformed; a malformed `scope` is for R21.
fn form_is_sound(params: &Params, known: &[&'static str]) -> Result<(), RequestError> {
    if let Some(name) = params.repeated(known) {
        return Err(RequestError::of_param(name, ParamError::Repeated));
    }
    match params.malformed(known, &["scope"]) {
        Some((name, error)) => Err(RequestError::of_param(name, error)),
        None => Ok(()),
    }
}

/// The token of a revocation (RFC 7009 2.1) or introspection (RFC 7662 2.1) request.
///
/// # Errors
/// `invalid_request` if it is missing, repeated or malformed.
///
/// ```
/// use alias_domain::{Params, requested_token};
/// assert_eq!(requested_token(&Params::parse("token=x"))?.expose(), "x");
/// # Ok::<(), alias_domain::RequestError>(())
/// ```
pub fn requested_token(params: &Params) -> Result<Secret, RequestError> {
    let known = ["token", "token_type_hint", "client_id", "client_secret"];
    form_is_sound(params, &known)?;
    required(params, "token", "token is missing")
}

/// The one token of a request to a protected resource: in the header or in the body, and not in
/// both (RFC 6750 2). `None` if there is none.
///
/// # Errors
/// `invalid_request` for two tokens, or a field that is repeated or malformed.
///
/// ```
/// use alias_domain::{Params, bearer_token};
/// let body = Params::parse("access_token=x");
/// assert!(bearer_token(None, &body)?.is_some());
/// # Ok::<(), alias_domain::RequestError>(())
/// ```
pub fn bearer_token(header: Option<Secret>, body: &Params) -> Result<Option<Secret>, RequestError> {
    match (header, body.one("access_token")?) {
        (Some(_), Some(_)) => Err(invalid("two tokens were sent")),
        (header, body) => Ok(header.or_else(|| body.map(|it| Secret::new(it.to_owned())))),
    }
}

/// How a client says who it is.
///
/// ```
/// use alias_domain::{ClientCredentials, Params};
/// let body = Params::parse("client_id=bjOB6HV7cTKtxvfr2k2ucg");
/// let public = ClientCredentials::from_request(None, &body, &Params::default())?;
/// assert!(public.secret.is_none());
/// # Ok::<(), alias_domain::RequestError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// The client ID as it was sent.
    pub client_id: String,
    /// The secret and where it stood, if one did.
    pub secret: Option<(SecretPlace, Secret)>,
}

impl ClientCredentials {
    /// Credentials from the `Authorization` header (user and password, decoded) or the body, and
    /// never from the address. See the type for an example.
    ///
    /// # Errors
    /// `invalid_request` for two ways of authenticating, two client IDs or credentials in the
    /// address (RFC 6749 2.3), `invalid_client` without any.
    pub fn from_request(
        basic: Option<(String, Secret)>,
        body: &Params,
        address: &Params,
    ) -> Result<Self, RequestError> {
        if address.has("client_secret") || address.has("client_id") {
            return Err(invalid("credentials do not belong into an address"));
        }
        let client_id = body.one("client_id")?;
        let client_secret = body.one("client_secret")?;
        match (basic, client_id, client_secret) {
            (Some(_), _, Some(_)) => Err(invalid("two ways of authenticating")),
            (Some((user, _)), Some(id), None) if user != id => {
                Err(invalid("client_id is not that of the Authorization header"))
            }
            // An empty password is how libraries without a secret send `none` (OIDC Core 9).
            (Some((client_id, secret)), _, None) => Ok(Self {
                client_id,
                secret: (!secret.expose().is_empty()).then_some((SecretPlace::Header, secret)),
            }),
            (None, Some(id), secret) => Ok(Self {
                client_id: id.to_owned(),
                secret: secret.map(|it| (SecretPlace::Body, Secret::new(it.to_owned()))),
            }),
            (None, None, _) => Err(INVALID_CLIENT.because("no credentials were sent")),
        }
    }
}

/// The one answer to an unknown client, a wrong secret and malformed credentials alike: only who
/// has the secret is told more.
///
/// ```
/// assert_eq!(alias_domain::INVALID_CLIENT.code.name(), "invalid_client");
/// ```
pub const INVALID_CLIENT: RequestError =
    RequestError::new(ErrorCode::InvalidClient, "client authentication failed");

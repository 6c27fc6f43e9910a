use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use alias_domain::{ChannelName, Scope};
use serde_json::json;

/// Why a request is not admitted. As an error of a handler it is the answer of RFC 6750 3: a status,
/// a challenge, and `{"error","error_description"}`.
///
/// ```
/// use actix_web::ResponseError;
/// use alias_resource::{Refusal, Scope};
/// let refusal = Refusal::MissingScope(Scope::Contact);
/// let response = refusal.error_response();
/// assert_eq!(response.status(), 403);
/// let challenge = response.headers().get("www-authenticate").and_then(|it| it.to_str().ok());
/// assert_eq!(challenge, Some(r#"Bearer error="insufficient_scope", scope="contact""#));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 401: no token was sent, or not as `Authorization: Bearer`.
    #[error("a user token is needed")]
    MissingToken,
    /// 400: more than one `Authorization` header.
    #[error("there is more than one Authorization header")]
    RepeatedHeader,
    /// 401: the token is worth nothing, or is no user token.
    #[error("the token is invalid, expired or revoked")]
    InvalidToken,
    /// 403: the user has not granted this scope, or has taken it back.
    #[error("the scope {0} is needed")]
    MissingScope(Scope),
    /// 403: the user has not granted this channel, or has taken it back.
    #[error("the channel {0} is needed")]
    MissingChannel(String),
    /// 503: Alias cannot be asked, or its answer makes no sense. The log says why.
    #[error("the token cannot be checked at the moment")]
    Unavailable,
    /// 500: this application has no `web::Data<Alias>`.
    #[error("this service is not set up to check tokens")]
    NotSetUp,
}

impl Refusal {
    const fn code(&self) -> &'static str {
        match self {
            Self::MissingToken => "unauthorized",
            Self::RepeatedHeader => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::MissingScope(_) | Self::MissingChannel(_) => "insufficient_scope",
            Self::Unavailable => "temporarily_unavailable",
            Self::NotSetUp => "server_error",
        }
    }

    /// The `WWW-Authenticate` header (RFC 6750 3): which scope would do and, in a parameter of
    /// Alias's own, which channel. They are what an authorization request takes.
    fn challenge(&self) -> Option<String> {
        let error = self.code();
        match self {
            Self::MissingToken => Some("Bearer".to_owned()),
            Self::RepeatedHeader | Self::InvalidToken => Some(format!("Bearer error=\"{error}\"")),
            Self::MissingScope(scope) => {
                Some(format!("Bearer error=\"{error}\", scope=\"{scope}\""))
            }
            Self::MissingChannel(name) => {
                let contact = Self::MissingScope(Scope::Contact).challenge()?;
                // What no client can declare, nobody can ask for; `_meta` comes with the scope.
                Some(match name.parse::<ChannelName>() {
                    Ok(name) => format!("{contact}, channels=\"{name}\""),
                    Err(_) => contact,
                })
            }
            Self::Unavailable | Self::NotSetUp => None,
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::MissingToken | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::RepeatedHeader => StatusCode::BAD_REQUEST,
            Self::MissingScope(_) | Self::MissingChannel(_) => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotSetUp => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CACHE_CONTROL, "no-store"));
        if let Some(challenge) = self.challenge() {
            response.insert_header((WWW_AUTHENTICATE, challenge));
        }
        if *self == Self::Unavailable {
            response.insert_header((RETRY_AFTER, "5"));
        }
        response.json(json!({"error": self.code(), "error_description": self.to_string()}))
    }
}

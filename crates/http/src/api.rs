//! What programs get: JSON, and errors as `{"error","error_description"}`.

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{AUTHORIZATION, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    web::Payload,
};
use alias_domain::{
    Client, ClientCredentials, ClientId, ErrorCode, INVALID_CLIENT, Params, RequestError, Secret,
    ports::{Failure, StoreError},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{
    body::{self, BodyError},
    measures, refusal,
    state::State,
};

/// A refusal for a program.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    error: &'static str,
    description: Cow<'static, str>,
    /// What only the log says.
    cause: Option<&'static str>,
    challenge: Option<&'static str>,
}

pub(crate) type Answer = Result<HttpResponse, ApiError>;

impl ApiError {
    pub(crate) const fn new(
        status: StatusCode,
        error: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            status,
            error,
            description: Cow::Borrowed(description),
            cause: None,
            challenge: None,
        }
    }

    /// The value of `error`.
    pub(crate) const fn code(&self) -> &'static str {
        self.error
    }

    /// Has the log say why `client`, where it is known, was refused. A failure of ours is no refusal.
    pub(crate) fn log(&self, client: Option<ClientId>) {
        if self.status.is_client_error() {
            let cause = self.cause.unwrap_or(&self.description);
            refusal::of_program(self.error, cause, client);
        }
    }

    const fn challenging(mut self, challenge: &'static str) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// Nobody is signed in, or no token was sent (RFC 6750 3.1: then without an error code).
    pub(crate) const fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "a live token is needed",
        )
        .challenging("Bearer")
    }

    /// RFC 6750 3.1.
    pub(crate) const fn invalid_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "the token is invalid, expired or revoked",
        )
        .challenging("Bearer error=\"invalid_token\"")
    }

    pub(crate) const fn foreign() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "this request comes from another site",
        )
    }

    pub(crate) const fn not_found(description: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", description)
    }

    pub(crate) const fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "try again in a few seconds",
        )
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.description)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((PRAGMA, "no-cache"));
        if let Some(challenge) = self.challenge {
            response.insert_header((WWW_AUTHENTICATE, challenge));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((RETRY_AFTER, "5"));
        }
        response.json(json!({"error": self.error, "error_description": self.description}))
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        measures::unanswered(&failure);
        match failure {
            Failure::Busy => Self {
                description: "too busy: try again in a few seconds".into(),
                ..Self::unavailable()
            },
            Failure::Store(_) | Failure::Crypto(_) => Self::unavailable(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let (status, challenge) = match error.code {
            ErrorCode::InvalidClient => (StatusCode::UNAUTHORIZED, Some("Basic realm=\"Alias\"")),
            _ => (StatusCode::BAD_REQUEST, None),
        };
        Self {
            status,
            error: error.code.name(),
            description: error.description,
            cause: error.cause,
            challenge,
        }
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        let invalid = |status, description| Self::new(status, "invalid_request", description);
        match error {
            BodyError::TooLarge => invalid(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is longer than 64 KiB",
            ),
            BodyError::Broken => invalid(StatusCode::BAD_REQUEST, "the body broke off"),
            BodyError::NotAForm => invalid(
                StatusCode::BAD_REQUEST,
                "the content type must be application/x-www-form-urlencoded",
            ),
        }
    }
}

pub(crate) async fn not_found() -> HttpResponse {
    ApiError::not_found("no such resource").error_response()
}

pub(crate) fn address_too_long() -> HttpResponse {
    let error = ApiError::new(
        StatusCode::URI_TOO_LONG,
        "invalid_request",
        "the address is longer than 16 KiB",
    );
    error.error_response()
}

pub(crate) fn method_not_allowed() -> HttpResponse {
    let error = ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "invalid_request",
        "this method is not offered here",
    );
    error.error_response()
}

/// Reads the form of an authenticated client (RFC 6749 2.3): the token, revocation and
/// introspection endpoints have this in common. What is refused is in the log.
pub(crate) async fn client_form(
    request: &HttpRequest,
    payload: Payload,
    state: &State,
) -> Result<(Client, Params), ApiError> {
    let mut named = None;
    let authenticated = authenticated(request, payload, state, &mut named).await;
    authenticated.inspect_err(|refused| refused.log(named))
}

/// The client and its form; `named` is who it says that it is, once that is known.
async fn authenticated(
    request: &HttpRequest,
    payload: Payload,
    state: &State,
    named: &mut Option<ClientId>,
) -> Result<(Client, Params), ApiError> {
    let form = body::form(request, payload).await?;
    let address = Params::parse(request.query_string());
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let basic = match (headers.next(), headers.next()) {
        (None, _) => None,
        (Some(header), None) => Some(basic(header.as_bytes()).ok_or_else(|| {
            INVALID_CLIENT.because("the Authorization header is no Basic, or is malformed")
        })?),
        (Some(_), Some(_)) => {
            return Err(
                RequestError::new(ErrorCode::InvalidRequest, "two Authorization headers").into(),
            );
        }
    };
    let credentials = ClientCredentials::from_request(basic, &form, &address)?;
    *named = credentials.client_id.parse().ok();
    let client = state
        .provider
        .authenticate_client(&credentials, State::now())
        .await?;
    Ok((client?, form))
}

/// HTTP Basic (RFC 7617), both halves form-encoded (RFC 6749 2.3.1). What we issue is base64url,
/// which encodes to itself, so clients that do not encode are understood too.
fn basic(header: &[u8]) -> Option<(String, Secret)> {
    let header = std::str::from_utf8(header).ok()?;
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let form_decoded = |text: &str| {
        let params = Params::parse(&format!("it={text}"));
        let decoded = params.one("it").ok()?.unwrap_or_default().to_owned();
        (!text.contains('&')).then_some(decoded)
    };
    let user = form_decoded(user).filter(|it| !it.is_empty())?;
    Some((user, Secret::new(form_decoded(password)?)))
}

#[cfg(test)]
mod tests {
    use super::{Engine, STANDARD, basic};

    fn credentials(text: &str) -> Option<(String, String)> {
        let header = format!("Basic {}", STANDARD.encode(text));
        basic(header.as_bytes()).map(|(user, secret)| (user, secret.expose().to_owned()))
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let some = |user: &str, secret: &str| Some((user.to_owned(), secret.to_owned()));
        assert_eq!(credentials("id:s_-cret"), some("id", "s_-cret"));
        assert_eq!(credentials("id:a%3Ab+c"), some("id", "a:b c"));
        assert_eq!(credentials("id:a:b"), some("id", "a:b"));
    }

    #[test]
    fn malformed_credentials_are_none() {
        assert_eq!(credentials("id:"), Some(("id".to_owned(), String::new())));
        for text in ["", "id", ":", ":secret", "%GG:", "id:%GG", "id:a&b"] {
            assert_eq!(credentials(text), None, "{text}");
        }
        assert!(basic(b"Basic !!!").is_none());
        assert!(basic(b"Bearer abc").is_none());
        assert!(basic(b"Basic").is_none());
    }
}

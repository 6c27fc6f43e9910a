//! What a client is told (RFC 6749 4.1.2.1, OIDC Core 3.1.2.6), and what only the user is.

use std::{borrow::Cow, fmt};

use crate::ParamError;

/// An error code that goes to a client's redirect URI or is answered at the token endpoint.
///
/// ```
/// assert_eq!(alias_domain::ErrorCode::InvalidScope.name(), "invalid_scope");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    /// RFC 6749 4.1.2.1 and 5.2.
    InvalidRequest,
    /// RFC 6749 4.1.2.1 and 5.2.
    InvalidScope,
    /// A channel that the client may not ask for (R5). No standard has it `[seed]`.
    InvalidChannel,
    /// RFC 6749 4.1.2.1.
    UnsupportedResponseType,
    /// OIDC Core 3.1.2.6.
    RequestNotSupported,
    /// OIDC Core 3.1.2.6.
    RequestUriNotSupported,
    /// OIDC Core 3.1.2.6.
    RegistrationNotSupported,
    /// RFC 6749 4.1.2.1: the user said no (R12).
    AccessDenied,
    /// OIDC Core 3.1.2.6.
    LoginRequired,
    /// OIDC Core 3.1.2.6.
    ConsentRequired,
    /// OpenID Connect Core Error Code UnmetAuthenticationRequirements.
    UnmetAuthenticationRequirements,
    /// RFC 6749 4.1.2.1: a store is away.
    TemporarilyUnavailable,
    /// RFC 6749 5.2.
    InvalidClient,
    /// RFC 6749 5.2.
    InvalidGrant,
    /// RFC 6749 5.2.
    UnauthorizedClient,
    /// RFC 6749 5.2.
    UnsupportedGrantType,
}

impl ErrorCode {
    /// The code on the wire.
    ///
    /// ```
    /// assert_eq!(alias_domain::ErrorCode::InvalidGrant.name(), "invalid_grant");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidChannel => "invalid_channel",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }
}

/// A refusal that a client is told: a code and a sentence for its developer. Of what was sent it
/// repeats no more than the ID of a client or the name of a permission.
///
/// ```
/// use alias_domain::{ErrorCode, RequestError};
/// let error = RequestError::new(ErrorCode::InvalidScope, "scope must have openid");
/// assert_eq!(error.to_string(), "invalid_scope: scope must have openid");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    /// The code.
    pub code: ErrorCode,
    /// The sentence, `error_description`.
    /// RFC 6749 5.2 allows printable ASCII there, less `"` and `\`.
    pub description: Cow<'static, str>,
    /// Why, for the operator's log alone: where whoever asks must not learn it.
    pub cause: Option<&'static str>,
}

impl RequestError {
    /// See the type for an example.
    #[must_use]
    pub const fn new(code: ErrorCode, description: &'static str) -> Self {
        Self {
            code,
            description: Cow::Borrowed(description),
            cause: None,
        }
    }

    /// The same with a sentence that depends on the request.
    ///
    /// ```
    /// use alias_domain::{ErrorCode, RequestError};
    /// let error = RequestError::saying(ErrorCode::InvalidScope, format!("{} is needed", "openid"));
    /// assert_eq!(error.description, "openid is needed");
    /// ```
    #[must_use]
    pub const fn saying(code: ErrorCode, description: String) -> Self {
        Self {
            code,
            description: Cow::Owned(description),
            cause: None,
        }
    }

    /// The same, with what only the operator's log says.
    ///
    /// ```
    /// use alias_domain::INVALID_CLIENT;
    /// let error = INVALID_CLIENT.because("the secret is wrong");
    /// assert_eq!(error.description, INVALID_CLIENT.description);
    /// ```
    #[must_use]
    pub const fn because(mut self, cause: &'static str) -> Self {
        self.cause = Some(cause);
        self
    }
}

impl RequestError {
    /// A parameter that cannot be taken as it was sent.
    pub(crate) fn of_param(name: &str, error: ParamError) -> Self {
        let fault = match error {
            ParamError::Repeated => "is repeated",
            ParamError::Malformed => "is not percent-encoded UTF-8",
            ParamError::ControlCharacter => "has a control character",
        };
        Self::saying(ErrorCode::InvalidRequest, format!("{name} {fault}"))
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.description)
    }
}

impl std::error::Error for RequestError {}

/// A fault in `client_id` or `redirect_uri`: the user sees a page, and nobody is redirected
/// anywhere `[seed]`.
///
/// ```
/// use alias_domain::{PageError, Params, requested_client};
/// assert_eq!(requested_client(&Params::parse("")), Err(PageError::MissingClient));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// No `client_id`.
    #[error("client_id is missing")]
    MissingClient,
    /// A `client_id` that no client has, or had.
    #[error("client_id names no client")]
    UnknownClient,
    /// No `redirect_uri`.
    #[error("redirect_uri is missing")]
    MissingRedirectUri,
    /// Not one of this client's (R29).
    #[error("redirect_uri is not registered for this client")]
    UnregisteredRedirectUri,
    /// `client_id` or `redirect_uri` more than once.
    #[error("client_id or redirect_uri is repeated")]
    Repeated,
    /// `client_id` or `redirect_uri` is not percent-encoded UTF-8.
    #[error("client_id or redirect_uri is malformed")]
    Malformed,
}

//! What may go wrong between Fieldnotes and Alias.

use std::error::Error;

use http::header::WWW_AUTHENTICATE;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::{
    ConfigurationError, DiscoveryError, HttpResponse, RequestTokenError, StandardErrorResponse,
    UserInfoError,
};
use serde::Deserialize;

use crate::problem::Problem;
use crate::wire::WireError;

/// Why a step at Alias did not succeed.
pub(crate) enum Failure {
    /// Alias said no, in the words of the protocol. The visitor is told at home.
    Refused(Refusal),
    /// There is no answer to go by. The visitor gets a page that says so.
    NoAnswer(Problem),
}

/// An error answer of the protocol (RFC 6749 4.1.2.1 and 5.2, RFC 6750 3).
#[derive(Deserialize)]
pub(crate) struct Refusal {
    #[serde(rename = "error")]
    pub(crate) code: String,
    #[serde(rename = "error_description")]
    pub(crate) description: Option<String>,
}

impl Failure {
    pub(crate) fn unacceptable(reason: impl Into<String>) -> Self {
        Self::NoAnswer(Problem::Unacceptable(reason.into()))
    }

    /// What an unsuccessful answer says: in its body as JSON, else in its challenge (RFC 6750 3).
    pub(crate) fn told_by(answer: &HttpResponse) -> Self {
        let in_body = serde_json::from_slice(answer.body()).ok();
        match in_body.or_else(|| challenged_by(answer)) {
            Some(refusal) => Self::Refused(refusal),
            None => Self::unacceptable(format!("HTTP status {}", answer.status().as_u16())),
        }
    }
}

fn challenged_by(answer: &HttpResponse) -> Option<Refusal> {
    let challenge = answer.headers().get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let (_, error) = challenge.split_once("error=\"")?;
    Some(Refusal {
        code: error.split('"').next()?.to_owned(),
        description: None,
    })
}

/// An error with its causes. Not for an answer that could not be parsed: that error may quote what
/// was received, which may hold a token.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        match error {
            WireError::NoAnswer(_) => Self::NoAnswer(Problem::Unreachable(with_causes(&error))),
            WireError::TooLarge => Self::unacceptable(error.to_string()),
        }
    }
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        Self::unacceptable(error.to_string())
    }
}

impl From<DiscoveryError<WireError>> for Failure {
    fn from(error: DiscoveryError<WireError>) -> Self {
        match error {
            DiscoveryError::Request(error) => error.into(),
            // The discovery document is public, and so are the causes that quote it.
            other => Self::unacceptable(with_causes(&other)),
        }
    }
}

type TokenError = RequestTokenError<WireError, StandardErrorResponse<CoreErrorResponseType>>;

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            RequestTokenError::Request(error) => error.into(),
            RequestTokenError::ServerResponse(refusal) => Self::Refused(Refusal {
                code: refusal.error().as_ref().to_owned(),
                description: refusal.error_description().cloned(),
            }),
            other => Self::unacceptable(other.to_string()),
        }
    }
}

impl From<UserInfoError<WireError>> for Failure {
    fn from(error: UserInfoError<WireError>) -> Self {
        match error {
            UserInfoError::Request(error) => error.into(),
            UserInfoError::ClaimsVerification(error) => Self::unacceptable(error.to_string()),
            other => Self::unacceptable(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_in(answer: &HttpResponse) -> Option<String> {
        match Failure::told_by(answer) {
            Failure::Refused(refusal) => Some(refusal.code),
            Failure::NoAnswer(_) => None,
        }
    }

    #[test]
    fn a_json_error_is_a_refusal_with_its_code() {
        let answer = HttpResponse::new(br#"{"error":"invalid_grant"}"#.to_vec());
        assert_eq!(code_in(&answer).as_deref(), Some("invalid_grant"));
    }

    #[test]
    fn an_error_in_the_challenge_alone_is_a_refusal_with_its_code() {
        let mut answer = HttpResponse::new(Vec::new());
        let challenge = http::HeaderValue::from_static(r#"Bearer error="invalid_token", x="y""#);
        answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        assert_eq!(code_in(&answer).as_deref(), Some("invalid_token"));
    }
}

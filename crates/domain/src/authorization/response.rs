//! The authorization response (RFC 6749 4.1.2), with the issuer in it (RFC 9207).

use crate::{Callback, RequestError, Secret, params::push_query};

/// Where a response goes and what it is to say there.
///
/// ```
/// # use alias_domain::*;
/// let callback = testing::sample::client().callback("https://example.com/alias-callback").unwrap();
/// let reply = Reply { callback, state: Some("a b".to_owned()) };
/// let location = reply.error(
///     &RequestError::new(ErrorCode::AccessDenied, "no"), "https://projectalias.com");
/// assert_eq!(
///     location.expose(),
///     "https://example.com/alias-callback?error=access_denied&error_description=no\
///      &state=a%20b&iss=https%3A%2F%2Fprojectalias.com"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Where it goes.
    pub callback: Callback,
    /// The `state` of the request, exactly.
    pub state: Option<String>,
}

impl Reply {
    /// The address that hands a code to the client. It is secret, for the code is in it.
    ///
    /// ```
    /// # use alias_domain::*;
    /// let callback = testing::sample::client().callback(testing::sample::REDIRECT_URI).unwrap();
    /// let reply = Reply { callback, state: None };
    /// let location = reply.code(&Secret::new("8amd".to_owned()), "https://projectalias.com");
    /// assert!(location.expose().starts_with("https://example.com/alias-callback?code=8amd&iss="));
    /// ```
    #[must_use]
    pub fn code(&self, code: &Secret, issuer: &str) -> Secret {
        self.location(&[("code", code.expose())], issuer)
    }

    /// The address that tells the client what is wrong; see the type for an example.
    #[must_use]
    pub fn error(&self, error: &RequestError, issuer: &str) -> Secret {
        let error = [
            ("error", error.code.name()),
            ("error_description", error.description),
        ];
        self.location(&error, issuer)
    }

    fn location(&self, response: &[(&str, &str)], issuer: &str) -> Secret {
        let mut query = String::new();
        for (name, value) in response {
            push_query(&mut query, name, value);
        }
        if let Some(state) = &self.state {
            push_query(&mut query, "state", state);
        }
        push_query(&mut query, "iss", issuer);
        let uri = self.callback.as_str();
        let joint = match uri.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        Secret::new(format!("{uri}{joint}{query}"))
    }
}

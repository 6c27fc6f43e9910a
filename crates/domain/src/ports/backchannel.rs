use async_trait::async_trait;

use crate::{LogoutUri, Secret};

/// Why a notice got no answer. It never repeats the token.
///
/// ```
/// let error = alias_domain::ports::Undelivered("the connection was refused".to_owned());
/// assert_eq!(error.to_string(), "the connection was refused");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undelivered(pub String);

/// The way to clients' back-channel logout URIs.
///
/// ```
/// fn takes_any(backchannel: &dyn alias_domain::ports::Backchannel) {}
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Backchannel: Send + Sync {
    /// Posts a logout token (OIDC Back-Channel Logout 1.0, 2.5), and says which HTTP status was
    /// answered. It follows no redirect, and takes no longer than a bounded time.
    ///
    /// # Errors
    /// If there is no answer, or the URI leads to where this service does not go.
    async fn post_logout_token(&self, uri: &LogoutUri, token: &Secret) -> Result<u16, Undelivered>;
}

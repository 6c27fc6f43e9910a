//! The authorization request (RFC 6749 4.1.1, OIDC Core 3.1.2.1): from parameters to a typed
//! request, from a request to a decision, and what an approved request becomes.

mod claims;
mod decision;
mod error;
mod record;
mod request;
mod response;
mod state;

pub use claims::{ClaimRequest, ClaimsRequest, MalformedClaims};
pub use decision::{Situation, Step, anticipate, decide};
pub use error::{ErrorCode, PageError, RequestError};
pub use record::RequestRecord;
pub(crate) use request::LONGEST_STATE;
pub use request::{AuthorizationRequest, Prompt, requested_callback, requested_client};
pub use response::{FormPost, Reply, Response, ResponseMode};
pub use state::{Authorization, CodeBinding, NewAuthorization, Phase, RefreshChain, Standing};

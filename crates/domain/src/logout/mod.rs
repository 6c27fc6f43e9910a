//! Signing out, and telling clients of it: a client's request to sign a user out (OpenID Connect
//! RP-Initiated Logout 1.0), and the notices to those who took part in a session that ended
//! (OpenID Connect Back-Channel Logout 1.0).

mod notice;
mod request;
mod token;
mod uri;

pub use notice::{Aftermath, Delivery, LogoutNotice};
pub use request::{
    Hinted, LogoutFault, LogoutRequest, LogoutStep, WayBack, chosen_to_end, logout_step,
};
pub use token::{LogoutEvent, LogoutTokenClaims};
pub use uri::{LogoutUri, MalformedLogoutUri};

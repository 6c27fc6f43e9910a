use std::net::IpAddr;

use chrono::TimeDelta;

/// How often strangers may do what costs something, by where they come from. Each node counts for
/// itself.
///
/// ```
/// use alias_domain::{ports::Limits, testing::Unlimited};
/// assert_eq!(Unlimited.admit_request("192.0.2.1".parse().ok()), Ok(()));
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Limits: Send + Sync {
    /// Admits an authorization request that is to be kept and whose browser has no session.
    /// `source` is the address that it comes from, where that is known.
    ///
    /// # Errors
    /// How long to wait before the next try, if there were too many from there, or from everywhere.
    fn admit_request(&self, source: Option<IpAddr>) -> Result<(), TimeDelta>;
}

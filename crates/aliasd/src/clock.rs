//! The present time, which the domain takes as an argument.

use chrono::{DateTime, SubsecRound, Utc};

/// The present time, in whole milliseconds: what a store keeps is what was decided on.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

//! The present time, which the domain takes as an argument.

use std::{sync::LazyLock, time::Instant};

use alias_domain::ClockReading;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// The present time, in whole milliseconds: what a store keeps is what was decided on.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

/// The present time, beside a clock that nobody sets.
pub(crate) fn reading() -> ClockReading {
    ClockReading {
        wall: now(),
        uptime: uptime(),
    }
}

/// Linux's monotonic clock stands still while the machine sleeps, and its boot clock does not.
/// Elsewhere a long sleep looks like a jump.
fn uptime() -> TimeDelta {
    boot_time().unwrap_or_else(|| {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        TimeDelta::from_std(BEGAN.elapsed()).unwrap_or(TimeDelta::MAX)
    })
}

#[cfg(target_os = "linux")]
fn boot_time() -> Option<TimeDelta> {
    use nix::time::{ClockId, clock_gettime};
    let since_boot = clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?;
    TimeDelta::new(
        since_boot.tv_sec(),
        u32::try_from(since_boot.tv_nsec()).ok()?,
    )
}

#[cfg(not(target_os = "linux"))]
const fn boot_time() -> Option<TimeDelta> {
    None
}

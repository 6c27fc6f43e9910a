//! How often strangers may do what costs something: counted in memory, by each node for itself.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alias_domain::ports::Limits;
use alias_http::{measure_over_limit, source_network};
use chrono::TimeDelta;
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::HashMapStateStore,
};

use crate::config::{LimitSettings, Rate};

/// From so many sources on, those are forgotten that have all of their rate left. Each takes some
/// forty bytes.
const MAX_SOURCES: usize = 100_000;

/// How often it is said that there are too many: a line for each would itself fill a disk.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

type BySource = RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>;

/// Counts as the GCRA does, which lets a burst through and then as many as the rate says.
pub(crate) struct RateLimits {
    requests: Option<BySource>,
    requests_total: Option<DefaultDirectRateLimiter>,
    warned_at: Mutex<Option<Instant>>,
}

impl RateLimits {
    pub(crate) fn new(settings: LimitSettings) -> Self {
        Self {
            requests: settings.requests.and_then(quota).map(RateLimiter::hashmap),
            requests_total: settings
                .requests_total
                .and_then(quota)
                .map(RateLimiter::direct),
            warned_at: Mutex::new(None),
        }
    }

    /// What is counted of a source first: otherwise one that asks too much would use up what is
    /// everybody's.
    fn admitted_from(&self, source: IpAddr) -> Result<(), Duration> {
        let Some(limit) = &self.requests else {
            return Ok(());
        };
        if limit.len() >= MAX_SOURCES {
            limit.retain_recent();
        }
        let clock = limit.clock();
        let checked = limit.check_key(&source);
        checked.map_err(|not| not.wait_time_from(clock.now()))
    }

    fn admitted_at_all(&self) -> Result<(), Duration> {
        let Some(limit) = &self.requests_total else {
            return Ok(());
        };
        let clock = limit.clock();
        limit.check().map_err(|not| not.wait_time_from(clock.now()))
    }

    fn warn(&self, source: Option<IpAddr>, setting: &'static str) {
        let mut warned_at = self
            .warned_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if warned_at.is_some_and(|it| it.elapsed() < WARNING_INTERVAL) {
            return;
        }
        *warned_at = Some(Instant::now());
        let source = source.map(tracing::field::display);
        tracing::warn!(
            source,
            setting,
            "too many authorization requests without a session are refused; a proxy that everybody \
             comes through must be named in http.trusted_proxies"
        );
    }
}

impl Limits for RateLimits {
    fn admit_request(&self, source: Option<IpAddr>) -> Result<(), TimeDelta> {
        let counted = source.and_then(source_network);
        let refused = match counted.map(|it| self.admitted_from(it)) {
            Some(Err(wait)) => Some((wait, "limits.requests")),
            _ => self
                .admitted_at_all()
                .err()
                .map(|wait| (wait, "limits.requests_total")),
        };
        let Some((wait, setting)) = refused else {
            return Ok(());
        };
        measure_over_limit(setting);
        self.warn(source, setting);
        Err(TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX))
    }
}

/// All of the rate at once, and then as much again within its span.
fn quota(rate: Rate) -> Option<Quota> {
    let span = rate.span.to_std().ok()?;
    let quota = Quota::with_period(span / rate.count.get())?;
    Some(quota.allow_burst(rate.count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(requests: &str, requests_total: &str) -> RateLimits {
        RateLimits::new(LimitSettings {
            requests: requests.parse().ok(),
            requests_total: requests_total.parse().ok(),
        })
    }

    fn from(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    fn admitted(limits: &RateLimits, source: Option<IpAddr>, tries: usize) -> usize {
        let all = (0..tries).map(|_| limits.admit_request(source));
        all.filter(Result::is_ok).count()
    }

    #[test]
    fn each_source_has_its_own_bound() {
        let limits = limits("3/1h", "off");
        assert_eq!(admitted(&limits, from("192.0.2.1"), 5), 3);
        assert_eq!(admitted(&limits, from("192.0.2.2"), 5), 3);
        assert_eq!(admitted(&limits, from("::ffff:192.0.2.2"), 5), 0);
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let limits = limits("3/1h", "off");
        assert_eq!(admitted(&limits, from("2001:db8::1"), 2), 2);
        assert_eq!(admitted(&limits, from("2001:db8::ffff:2"), 2), 1);
        assert_eq!(admitted(&limits, from("2001:db8:0:1::1"), 2), 2);
    }

    #[test]
    fn all_sources_together_have_a_bound_that_no_single_one_uses_up() {
        let limits = limits("3/1h", "5/1h");
        assert_eq!(admitted(&limits, from("192.0.2.1"), 100), 3);
        assert_eq!(admitted(&limits, from("192.0.2.2"), 100), 2);
        assert_eq!(admitted(&limits, from("192.0.2.3"), 100), 0);
    }

    #[test]
    fn this_machine_has_the_bound_of_all_alone() {
        let limits = limits("3/1h", "5/1h");
        assert_eq!(admitted(&limits, from("127.0.0.1"), 4), 4);
        assert_eq!(admitted(&limits, None, 4), 1);
    }

    #[test]
    fn who_is_refused_is_told_when_to_come_again() {
        let limits = limits("2/20m", "off");
        assert_eq!(admitted(&limits, from("192.0.2.1"), 2), 2);
        let wait = limits.admit_request(from("192.0.2.1"));
        let soon = TimeDelta::minutes(9)..=TimeDelta::minutes(10);
        assert!(wait.is_err_and(|it| soon.contains(&it)));
    }

    #[test]
    fn without_a_bound_everybody_is_admitted() {
        assert_eq!(
            admitted(&limits("off", "off"), from("192.0.2.1"), 1000),
            1000
        );
    }
}

//! What is served, and what every handler has at hand.

use std::sync::Arc;

use alias_domain::flows::Provider;
use chrono::{DateTime, SubsecRound, Utc};

use crate::{cookies::Cookies, pulse::Pulse};

/// What is served.
#[derive(Clone)]
pub struct Service {
    /// The provider.
    pub provider: Provider,
    /// The key set.
    pub key_set: KeySet,
}

/// The key set (RFC 7517 5), which changes while the service runs.
#[derive(Clone)]
pub struct KeySet {
    /// Tells it as it is at the moment, public keys alone.
    pub present: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
    /// For how many seconds whoever fetched it may keep it.
    pub max_age: i64,
}

/// What every handler has at hand.
pub(crate) struct State {
    pub(crate) provider: Provider,
    pub(crate) key_set: KeySet,
    pub(crate) cookies: Cookies,
    pub(crate) pulse: Pulse,
}

impl State {
    pub(crate) fn of(service: Service) -> Self {
        Self {
            cookies: Cookies::for_issuer(service.provider.issuer()),
            provider: service.provider,
            key_set: service.key_set,
            pulse: Pulse::default(),
        }
    }

    /// The present time, in whole milliseconds: what a store keeps is what was decided on.
    pub(crate) fn now() -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }
}

//! What the service measures of itself is gathered here, and rendered when it is asked for.

use std::{sync::Arc, time::Duration};

use alias_http::{DURATION_BUCKETS, Exposition, describe_measures, measure_faults};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};
use tokio::time::interval;

use crate::{logs, panics};

/// How often durations are put into their buckets, lest they pile up while nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Begins to gather. What was measured before is lost.
///
/// # Errors
/// If something gathers already.
pub(crate) fn gather() -> Result<Exposition, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets(DURATION_BUCKETS)?
        .install_recorder()?;
    describe_measures(env!("CARGO_PKG_VERSION"));
    let kept = handle.clone();
    actix_web::rt::spawn(panics::supervise("metrics", async move || {
        let mut times = interval(UPKEEP);
        loop {
            times.tick().await;
            kept.run_upkeep();
        }
    }));
    Ok(Arc::new(move || {
        measure_faults(panics::count(), logs::lost());
        handle.render()
    }))
}

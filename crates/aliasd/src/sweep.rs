//! The removal of what has ended, in small batches, while the service runs.

use std::{convert::Infallible, time::Duration};

use alias_domain::ports::{Store, StoreError};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::clock;

const EVERY: Duration = Duration::from_secs(60);

/// Rows of each kind that one transaction removes: it holds up no request for long.
const BATCH: u32 = 500;

/// Between two batches others may write.
const PAUSE: Duration = Duration::from_millis(50);

/// Sweeps once a minute, for ever. What goes wrong is tried again the next minute.
pub(crate) async fn run(store: &dyn Store) -> Infallible {
    let mut minutes = interval(EVERY);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        match sweep(store).await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "swept what has ended"),
            Err(error) => tracing::warn!(%error, "sweeping failed; trying again in a minute"),
        }
    }
}

async fn sweep(store: &dyn Store) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let removed = store.sweep(clock::now(), BATCH).await?;
        total += u64::from(removed);
        // Fewer than one full batch, whatever the kinds: there is no more.
        if removed < BATCH {
            return Ok(total);
        }
        sleep(PAUSE).await;
    }
}

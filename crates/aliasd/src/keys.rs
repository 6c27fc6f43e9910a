//! The keys, kept up to date while the service runs.

use std::{convert::Infallible, time::Duration};

use alias_signing::Keyring;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock;

/// What the command line changes holds on every node within a second.
const EVERY: Duration = Duration::from_millis(500);

/// Refreshes the keys twice a second, for ever. What goes wrong is said once, and so is that all is
/// well again.
pub(crate) async fn run(keyring: Keyring) -> Infallible {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = None;
    loop {
        ticks.tick().await;
        match keyring.refresh(clock::now()).await {
            Ok(()) if said.is_some() => {
                tracing::info!("the keys are up to date again");
                said = None;
            }
            Ok(()) => {}
            Err(error) if said.as_ref() == Some(&error) => {}
            Err(error) => {
                tracing::error!(%error, "refreshing the keys failed; those in use stay");
                said = Some(error);
            }
        }
    }
}

//! The keys, kept up to date while the service runs.

use std::{convert::Infallible, time::Duration};

use alias_signing::{Keyring, SigningError};
use tokio::time::{MissedTickBehavior, interval};

use crate::clock;

/// What the command line changes holds on every node within a second.
const EVERY: Duration = Duration::from_millis(500);

/// Refreshes the keys twice a second, for ever. What goes wrong is said once, and so is that all is
/// well again.
pub(crate) async fn run(keyring: &Keyring) -> Infallible {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Ok(());
    loop {
        ticks.tick().await;
        let now = keyring.refresh(clock::now()).await;
        match news(&last, &now) {
            Some(Err(error)) => {
                tracing::error!(%error, "refreshing the keys failed; those in use stay");
            }
            Some(Ok(())) => tracing::info!("the keys are up to date again"),
            None => {}
        }
        last = now;
    }
}

/// What is to be said of a refresh, after the last one.
fn news<'a>(
    last: &Result<(), SigningError>,
    now: &'a Result<(), SigningError>,
) -> Option<&'a Result<(), SigningError>> {
    (last != now).then_some(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_is_said_once_and_so_is_that_all_is_well_again() {
        let broken = |kid: &str| {
            let kid = kid.to_owned();
            Err(SigningError::WrongMaster { kid })
        };
        let outcomes = [
            (Ok(()), false),
            (broken("a"), true),
            (broken("a"), false),
            (broken("b"), true),
            (Ok(()), true),
            (Ok(()), false),
        ];
        let mut last = Ok(());
        for (now, said) in outcomes {
            assert_eq!(news(&last, &now), said.then_some(&now));
            last = now;
        }
    }
}

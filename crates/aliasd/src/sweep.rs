//! The removal of what has ended, in small batches, while the service runs.

use std::{convert::Infallible, sync::Arc, time::Duration};

use alias_domain::{
    ClockDoubt, ClockReading, ClockTrust,
    ports::{Store, StoreError},
};
use alias_signing::{Keyring, SigningError};
use chrono::{DateTime, Utc};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::clock;

const EVERY: Duration = Duration::from_secs(60);

/// Rows of each kind that one transaction removes: it holds up no request for long.
const BATCH: u32 = 500;

/// Between two batches others may write.
const PAUSE: Duration = Duration::from_millis(50);

/// Sweeps once a minute, for ever. What goes wrong is tried again the next minute.
pub(crate) async fn run(store: &Arc<dyn Store>, keyring: &Keyring) -> Infallible {
    let mut minutes = interval(EVERY);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweep = Sweep::new(Arc::clone(store), keyring.clone());
    loop {
        minutes.tick().await;
        match sweep.once(clock::reading()).await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "swept what has ended"),
            Err(error) => tracing::warn!(%error, "sweeping failed; trying again in a minute"),
        }
    }
}

struct Sweep {
    store: Arc<dyn Store>,
    keyring: Keyring,
    /// Once the newest time in the store is known.
    trust: Option<ClockTrust>,
    /// Whether the last sweep was left out, which is said once.
    waits: bool,
}

impl Sweep {
    const fn new(store: Arc<dyn Store>, keyring: Keyring) -> Self {
        Self {
            store,
            keyring,
            trust: None,
            waits: false,
        }
    }

    /// Removes what was deleted, whatever the clock says, and what has ended by now, unless the clock
    /// jumped ahead: how many rows.
    async fn once(&mut self, now: ClockReading) -> Result<u64, SigningError> {
        let trust = match &mut self.trust {
            Some(trust) => trust,
            None => {
                // Before anything is removed, for that may have been the latest.
                let latest = self.store.latest_activity().await?;
                self.trust.insert(ClockTrust::new(latest, now))
            }
        };
        let deleted = in_batches(|| self.store.purge(BATCH)).await?;
        match trust.check(now) {
            Ok(now) => {
                if std::mem::take(&mut self.waits) {
                    tracing::info!("the clock is believed again: sweeping what has ended");
                }
                let ended = in_batches(|| self.store.sweep(now, BATCH)).await?;
                self.keyring.remove_retired(now).await?;
                Ok(deleted + ended)
            }
            Err(doubt) => {
                if !std::mem::replace(&mut self.waits, true) {
                    say(doubt, now.wall);
                }
                Ok(deleted)
            }
        }
    }
}

/// A store that is seldom used is nothing to worry about; a clock that jumps is.
fn say(doubt: ClockDoubt, clock: DateTime<Utc>) {
    match doubt {
        ClockDoubt::Idle { .. } => tracing::info!(
            %clock,
            "nothing is swept for 24 hours: {doubt}. If it is, set it right"
        ),
        ClockDoubt::Jumped { .. } => tracing::warn!(
            %clock,
            "nothing is swept: {doubt}. If it is wrong, set it right; else it is believed in 24 hours"
        ),
    }
}

/// Does this until it comes to less than a batch: how many rows in all. What is swept is swept by one
/// time in all batches, for the clock may be set between two.
async fn in_batches<F>(batch: impl Fn() -> F) -> Result<u64, StoreError>
where
    F: Future<Output = Result<u32, StoreError>>,
{
    let mut total = 0;
    loop {
        let removed = batch().await?;
        total += u64::from(removed);
        // Fewer than one full batch, whatever the kinds: there is no more.
        if removed < BATCH {
            return Ok(total);
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use alias_domain::{
        Lifetimes,
        ports::{Clients, Interactions, Keys, StoredKey},
        testing::{
            MemoryStore,
            sample::{self, NOON},
        },
    };
    use alias_signing::{MasterKey, RsaSize};
    use chrono::TimeDelta;

    use super::*;

    fn reading(passed: TimeDelta, off: TimeDelta) -> ClockReading {
        ClockReading {
            wall: NOON + passed + off,
            uptime: passed,
        }
    }

    /// A request waits, and an old key is retired an hour after noon.
    async fn busy(store: &Arc<MemoryStore>) -> Result<Keyring, SigningError> {
        let (master, lifetimes) = (MasterKey::generate(), Lifetimes::default());
        let keys = Arc::clone(store) as Arc<dyn Keys>;
        let keyring = Keyring::load_or_create(keys, &master, lifetimes, RsaSize::Bits2048, NOON);
        let keyring = keyring.await?;
        let old = store.keys().await?;
        for key in old.iter().filter(|it| it.algorithm == "EdDSA") {
            let next = StoredKey {
                kid: "next".to_owned(),
                created_at: NOON + TimeDelta::minutes(1),
                active_from: NOON + TimeDelta::minutes(29),
                ..key.clone()
            };
            assert!(store.add_key(&next, &key.kid).await?);
        }
        store.insert_client(&sample::client(), &[]).await?;
        store.open_interaction(&sample::interaction()).await?;
        Ok(keyring)
    }

    #[tokio::test]
    async fn a_clock_that_jumps_ahead_sweeps_nothing_and_one_that_ran_there_does() {
        let store = Arc::new(MemoryStore::default());
        let keyring = busy(&store).await.expect("keys");
        let mut sweep = Sweep::new(Arc::clone(&store) as _, keyring);
        let hour = TimeDelta::hours(1);
        let mut swept = async |passed, off| {
            let removed = sweep.once(reading(passed, off)).await.expect("a store");
            // What is retired is remembered under another name.
            let keys = store.keys().await.expect("a store");
            let kept = keys.iter().filter(|it| it.algorithm == "EdDSA");
            (removed, kept.count())
        };
        let (minute, days) = (TimeDelta::minutes(1), TimeDelta::days(400));
        assert_eq!(swept(TimeDelta::zero(), TimeDelta::zero()).await, (0, 2));
        assert_eq!(swept(minute, days).await, (0, 2), "it jumped");
        assert_eq!(swept(minute * 2, TimeDelta::zero()).await, (0, 2));
        assert_eq!(
            swept(hour + minute, TimeDelta::zero()).await,
            (1, 1),
            "time passed"
        );
    }
}

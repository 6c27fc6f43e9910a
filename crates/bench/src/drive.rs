//! The closed loop: so many connections, each of which asks again once it is answered.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use anyhow::Result;
use async_trait::async_trait;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::os;

/// What one connection does, again and again.
#[async_trait(?Send)]
pub(crate) trait Work {
    /// Gets ready for so many turns, as far as they need something fresh. Nobody measures this.
    async fn stock(&mut self, _turns: usize) -> Result<()> {
        Ok(())
    }

    /// What is left to do once all are ready, just before the first turn.
    async fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    /// One turn, which is measured; `false` if there is nothing left for it.
    async fn turn(&mut self) -> Result<bool>;
}

/// What the processes that are watched have used, at a moment or within a round.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    pub(crate) service: Duration,
    pub(crate) database: Duration,
}

/// What was seen in one round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    /// Turns per second.
    pub(crate) rate: f64,
    /// Half of the turns took at most so many microseconds.
    pub(crate) p50: f64,
    /// All but a hundredth of them.
    pub(crate) p99: f64,
    /// Processor seconds of the service for 1,000 turns.
    pub(crate) service: f64,
    /// Those of the database.
    pub(crate) database: f64,
    /// Those of the driver itself, which shares the cores with what it measures.
    pub(crate) driver: f64,
}

/// Lets each of them take turns until the time is up, or one has nothing left: then the others are
/// not waited for longer than their last turn takes.
pub(crate) async fn drive(
    works: &mut [Box<dyn Work>],
    time: Duration,
    used: impl Fn() -> Result<Used>,
) -> Result<Round> {
    let over = Cell::new(false);
    let (before, own, began) = (used()?, os::own_thread()?, Instant::now());
    let end = began + time;
    let each = works.iter_mut().map(|work| {
        let over = &over;
        async move {
            let (mut took, mut start) = (Vec::new(), Instant::now());
            while !over.get() && start < end {
                if !work.turn().await? {
                    over.set(true);
                    break;
                }
                let done = Instant::now();
                took.push(done - start);
                start = done;
            }
            anyhow::Ok(took)
        }
    });
    let mut took = try_join_all(each).await?.concat();
    let (lasted, after, own) = (began.elapsed(), used()?, os::own_thread()? - own);
    anyhow::ensure!(!took.is_empty(), "no turn was taken");
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    let per_thousand = |used: Duration| used.as_secs_f64() * 1000.0 / took.len() as f64;
    Ok(Round {
        rate: took.len() as f64 / lasted.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
        service: per_thousand(after.service.saturating_sub(before.service)),
        database: per_thousand(after.database.saturating_sub(before.database)),
        driver: per_thousand(own),
    })
}

/// The middle one.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

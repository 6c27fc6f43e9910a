//! The rows of what was deleted. It has ended already: they only take room.

use std::time::{Duration, Instant};

use alias_domain::ports::Store;
use tokio::time::sleep;

use crate::output;

/// Rows that one step removes: it holds up no request for long.
const BATCH: u32 = 500;

/// How long nothing is said.
const SILENCE: Duration = Duration::from_secs(2);

/// Between two steps a service on the same file has its turn: for as long as the step took, and
/// within these bounds.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Removes them, and says now and then how far it is. Whatever it leaves, a service removes.
pub(super) async fn remove_rows(store: &dyn Store) {
    let (mut removed, mut last) = (0, Instant::now());
    loop {
        let began = Instant::now();
        match store.purge(BATCH).await {
            Ok(0) => return,
            Ok(more) => removed += u64::from(more),
            Err(error) => {
                let left = "it is deleted; what is left of its rows, the service removes";
                output::progress(&format!("{left} ({error})"));
                return;
            }
        }
        if last.elapsed() >= SILENCE {
            output::progress(&format!(
                "it is deleted; {removed} rows removed so far (if you interrupt this, the service \
                 removes the rest)"
            ));
            last = Instant::now();
        }
        sleep(began.elapsed().clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
    }
}

//! What is done beside requests, as long as the service runs.

use std::{convert::Infallible, sync::Arc};

use alias_domain::ports::Store;
use alias_signing::Keyring;

use crate::{keys, sweep};

/// What needs looking after.
pub(crate) struct Upkeep {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keyring: Keyring,
}

impl Upkeep {
    /// Looks after it, for ever.
    pub(crate) async fn run(self) -> Infallible {
        tokio::select! {
            never = sweep::run(self.store) => never,
            never = keys::run(self.keyring) => never,
        }
    }
}

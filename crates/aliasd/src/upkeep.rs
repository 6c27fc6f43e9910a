//! What is done beside requests, as long as the service runs.

use std::{convert::Infallible, sync::Arc};

use alias_domain::{flows::Provider, ports::Store};
use alias_outbound::Outbound;
use alias_signing::Keyring;

use crate::{keys, logout, sweep};

/// What needs looking after.
pub(crate) struct Upkeep {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keyring: Keyring,
    pub(crate) provider: Provider,
    pub(crate) outbound: Outbound,
}

impl Upkeep {
    /// Looks after it, for ever.
    pub(crate) async fn run(self) -> Infallible {
        tokio::select! {
            never = sweep::run(self.store, self.keyring.clone()) => never,
            never = keys::run(self.keyring) => never,
            never = logout::run(self.provider, self.outbound) => never,
        }
    }
}

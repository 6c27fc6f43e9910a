//! The store may be away when the service starts. Then it is waited for; what waiting cannot mend
//! ends the service.

use std::time::Duration;

use alias_http::{Door, Service};
use tokio::time::sleep;

use crate::error::Error;

/// Between two attempts.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// What an attempt finds: what is served, and what needs looking after meanwhile.
pub(crate) type Opened<U> = (Service, U);

/// Opens the door if the attempt finds the store. If it may yet, the door says what is waited
/// for, and there is none.
///
/// # Errors
/// What waiting cannot mend.
pub(crate) async fn try_once<U>(
    door: &Door,
    attempt: impl Future<Output = Result<Opened<U>, Error>>,
) -> Result<Option<U>, Error> {
    match attempt.await {
        Ok((service, upkeep)) => {
            door.open(service);
            Ok(Some(upkeep))
        }
        Err(error) if error.may_pass() => {
            // It is tried often, and said once.
            if door.wait(&error.to_string()) {
                tracing::warn!(%error, "waiting for the store");
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Makes further attempts until the door is open.
///
/// # Errors
/// What waiting cannot mend.
pub(crate) async fn until_there<U>(
    door: &Door,
    pause: Duration,
    attempt: &impl AsyncFn() -> Result<Opened<U>, Error>,
) -> Result<U, Error> {
    loop {
        sleep(pause).await;
        if let Some(upkeep) = try_once(door, attempt()).await? {
            tracing::info!("the store is there");
            return Ok(upkeep);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::Arc};

    use alias_domain::{
        ports::StoreError,
        testing::{MemoryStore, provider},
    };

    use alias_http::KeySet;

    use super::*;

    fn opened() -> Opened<()> {
        let service = Service {
            provider: provider(MemoryStore::default()),
            key_set: KeySet {
                present: Arc::new(|| serde_json::json!({"keys": []})),
                max_age: 0,
            },
        };
        (service, ())
    }

    fn away() -> Error {
        StoreError::Unavailable("connection refused".to_owned()).into()
    }

    #[tokio::test]
    async fn a_store_that_is_away_is_waited_for() {
        let (door, attempts) = (Door::closed("starting"), Cell::new(0));
        let first = try_once::<()>(&door, async { Err(away()) }).await;
        assert!(matches!(first, Ok(None)));
        let attempt = async || {
            attempts.set(attempts.get() + 1);
            if attempts.get() < 3 {
                Err(away())
            } else {
                Ok(opened())
            }
        };
        let store = until_there(&door, Duration::ZERO, &attempt).await;
        assert!(store.is_ok());
        assert_eq!(attempts.get(), 3);
    }

    #[tokio::test]
    async fn what_waiting_cannot_mend_ends_it() {
        let door = Door::closed("starting");
        let broken = || Error::NoUser("this is no matter of time".to_owned());
        let first = try_once::<()>(&door, async { Err(broken()) }).await;
        assert!(matches!(first, Err(Error::NoUser(_))));
        let later = until_there::<()>(&door, Duration::ZERO, &async || Err(broken())).await;
        assert!(matches!(later, Err(Error::NoUser(_))));
    }
}

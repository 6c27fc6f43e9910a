//! A keyring on a store in memory. Making an RSA key takes a while: the tests share one.

use std::sync::{Arc, LazyLock};

use alias_domain::{
    KeyAlgorithm, Lifetimes, SigningAlgorithm,
    ports::{Keys, StoredKey},
    testing::{MemoryStore, sample::NOON},
};
use alias_signing::{Keyring, MasterKey, RsaSize, SigningError};
use tokio::sync::OnceCell;

pub(crate) static MASTER: LazyLock<MasterKey> = LazyLock::new(MasterKey::generate);

static KEYS: OnceCell<Vec<StoredKey>> = OnceCell::const_new();

pub(crate) async fn load(
    store: &Arc<MemoryStore>,
    master: &MasterKey,
) -> Result<Keyring, SigningError> {
    let (lifetimes, rsa) = (Lifetimes::default(), RsaSize::default());
    Keyring::load_or_create(Arc::clone(store) as _, master, lifetimes, rsa, NOON).await
}

/// The first key of each algorithm, sealed under [`MASTER`].
pub(crate) async fn keys() -> Vec<StoredKey> {
    let make = || async {
        let store = Arc::new(MemoryStore::default());
        load(&store, &MASTER).await.unwrap();
        store.keys().await.unwrap()
    };
    KEYS.get_or_init(make).await.clone()
}

pub(crate) async fn key(algorithm: KeyAlgorithm) -> StoredKey {
    of(&keys().await, algorithm).remove(0)
}

pub(crate) async fn rsa_key() -> StoredKey {
    key(KeyAlgorithm::Signing(SigningAlgorithm::Rs256)).await
}

/// Those keys of an algorithm.
pub(crate) fn of(keys: &[StoredKey], algorithm: KeyAlgorithm) -> Vec<StoredKey> {
    let named = keys.iter().filter(|it| it.algorithm == algorithm.name());
    named.cloned().collect()
}

pub(crate) async fn store_with(keys: &[StoredKey]) -> Arc<MemoryStore> {
    let store = MemoryStore::default();
    for key in keys {
        assert!(store.add_first_key(key).await.unwrap());
    }
    Arc::new(store)
}

/// A store with the first keys.
pub(crate) async fn store() -> Arc<MemoryStore> {
    store_with(&keys().await).await
}

/// A keyring of the first keys.
pub(crate) async fn keyring() -> Keyring {
    load(&store().await, &MASTER).await.unwrap()
}

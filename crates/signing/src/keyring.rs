use std::{fmt, sync::Arc};

use alias_domain::{
    KeyAlgorithm, KeyStage, Lead, Lifetimes, ScheduledKey, SigningAlgorithm, key_schedule,
    key_succession,
    ports::{Failure, Keys, StoredKey},
};
use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    cores::Cores,
    error::{SigningError, crypto},
    key::Key,
    master::{MasterKey, Purpose},
    ring::{Held, Ring},
    sealing_key::SealingKey,
    signing_key::{RsaSize, SigningKey},
};

/// The keys of the store, opened: [`IdTokenSigner`](crate::IdTokenSigner) and
/// [`TokenSealer`](crate::TokenSealer) use what it holds at the moment. Whoever has a clone of it
/// has the same keys.
///
/// ```
/// # use std::sync::Arc;
/// # use alias_domain::{Lifetimes, ports::Keys, testing::sample::NOON};
/// # use alias_signing::{IdTokenSigner, Keyring, MasterKey, RsaSize, SigningError, TokenSealer};
/// async fn first_start(store: Arc<dyn Keys>) -> Result<(), SigningError> {
///     let master = MasterKey::generate();
///     let (lifetimes, rsa) = (Lifetimes::default(), RsaSize::default());
///     let keyring = Keyring::load_or_create(store, &master, lifetimes, rsa, NOON).await?;
///     let (signer, sealer) = (IdTokenSigner::new(&keyring), TokenSealer::new(&keyring));
///     // And so on, twice a second.
///     keyring.refresh(NOON).await
/// }
/// ```
#[derive(Clone)]
pub struct Keyring {
    store: Arc<dyn Keys>,
    /// What the keys in the store are sealed under.
    sealing_key: Key,
    lifetimes: Lifetimes,
    /// Of the keys that are made from now on.
    rsa: RsaSize,
    ring: Arc<ArcSwap<Ring>>,
    cores: Cores,
}

impl Keyring {
    /// Opens the stored keys. Where an algorithm has none yet it makes the first, active `now`; of
    /// any number of nodes that do so at once, all end with the same key.
    ///
    /// # Errors
    /// [`SigningError::WrongMaster`] if `master` is not what the keys were sealed under.
    ///
    /// See the type for an example.
    pub async fn load_or_create(
        store: Arc<dyn Keys>,
        master: &MasterKey,
        lifetimes: Lifetimes,
        rsa: RsaSize,
        now: DateTime<Utc>,
    ) -> Result<Self, SigningError> {
        let cores = Cores::all();
        let sealing_key = master.sub_key(&Purpose::Keys).map_err(crypto)?;
        // A wrong master key must not seal anything.
        let stored = store.keys().await?;
        let schedule = in_use(key_schedule(&stored, &lifetimes, now));
        opened(&schedule, None, &sealing_key, &cores).await?;
        for key in &stored {
            if key.algorithm.parse::<KeyAlgorithm>().is_err() {
                let StoredKey { kid, algorithm, .. } = key;
                tracing::warn!(
                    kid,
                    algorithm,
                    "a key of an unknown algorithm is left alone"
                );
            }
        }
        for algorithm in KeyAlgorithm::ALL {
            if stored.iter().any(|it| it.algorithm == algorithm.name()) {
                continue;
            }
            let (kid, sealed) = match algorithm {
                KeyAlgorithm::Sealing => SealingKey::first(master, &sealing_key)?,
                KeyAlgorithm::Signing(_) | KeyAlgorithm::Verifying(_) => {
                    make(algorithm, rsa, &sealing_key, &cores).await?
                }
            };
            let first = StoredKey {
                kid,
                algorithm: algorithm.to_string(),
                sealed,
                created_at: now,
                active_from: now,
            };
            if store.add_first_key(&first).await? {
                tracing::info!(kid = first.kid, %algorithm, "made the first key");
            }
        }
        // A rival's keys may be there instead of ours.
        let stored = store.keys().await?;
        let schedule = in_use(key_schedule(&stored, &lifetimes, now));
        let held = opened(&schedule, None, &sealing_key, &cores).await?;
        let ring = Ring::new(&schedule, held, now)?;
        ring.warn_of_early_keys(None);
        Ok(Self {
            store,
            sealing_key,
            lifetimes,
            rsa,
            ring: Arc::new(ArcSwap::from_pointee(ring)),
            cores,
        })
    }

    /// Takes up what the store keeps, as it is to be used `now`. What is retired is not used, and
    /// stays in the store: should the clock be wrong, it is used again once that is set right.
    ///
    /// # Errors
    /// If the store does not answer or a key does not open: all stays in use as it was.
    ///
    /// See the type for an example.
    pub async fn refresh(&self, now: DateTime<Utc>) -> Result<(), SigningError> {
        let stored = self.store.keys().await?;
        let schedule = in_use(key_schedule(&stored, &self.lifetimes, now));
        let before = self.ring.load_full();
        let held = opened(&schedule, Some(&before), &self.sealing_key, &self.cores).await?;
        let next = Ring::new(&schedule, held, now)?;
        next.warn_of_early_keys(Some(&before));
        self.ring.store(Arc::new(next));
        Ok(())
    }

    /// Removes from the store what is retired `now`, by a clock that is believed, and of a key that is
    /// remembered the private half: nothing brings either back. Any node may do that, and twice is
    /// harmless.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::testing::sample::NOON;
    /// # use alias_signing::{Keyring, SigningError};
    /// async fn tidy_up(keyring: &Keyring) -> Result<(), SigningError> {
    ///     keyring.remove_retired(NOON).await
    /// }
    /// ```
    pub async fn remove_retired(&self, now: DateTime<Utc>) -> Result<(), SigningError> {
        let stored = self.store.keys().await?;
        for it in key_schedule(&stored, &self.lifetimes, now) {
            let kid = &it.key.kid;
            match (it.stage, it.algorithm) {
                (KeyStage::Retired, _) if self.store.remove_key(kid).await? => {
                    tracing::info!(kid, "removed a key that is retired");
                }
                (KeyStage::Remembered { .. }, KeyAlgorithm::Signing(algorithm))
                    if self.forget_private_half(it.key, algorithm).await? =>
                {
                    tracing::info!(kid, "removed the private half of a key");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps no more of a key than reads what it signed.
    async fn forget_private_half(
        &self,
        key: &StoredKey,
        algorithm: SigningAlgorithm,
    ) -> Result<bool, SigningError> {
        let wrong_master = || SigningError::WrongMaster {
            kid: key.kid.clone(),
        };
        let sealed = SigningKey::public_half(&key.kid, &key.sealed, &self.sealing_key);
        let left = StoredKey {
            algorithm: KeyAlgorithm::Verifying(algorithm).to_string(),
            sealed: sealed.ok_or_else(wrong_master)??,
            ..key.clone()
        };
        Ok(self.store.replace_key(key, &left).await?)
    }

    /// Makes a successor for the active key of each of these algorithms, to be used after `lead`. See
    /// [`key_succession`] for what holds it up.
    /// The clock is read when a key is made and about to be stored, for making one takes its time.
    ///
    /// # Errors
    /// [`SigningError::NotRotated`] while a successor waits already: of two who rotate at once, one
    /// gets this.
    ///
    /// ```
    /// # use alias_domain::{KeyAlgorithm, Lead, ports::StoredKey, testing::sample::NOON};
    /// # use alias_signing::{Keyring, SigningError};
    /// async fn turn_over(keyring: &Keyring) -> Result<Vec<StoredKey>, SigningError> {
    ///     keyring.rotate(&KeyAlgorithm::ALL, Lead::default(), || NOON).await
    /// }
    /// ```
    pub async fn rotate(
        &self,
        algorithms: &[KeyAlgorithm],
        lead: Lead,
        clock: impl Fn() -> DateTime<Utc>,
    ) -> Result<Vec<StoredKey>, SigningError> {
        // All or none, as far as can be known.
        let stored = self.store.keys().await?;
        for algorithm in algorithms {
            key_succession(&stored, *algorithm, lead, clock())?;
        }
        let mut made = Vec::with_capacity(algorithms.len());
        for algorithm in algorithms {
            let key = make(*algorithm, self.rsa, &self.sealing_key, &self.cores).await?;
            made.push((*algorithm, key));
        }
        let mut added = Vec::with_capacity(made.len());
        for (algorithm, (kid, sealed)) in made {
            added.push(self.add(algorithm, kid, sealed, lead, &clock).await?);
        }
        Ok(added)
    }

    async fn add(
        &self,
        algorithm: KeyAlgorithm,
        kid: String,
        sealed: String,
        lead: Lead,
        clock: impl Fn() -> DateTime<Utc>,
    ) -> Result<StoredKey, SigningError> {
        loop {
            let stored = self.store.keys().await?;
            let place = key_succession(&stored, algorithm, lead, clock())?;
            let key = StoredKey {
                kid: kid.clone(),
                algorithm: algorithm.to_string(),
                sealed: sealed.clone(),
                created_at: place.created_at,
                active_from: place.active_from,
            };
            // Otherwise a rival was first, and its key waits.
            if self.store.add_key(&key, place.after).await? {
                return Ok(key);
            }
        }
    }

    /// The key set (RFC 7517 5): public keys alone.
    ///
    /// ```
    /// # use alias_signing::Keyring;
    /// fn published(keyring: &Keyring) -> String {
    ///     keyring.key_set().to_string()
    /// }
    /// ```
    #[must_use]
    pub fn key_set(&self) -> Value {
        self.ring.load().key_set.clone()
    }

    pub(crate) fn ring(&self) -> Arc<ArcSwap<Ring>> {
        Arc::clone(&self.ring)
    }

    pub(crate) fn cores(&self) -> Cores {
        self.cores.clone()
    }
}

/// All keys but the retired ones.
fn in_use(mut schedule: Vec<ScheduledKey<'_>>) -> Vec<ScheduledKey<'_>> {
    schedule.retain(|it| it.stage != KeyStage::Retired);
    schedule
}

/// Opens keys that are not held yet.
async fn opened(
    schedule: &[ScheduledKey<'_>],
    before: Option<&Ring>,
    sealing_key: &Key,
    cores: &Cores,
) -> Result<Vec<Held>, SigningError> {
    let mut all = Vec::with_capacity(schedule.len());
    for scheduled in schedule {
        let held = before.and_then(|it| it.held(scheduled.key)).cloned();
        all.push(match held {
            Some(held) => held,
            None => {
                let (algorithm, key) = (scheduled.algorithm, scheduled.key.clone());
                let sealing_key = sealing_key.clone();
                let open = move || Held::open(algorithm, key, &sealing_key);
                cores.run(open).await??
            }
        });
    }
    Ok(all)
}

/// A fresh key: its ID and the sealed text.
async fn make(
    algorithm: KeyAlgorithm,
    rsa: RsaSize,
    sealing_key: &Key,
    cores: &Cores,
) -> Result<(String, String), Failure> {
    let sealing_key = sealing_key.clone();
    let work = move || match algorithm {
        KeyAlgorithm::Signing(algorithm) | KeyAlgorithm::Verifying(algorithm) => {
            SigningKey::make(algorithm, rsa, &sealing_key)
        }
        KeyAlgorithm::Sealing => SealingKey::make(&sealing_key),
    };
    cores.run(work).await?
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.ring.load();
        let kids: Vec<&str> = ring.held.iter().map(|it| it.stored.kid.as_str()).collect();
        f.debug_struct("Keyring")
            .field("keys", &kids)
            .finish_non_exhaustive()
    }
}

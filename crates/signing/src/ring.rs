//! The keys that are in use at a moment, all of them opened.

use std::{collections::HashMap, sync::Arc};

use alias_domain::{
    KeyAlgorithm, KeyStage, ScheduledKey, SigningAlgorithm,
    ports::{Failure, StoredKey},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    error::{SigningError, crypto},
    key::Key,
    sealing_key::SealingKey,
    signing_key::{SigningKey, VerifyingKey},
};

/// One of each algorithm is active; the others verify or open.
pub(crate) struct Ring {
    pub(crate) signers: HashMap<SigningAlgorithm, Arc<SigningKey>>,
    /// What reads an ID token that comes back: all whose public halves are in the key set, and those
    /// that are remembered.
    pub(crate) verifiers: Vec<Arc<VerifyingKey>>,
    pub(crate) sealer: Arc<SealingKey>,
    pub(crate) openers: Vec<Arc<SealingKey>>,
    pub(crate) key_set: Value,
    pub(crate) held: Vec<Held>,
    /// The active keys whose time has not come yet by this machine's clock.
    pub(crate) early: Vec<StoredKey>,
}

/// A key as the store keeps it, and as it is used.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) stored: StoredKey,
    opened: Opened,
}

#[derive(Clone)]
enum Opened {
    Signing(SigningAlgorithm, Arc<SigningKey>),
    Verifying(Arc<VerifyingKey>),
    Sealing(Arc<SealingKey>),
}

impl Held {
    /// Opens a stored key.
    pub(crate) fn open(
        algorithm: KeyAlgorithm,
        stored: StoredKey,
        sealing_key: &Key,
    ) -> Result<Self, SigningError> {
        let StoredKey { kid, sealed, .. } = &stored;
        let opened = match algorithm {
            KeyAlgorithm::Signing(algorithm) => {
                SigningKey::open(algorithm, kid, sealed, sealing_key)
                    .map(|it| Opened::Signing(algorithm, Arc::new(it)))
            }
            KeyAlgorithm::Verifying(algorithm) => {
                VerifyingKey::open(algorithm, kid, sealed, sealing_key)
                    .map(|it| Opened::Verifying(Arc::new(it)))
            }
            KeyAlgorithm::Sealing => {
                SealingKey::open(kid, sealed, sealing_key).map(|it| Opened::Sealing(Arc::new(it)))
            }
        };
        match opened {
            Some(opened) => Ok(Self { stored, opened }),
            None => Err(SigningError::WrongMaster { kid: stored.kid }),
        }
    }
}

impl Ring {
    /// Puts opened keys together as a schedule says. Both have the same keys in the same order.
    pub(crate) fn new(
        schedule: &[ScheduledKey<'_>],
        held: Vec<Held>,
        now: DateTime<Utc>,
    ) -> Result<Self, SigningError> {
        let (mut signers, mut sealer) = (HashMap::new(), None);
        let (mut openers, mut verifiers) = (Vec::new(), Vec::new());
        let mut published = Vec::new();
        for (scheduled, held) in schedule.iter().zip(&held) {
            let active = scheduled.stage == KeyStage::Active;
            match &held.opened {
                Opened::Signing(algorithm, key) => {
                    if !matches!(scheduled.stage, KeyStage::Remembered { .. }) {
                        let public = serde_json::to_value(key.public()).map_err(crypto)?;
                        published.push((*algorithm, public));
                    }
                    verifiers.push(key.verifying());
                    if active {
                        signers.insert(*algorithm, Arc::clone(key));
                    }
                }
                Opened::Verifying(key) => verifiers.push(Arc::clone(key)),
                Opened::Sealing(key) => {
                    openers.push(Arc::clone(key));
                    if active {
                        sealer = Some(Arc::clone(key));
                    }
                }
            }
        }
        // By algorithm, and of each the oldest first: the sort is stable. Order means nothing in a key
        // set (RFC 7517 5), but python-jose tries the keys in turn, and fails at one of another type.
        published.sort_by_key(|(algorithm, _)| *algorithm);
        let published: Vec<Value> = published.into_iter().map(|(_, key)| key).collect();
        let lacking = SigningAlgorithm::ALL
            .into_iter()
            .find(|it| !signers.contains_key(it));
        if let Some(algorithm) = lacking {
            return Err(SigningError::NoKey(KeyAlgorithm::Signing(algorithm)));
        }
        Ok(Self {
            signers,
            verifiers,
            sealer: sealer.ok_or(SigningError::NoKey(KeyAlgorithm::Sealing))?,
            openers,
            key_set: json!({ "keys": published }),
            held,
            early: schedule
                .iter()
                .filter(|it| it.stage == KeyStage::Active && now < it.key.active_from)
                .map(|it| it.key.clone())
                .collect(),
        })
    }

    /// Says which keys serve before their time, unless they did already in the ring before: this
    /// machine's clock is behind, or that of the machine that made them was ahead.
    pub(crate) fn warn_of_early_keys(&self, before: Option<&Self>) {
        let known = |it: &StoredKey| before.is_some_and(|ring| ring.early.contains(it));
        for key in self.early.iter().filter(|it| !known(it)) {
            tracing::warn!(
                kid = key.kid,
                algorithm = key.algorithm,
                active_from = %key.active_from,
                "by this machine's clock no key is active yet; the oldest serves. Set the clock \
                 right: if it is right, another one was ahead, and `aliasd key rotate` mends it"
            );
        }
    }

    /// The key that signs with an algorithm now.
    pub(crate) fn signer(&self, algorithm: SigningAlgorithm) -> Result<Arc<SigningKey>, Failure> {
        let signer = self.signers.get(&algorithm).map(Arc::clone);
        signer.ok_or_else(|| crypto(format_args!("there is no {algorithm} key")))
    }

    /// The sealing key of a name.
    pub(crate) fn opener(&self, name: &str) -> Option<&Key> {
        let opener = self.openers.iter().find(|it| it.name == name)?;
        Some(&opener.key)
    }

    /// A key that is held already as the store keeps it.
    pub(crate) fn held(&self, stored: &StoredKey) -> Option<&Held> {
        self.held.iter().find(|it| it.stored == *stored)
    }
}

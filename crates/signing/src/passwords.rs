use std::{fmt, sync::Arc, time::Duration};

use alias_domain::{
    Secret, opaque_string,
    ports::{Failure, PasswordHash, PasswordVerdict, Passwords},
};
use argon2::{
    Params,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc},
};
use async_trait::async_trait;

use crate::{
    argon2id::Argon2id,
    cores::{Cores, Patience},
    error::crypto,
};

/// How many hashes may wait for a core, for each core, and for how long. A core does some forty in a
/// second; whoever would wait longer is better told so at once.
const PATIENCE: Patience = Patience {
    waiting_per_core: 64,
    time: Duration::from_secs(5),
};

/// Hashes passwords with Argon2id: 19 MiB, two passes, one lane (OWASP's password storage cheat
/// sheet), as PHC strings. A hash takes some tens of milliseconds of a core. As many run at a time as
/// there are cores, each in memory that is allocated once. Up to 64 more for each core wait, for at
/// most 5 seconds; beyond that it is [`Failure::Busy`], and nothing is hashed.
///
/// ```
/// # use alias_domain::Secret;
/// use alias_domain::ports::{PasswordVerdict, Passwords};
/// use alias_signing::Argon2Passwords;
/// async fn is_his(password: &Secret) -> Result<bool, alias_domain::ports::Failure> {
///     let passwords = Argon2Passwords::new()?;
///     let stored = passwords.hash(&Secret::new("correct horse".to_owned())).await?;
///     let verdict = passwords.verify(password, Some(stored)).await?;
///     Ok(verdict != PasswordVerdict::Wrong)
/// }
/// ```
#[derive(Clone)]
pub struct Argon2Passwords {
    hashing: Arc<Hashing<Argon2id>>,
    cores: Cores,
}

impl Argon2Passwords {
    /// The longest password, in bytes. No longer one is ever right.
    ///
    /// ```
    /// assert_eq!(alias_signing::Argon2Passwords::MAX_LENGTH, 1024);
    /// ```
    pub const MAX_LENGTH: usize = 1024;

    /// Takes no memory for hashes before the first is made.
    ///
    /// # Errors
    /// If the cryptography fails.
    ///
    /// See the type for an example.
    pub fn new() -> Result<Self, Failure> {
        let params = Params::new(19 * 1024, 2, 1, None).map_err(crypto)?;
        let hasher = Argon2id::new(params);
        let decoy = hasher.decoy().map_err(crypto)?;
        Ok(Self {
            hashing: Arc::new(Hashing { hasher, decoy }),
            cores: Cores::all().with_patience(PATIENCE),
        })
    }
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: &Secret) -> Result<PasswordHash, Failure> {
        let (hashing, password) = (Arc::clone(&self.hashing), password.clone());
        let work = move || hashing.hash(&password);
        self.cores.run(work).await?
    }

    async fn verify(
        &self,
        password: &Secret,
        stored: Option<PasswordHash>,
    ) -> Result<PasswordVerdict, Failure> {
        let (hashing, password) = (Arc::clone(&self.hashing), password.clone());
        let work = move || hashing.verify(&password, stored.as_ref());
        self.cores.run(work).await?
    }
}

impl fmt::Debug for Argon2Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2Passwords").finish_non_exhaustive()
    }
}

/// The work itself, which blocks.
struct Hashing<H> {
    hasher: H,
    /// A hash of nobody's password, as hashes are today.
    decoy: phc::PasswordHash,
}

impl<H> Hashing<H>
where
    H: PasswordHasher<phc::PasswordHash> + PasswordVerifier<phc::PasswordHash>,
{
    fn hash(&self, password: &Secret) -> Result<PasswordHash, Failure> {
        let fitting = Self::normalized(password);
        let fitting = fitting.ok_or_else(|| crypto("the password is too long to be hashed"))?;
        let hash = self.hasher.hash_password(fitting.expose().as_bytes());
        Ok(PasswordHash::new(hash.map_err(crypto)?.to_string()))
    }

    /// The password as it is hashed; `None` if it is too long for that.
    fn normalized(password: &Secret) -> Option<Secret> {
        let fits = |it: &Secret| it.expose().len() <= Argon2Passwords::MAX_LENGTH;
        fits(password).then(|| opaque_string(password)).filter(fits)
    }

    /// Every way to be wrong takes one hash, like the way to be right.
    fn verify(
        &self,
        password: &Secret,
        stored: Option<&PasswordHash>,
    ) -> Result<PasswordVerdict, Failure> {
        let stored = stored
            .map(|it| phc::PasswordHash::new(it.as_str()))
            .transpose()
            .map_err(|error| crypto(format!("a stored password hash: {error}")))?;
        let against = stored.as_ref().unwrap_or(&self.decoy);
        let fitting = Self::normalized(password);
        let tried = fitting.as_ref().map_or("", Secret::expose);
        match self.hasher.verify_password(tried.as_bytes(), against) {
            Ok(()) if fitting.is_some() && stored.is_some() => Ok(PasswordVerdict::Right {
                rehash: self.rehash(password, against)?,
            }),
            Ok(()) | Err(password_hash::Error::PasswordInvalid) => Ok(PasswordVerdict::Wrong),
            Err(error) => Err(crypto(error)),
        }
    }

    fn rehash(
        &self,
        password: &Secret,
        stored: &phc::PasswordHash,
    ) -> Result<Option<PasswordHash>, Failure> {
        let today = &self.decoy;
        let is_of_today = stored.algorithm == today.algorithm
            && stored.version == today.version
            && stored.params == today.params;
        (!is_of_today).then(|| self.hash(password)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use argon2::Argon2;

    use super::*;

    /// Counts hashes that are cheap.
    #[derive(Default)]
    struct Counting(AtomicU32);

    impl Counting {
        fn argon2(&self) -> Argon2<'static> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Params::new(8, 1, 1, None)
                .map(Argon2::from)
                .expect("sound parameters")
        }
    }

    impl PasswordHasher<phc::PasswordHash> for Counting {
        fn hash_password_with_salt(
            &self,
            password: &[u8],
            salt: &[u8],
        ) -> password_hash::Result<phc::PasswordHash> {
            self.argon2().hash_password_with_salt(password, salt)
        }
    }

    impl PasswordVerifier<phc::PasswordHash> for Counting {
        fn verify_password(
            &self,
            password: &[u8],
            hash: &phc::PasswordHash,
        ) -> password_hash::Result<()> {
            assert!(password.len() <= Argon2Passwords::MAX_LENGTH);
            self.argon2().verify_password(password, hash)
        }
    }

    #[test]
    fn every_answer_takes_one_hash_of_bounded_length() -> Result<(), Failure> {
        let hasher = Counting::default();
        let decoy = hasher.hash_password(b"nobody's").map_err(crypto)?;
        let hashing = Hashing { hasher, decoy };
        let secret = |text: &str| Secret::new(text.to_owned());
        let stored = hashing.hash(&secret("correct horse"))?;
        let longer = "a".repeat(Argon2Passwords::MAX_LENGTH + 1);
        // One that is not too long as it was typed, and is as it would be hashed.
        let growing = "\u{fb2c}".repeat(Argon2Passwords::MAX_LENGTH / 3);
        for (password, stored) in [
            ("correct horse", Some(&stored)),
            ("battery staple", Some(&stored)),
            (longer.as_str(), Some(&stored)),
            (growing.as_str(), Some(&stored)),
            ("correct horse", None),
            (longer.as_str(), None),
        ] {
            hashing.hasher.0.store(0, Ordering::Relaxed);
            hashing.verify(&secret(password), stored)?;
            let hashes = hashing.hasher.0.load(Ordering::Relaxed);
            assert_eq!(hashes, 1, "{} bytes, {stored:?}", password.len());
        }
        Ok(())
    }
}

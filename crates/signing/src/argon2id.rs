use std::sync::{Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, RECOMMENDED_SALT_LEN, Version,
    password_hash::{
        Error, PasswordHasher, PasswordVerifier, Result,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

use crate::chance;

/// The most memory that a stored hash may ask for, in KiB: 256 MiB. A row that asks for more makes
/// no sense, and must not take the machine's memory.
const MAX_MEMORY_KIB: u32 = 256 * 1024;

/// The most passes over that memory: with them a hash takes a core for seconds, and not for ever.
const MAX_PASSES: u32 = 16;

/// What new hashes are made by.
const ALGORITHM: Algorithm = Algorithm::Argon2id;
const VERSION: Version = Version::V0x13;

/// Argon2id with the memory that it fills.
///
/// The C library keeps freed blocks of this size for each thread that allocated one, and a service
/// hashes on ever other threads. So the blocks are allocated once for each hash that runs at the
/// same time, and used again.
pub(crate) struct Argon2id {
    params: Params,
    idle: Mutex<Vec<Vec<Block>>>,
}

impl Argon2id {
    /// New hashes get these parameters.
    pub(crate) const fn new(params: Params) -> Self {
        Self {
            params,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// What a password is checked against where there is no user: as hashes are today, of no password
    /// that anybody knows. It is drawn by lot, which takes no time and no memory.
    pub(crate) fn decoy(&self) -> Result<PasswordHash> {
        let salt = Salt::new(&chance::bits::<RECOMMENDED_SALT_LEN>())?;
        self.phc(salt, &chance::bits::<{ Params::DEFAULT_OUTPUT_LEN }>())
    }

    fn phc(&self, salt: Salt, out: &[u8]) -> Result<PasswordHash> {
        Ok(PasswordHash {
            algorithm: ALGORITHM.ident(),
            version: Some(VERSION.into()),
            params: ParamsString::try_from(&self.params)?,
            salt: Some(salt),
            hash: Some(Output::new(out)?),
        })
    }

    fn compute(
        &self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<()> {
        let wanted = argon2.params().block_count();
        if wanted > self.params.block_count() {
            // A hash of other parameters: a right password replaces it, so its blocks are not kept.
            let mut blocks = allocated(wanted)?;
            return Ok(argon2.hash_password_into_with_memory(password, salt, out, &mut blocks)?);
        }
        let mut blocks = match self.idle().pop() {
            Some(blocks) => blocks,
            None => allocated(self.params.block_count())?,
        };
        let done = argon2.hash_password_into_with_memory(password, salt, out, &mut blocks);
        self.idle().push(blocks);
        Ok(done?)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fails where the memory cannot be had: an allocation that fails otherwise ends the process.
fn allocated(blocks: usize) -> Result<Vec<Block>> {
    let mut memory = Vec::new();
    memory
        .try_reserve_exact(blocks)
        .map_err(|_| Error::OutOfMemory)?;
    memory.resize(blocks, Block::new());
    Ok(memory)
}

impl PasswordHasher<PasswordHash> for Argon2id {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> Result<PasswordHash> {
        let salt = Salt::new(salt)?;
        let argon2 = Argon2::new(ALGORITHM, VERSION, self.params.clone());
        let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
        self.compute(&argon2, password, &salt, &mut out)?;
        self.phc(salt, &out)
    }
}

impl PasswordVerifier<PasswordHash> for Argon2id {
    /// By the parameters of the stored hash.
    fn verify_password(&self, password: &[u8], stored: &PasswordHash) -> Result<()> {
        let params = Params::try_from(stored)?;
        if params.m_cost() > MAX_MEMORY_KIB {
            return Err(Error::ParamInvalid { name: "m" });
        }
        if params.t_cost() > MAX_PASSES {
            return Err(Error::ParamInvalid { name: "t" });
        }
        let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
        let version = stored.version.map(Version::try_from).transpose()?;
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
            return Err(Error::PasswordInvalid);
        };
        let argon2 = Argon2::new(algorithm, version.unwrap_or_default(), params);
        let mut buffer = [0; Output::MAX_LENGTH];
        let out = buffer.get_mut(..expected.len()).ok_or(Error::OutputSize)?;
        self.compute(&argon2, password, salt, out)?;
        // `Output` compares in constant time.
        match Output::new(out)? == *expected {
            true => Ok(()),
            false => Err(Error::PasswordInvalid),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    fn small() -> Argon2id {
        Argon2id::new(Params::new(64, 1, 1, None).expect("sound parameters"))
    }

    fn stored_by(params: Params) -> Result<PasswordHash> {
        Argon2::from(params).hash_password(b"correct horse")
    }

    #[test]
    fn blocks_are_allocated_once_for_each_hash_that_runs_at_the_same_time() -> Result<()> {
        let (hashing, begin) = (small(), Barrier::new(2));
        hashing.decoy()?;
        assert_eq!(
            hashing.idle().len(),
            0,
            "none before there is something to hash"
        );
        let stored = hashing.hash_password(b"correct horse")?;
        assert_eq!(hashing.idle().len(), 1);
        let one = hashing.idle()[0].as_ptr();
        for _ in 0..100 {
            hashing.verify_password(b"correct horse", &stored)?;
            assert_eq!(hashing.idle().len(), 1);
            assert_eq!(hashing.idle()[0].as_ptr(), one, "they are used again");
        }
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    begin.wait();
                    for _ in 0..1000 {
                        assert!(hashing.verify_password(b"battery", &stored).is_err());
                    }
                });
            }
        });
        assert!((1..=2).contains(&hashing.idle().len()));
        Ok(())
    }

    #[test]
    fn a_hash_of_other_parameters_verifies_and_keeps_no_memory() -> Result<()> {
        let hashing = small();
        for (memory, passes, lanes, length) in [
            (8, 1, 1, 32),
            (32, 3, 2, 16),
            (64, 2, 1, 64),
            (1024, 2, 4, 32),
        ] {
            let params = Params::new(memory, passes, lanes, Some(length));
            let stored = stored_by(params?)?;
            hashing.verify_password(b"correct horse", &stored)?;
            let wrong = hashing.verify_password(b"battery staple", &stored);
            assert_eq!(wrong, Err(Error::PasswordInvalid));
            assert!(hashing.idle().iter().all(|it| it.len() == 64));
        }
        Ok(())
    }

    #[test]
    fn a_stored_hash_that_asks_for_gigabytes_or_hours_is_refused_at_once() -> Result<()> {
        let salt_and_hash = "c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
        for (params, name) in [
            ("m=4294967295,t=1,p=1", "m"),
            ("m=262145,t=1,p=1", "m"),
            ("m=8,t=4294967295,p=1", "t"),
            ("m=8,t=17,p=1", "t"),
        ] {
            let stored = format!("$argon2id$v=19${params}${salt_and_hash}");
            let stored = PasswordHash::new(&stored).expect("a PHC string");
            let refused = small().verify_password(b"correct horse", &stored);
            assert_eq!(refused, Err(Error::ParamInvalid { name }), "{params}");
        }
        Ok(())
    }
}

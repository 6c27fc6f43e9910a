//! The folder of `aliasd dev`, which no other user of the machine can read.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use alias_signing::{MalformedMasterKey, MasterKey};
use zeroize::Zeroizing;

use crate::{config::file, error::Error};

/// `./.alias`, for one `aliasd dev` at a time: a second one would move the demo clients to its own
/// ports.
pub(super) struct Home {
    path: PathBuf,
    /// Held locked as long as this lives.
    _lock: fs::File,
}

impl Home {
    /// The folder, made if it is missing.
    pub(super) fn open() -> Result<Self, Error> {
        let path = PathBuf::from(".alias");
        let failed = |error: io::Error| failure(&path, &error);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(failed)?;
        keep_to_owner(&path);
        let lock = fs::File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(Error::HomeInUse),
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        let home = Self { path, _lock: lock };
        // A key has no place in a repository.
        home.write(".gitignore", "*\n")?;
        Ok(home)
    }

    /// The master key, made if it is missing.
    pub(super) fn master_key(&self) -> Result<MasterKey, Error> {
        const NAME: &str = "master.key";
        if let Some(text) = self.read(NAME)? {
            let malformed = |error: MalformedMasterKey| failure(&self.path.join(NAME), &error);
            return text.trim_end().parse().map_err(malformed);
        }
        let key = MasterKey::generate();
        self.write(NAME, key.to_text().expose())?;
        Ok(key)
    }

    /// What a file here holds; `None` if there is no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<Zeroizing<String>>, Error> {
        let path = self.path.join(name);
        match file::read_text(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(&path, &error)),
        }
    }

    /// Writes a file whole or not at all, for its owner alone.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        let draft = self.path.join(format!("{name}.new"));
        let write = || {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        write().map_err(|error| failure(&path, &error))
    }

    /// A file here is not as it was written.
    pub(super) fn spoilt(&self, name: &str, reason: &dyn fmt::Display) -> Error {
        failure(&self.path.join(name), reason)
    }
}

/// A folder that was there may be open to others: it was copied, or made by hand.
fn keep_to_owner(path: &Path) {
    let open = |it: fs::Metadata| it.permissions().mode() & 0o077 != 0;
    if !fs::metadata(path).is_ok_and(open) {
        return;
    }
    if let Err(error) = fs::set_permissions(path, fs::Permissions::from_mode(0o700)) {
        tracing::warn!(
            %error, folder = %path.display(),
            "users of this machine may be able to read or change the master key: `chmod 700` the folder"
        );
    }
}

fn failure(path: &Path, reason: &dyn fmt::Display) -> Error {
    Error::File {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "./{}", self.path.display())
    }
}

//! Where the master key is found.

use std::path::PathBuf;

use alias_signing::{MalformedMasterKey, MasterKey};

use super::{ConfigError, Settings, file};

/// What the settings say of the master key.
#[derive(Debug)]
pub(crate) enum MasterKeySource {
    /// `keys.master` is the key.
    Value(MasterKey),
    /// `keys.master_file` names a file that holds it.
    File(PathBuf),
    /// Neither is set.
    Missing,
}

impl MasterKeySource {
    pub(super) fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let value = settings.read("keys.master", str::parse::<MasterKey>)?;
        let file = settings.read("keys.master_file", str::parse::<PathBuf>)?;
        match (value, file) {
            (Some(_), Some(_)) => Err(ConfigError::TwoMasterKeys),
            (Some(key), None) => Ok(Self::Value(key)),
            (None, Some(path)) => Ok(Self::File(path)),
            (None, None) => Ok(Self::Missing),
        }
    }

    /// The key.
    ///
    /// # Errors
    /// If there is none, naming the setting.
    pub(crate) fn read(&self) -> Result<MasterKey, ConfigError> {
        match self {
            Self::Value(key) => Ok(key.clone()),
            Self::File(path) => {
                let unreadable = |reason: String| ConfigError::MasterKeyFile {
                    path: path.clone(),
                    reason,
                };
                let text = file::read_text(path).map_err(|error| unreadable(error.to_string()))?;
                // A file ends in a line's end, whoever wrote it.
                text.trim_end()
                    .parse()
                    .map_err(|error: MalformedMasterKey| unreadable(error.to_string()))
            }
            Self::Missing => Err(ConfigError::NoMasterKey),
        }
    }
}

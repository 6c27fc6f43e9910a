//! Why there is no configuration, and where a value came from.

use std::{fmt, path::PathBuf};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody said anything.
    Default,
    /// This file.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(variable) => f.write_str(variable),
        }
    }
}

/// Why there is no configuration. Each names the setting, and where it was set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("configuration file {}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
    #[error("environment: {0}")]
    Unreadable(String),
    #[error("{variable}: the value is not UTF-8")]
    NotText { variable: String },
    #[error("unknown setting {key} ({origin}); `aliasd config` lists those there are")]
    Unknown { key: String, origin: Origin },
    #[error("{key} ({origin}) is not supported yet")]
    Later { key: String, origin: Origin },
    #[error("{key} ({origin}): {reason}")]
    Invalid {
        key: &'static str,
        origin: Origin,
        reason: String,
    },
    #[error("{0} is not set")]
    Missing(&'static str),
    #[error(
        "keys.master is not set: put 32 random bytes, as base64url, into ALIAS_KEYS__MASTER or into \
         a file that keys.master_file names"
    )]
    NoMasterKey,
    #[error("keys.master_file {}: {reason}", path.display())]
    MasterKeyFile { path: PathBuf, reason: String },
    #[error("keys.master and keys.master_file are both set; keep one")]
    TwoMasterKeys,
    #[error("database.password_file {}: {reason}", path.display())]
    PasswordFile { path: PathBuf, reason: String },
    #[error("database.url has a password and database.password_file is set; keep one")]
    TwoPasswords,
    #[error("{0} is set and {1} is not; set both or neither")]
    HalfTls(&'static str, &'static str),
    #[error("{key} {}: {reason}", path.display())]
    CertificateFile {
        key: &'static str,
        path: PathBuf,
        reason: String,
    },
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<Self>),
}

impl ConfigError {
    /// All of them as one, if there are any.
    pub(crate) fn all(mut faults: Vec<Self>) -> Result<(), Self> {
        match faults.len() {
            0 => Ok(()),
            1 => Err(faults.remove(0)),
            _ => Err(Self::Several(faults)),
        }
    }

    pub(super) fn invalid(key: &'static str, origin: &Origin, reason: impl fmt::Display) -> Self {
        Self::Invalid {
            key,
            origin: origin.clone(),
            reason: reason.to_string(),
        }
    }
}

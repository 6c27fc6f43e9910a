//! The configuration: settings as text become types, and a type that is held is a check made.

mod database;
#[cfg(test)]
mod deployed;
pub(crate) mod duration;
pub(crate) mod file;
mod http;
mod issuer;
mod links;
mod master_key;
mod outbound;
mod rate;
mod secret_file;
mod settings;
mod tls;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use alias_domain::{Lead, Lifetimes};
use alias_signing::RsaSize;
use chrono::TimeDelta;

pub(crate) use database::{DatabaseSource, DatabaseUrl};
pub(crate) use http::Http;
pub(crate) use issuer::Issuer;
pub(crate) use master_key::MasterKeySource;
pub(crate) use outbound::OutboundSettings;
pub(crate) use rate::{LimitSettings, Rate};
pub(crate) use settings::Settings;
use settings::{Origin, Setting};
pub(crate) use tls::TlsFiles;

/// What the service is told about itself.
#[derive(Debug)]
pub(crate) struct Config {
    /// What the service calls itself.
    pub(crate) issuer: Issuer,
    /// How it is reached.
    pub(crate) http: Http,
    /// Where it keeps what it knows.
    pub(crate) database: DatabaseSource,
    /// The most connections to it; of no concern to a file.
    pub(crate) connections: usize,
    /// The key that everything is sealed under; commands that seal nothing need none.
    pub(crate) master_key: MasterKeySource,
    /// How long a new key is published before it is used.
    pub(crate) lead: Lead,
    /// The size of the RSA keys that are made.
    pub(crate) rsa: RsaSize,
    /// How long things live.
    pub(crate) lifetimes: Lifetimes,
    /// How often strangers may do what costs something.
    pub(crate) limits: LimitSettings,
    /// Where it may go by itself.
    pub(crate) outbound: OutboundSettings,
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

    fn invalid(setting: &Setting, origin: &Origin, reason: impl fmt::Display) -> Self {
        Self::Invalid {
            key: setting.key,
            origin: origin.clone(),
            reason: reason.to_string(),
        }
    }
}

impl Config {
    /// Reads the configuration: defaults, then the file, then the environment.
    ///
    /// # Errors
    /// The first setting that is unknown, malformed or unsafe.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::from_settings(&Settings::load(file)?)
    }

    /// Gives every setting its type.
    ///
    /// # Errors
    /// The first setting that is malformed or unsafe.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let issuer = required(settings, "issuer", str::parse::<Issuer>)?;
        Ok(Self {
            http: Http::from_settings(settings, &issuer)?,
            issuer,
            database: DatabaseSource::from_settings(settings)?,
            connections: required(settings, "database.connections", connections)?,
            master_key: MasterKeySource::from_settings(settings)?,
            lead: required(settings, "keys.lead", lead)?,
            rsa: required(settings, "keys.rsa_bits", str::parse)?,
            lifetimes: Lifetimes {
                auth_code: required(settings, "lifetimes.auth_code", short)?,
                user_token: required(settings, "lifetimes.user_token", some_time)?,
                id_token: required(settings, "lifetimes.id_token", some_time)?,
                refresh_token: required(settings, "lifetimes.refresh_token", some_time)?,
                // None is a choice too: then a refresh token serves once.
                refresh_grace: required(settings, "lifetimes.refresh_grace", duration::parse)?,
                session: required(settings, "lifetimes.session", some_time)?,
            },
            limits: LimitSettings::from_settings(settings)?,
            outbound: OutboundSettings::from_settings(settings)?,
        })
    }
}

fn required<T, E: fmt::Display>(
    settings: &Settings,
    key: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, ConfigError> {
    settings.read(key, parse)?.ok_or(ConfigError::Missing(key))
}

fn connections(text: &str) -> Result<usize, &'static str> {
    let sound = |it: &usize| (1..=1000).contains(it);
    let number = text.parse().ok().filter(sound);
    number.ok_or("a number from 1 to 1000 is expected")
}

fn some_time(text: &str) -> Result<TimeDelta, String> {
    let span = duration::parse(text).map_err(|it| it.to_string())?;
    if span.is_zero() {
        return Err("more than nothing is needed".to_owned());
    }
    Ok(span)
}

fn lead(text: &str) -> Result<Lead, String> {
    let span = duration::parse(text).map_err(|it| it.to_string())?;
    Lead::new(span).ok_or_else(|| "at least 2s: every node has to see a new key first".to_owned())
}

/// A code that waits longer is of use to a thief alone (RFC 6749 4.1.2).
fn short(text: &str) -> Result<TimeDelta, String> {
    let span = some_time(text)?;
    if span > TimeDelta::minutes(10) {
        return Err("at most 10m (RFC 6749 4.1.2)".to_owned());
    }
    Ok(span)
}

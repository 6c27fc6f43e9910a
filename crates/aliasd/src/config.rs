//! The configuration: settings as text become types, and a type that is held is a check made.

mod database;
#[cfg(test)]
mod deployed;
pub(crate) mod duration;
mod error;
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

use std::path::Path;

use alias_domain::{Lead, Lifetimes};
use alias_signing::RsaSize;
use chrono::TimeDelta;

pub(crate) use database::{DatabaseSource, DatabaseUrl};
pub(crate) use error::ConfigError;
pub(crate) use http::Http;
pub(crate) use issuer::Issuer;
pub(crate) use master_key::MasterKeySource;
pub(crate) use outbound::OutboundSettings;
pub(crate) use rate::{LimitSettings, Rate};
pub(crate) use settings::Settings;
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
        let issuer = settings.required("issuer", str::parse::<Issuer>)?;
        Ok(Self {
            http: Http::from_settings(settings, &issuer)?,
            issuer,
            database: DatabaseSource::from_settings(settings)?,
            connections: settings.required("database.connections", connections)?,
            master_key: MasterKeySource::from_settings(settings)?,
            lead: settings.required("keys.lead", lead)?,
            rsa: settings.required("keys.rsa_bits", str::parse)?,
            lifetimes: Lifetimes {
                auth_code: settings.required("lifetimes.auth_code", short)?,
                user_token: settings.required("lifetimes.user_token", some_time)?,
                id_token: settings.required("lifetimes.id_token", some_time)?,
                refresh_token: settings.required("lifetimes.refresh_token", some_time)?,
                // None is a choice too: then a refresh token serves once.
                refresh_grace: settings.required("lifetimes.refresh_grace", duration::parse)?,
                session: settings.required("lifetimes.session", some_time)?,
            },
            limits: LimitSettings::from_settings(settings)?,
            outbound: OutboundSettings::from_settings(settings)?,
        })
    }
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

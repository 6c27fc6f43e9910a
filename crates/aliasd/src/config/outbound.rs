//! Where the service may go by itself.

use std::path::PathBuf;

use alias_outbound::{Outbound, PrivateNetworks};

use super::{ConfigError, Settings, file};

const ALLOW_PRIVATE: &str = "outbound.allow_private";
const CA_FILE: &str = "outbound.ca_file";

/// What is allowed beyond what everybody can reach and trusts.
#[derive(Clone, Debug)]
pub(crate) struct OutboundSettings {
    networks: PrivateNetworks,
    ca_file: Option<PathBuf>,
}

impl OutboundSettings {
    pub(super) fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            networks: settings
                .read(ALLOW_PRIVATE, str::parse::<PrivateNetworks>)?
                .unwrap_or_default(),
            ca_file: settings.read(CA_FILE, str::parse::<PathBuf>)?,
        })
    }

    /// Allows this machine itself, unless the settings say what is allowed.
    #[cfg(feature = "dev")]
    pub(crate) fn allow_loopback(&mut self, settings: &Settings) {
        if settings.is_default(ALLOW_PRIVATE) {
            self.networks = PrivateNetworks::loopback();
        }
    }

    /// The client for it.
    ///
    /// # Errors
    /// If the file with certificate authorities cannot be used, naming the setting and the file.
    pub(crate) fn client(&self) -> Result<Outbound, ConfigError> {
        let path = self.ca_file.clone().unwrap_or_default();
        let unusable = |reason: String| ConfigError::CertificateFile {
            key: CA_FILE,
            path: path.clone(),
            reason,
        };
        let authorities = self.ca_file.as_deref().map(file::read).transpose();
        let authorities = authorities.map_err(|error| unusable(error.to_string()))?;
        Outbound::new(
            self.networks.clone(),
            authorities.as_ref().map(|it| it.as_slice()),
        )
        .map_err(|error| unusable(error.to_string()))
    }
}

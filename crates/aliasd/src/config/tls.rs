//! Where the service's certificate is found.

use std::path::PathBuf;

use alias_http::{Identity, IdentityError};

use super::{ConfigError, Issuer, Settings, file};

const CERTIFICATE: &str = "http.tls.certificate";
const KEY: &str = "http.tls.key";

/// The files of a certificate and its key.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl TlsFiles {
    pub(super) fn from_settings(
        settings: &Settings,
        issuer: &Issuer,
    ) -> Result<Option<Self>, ConfigError> {
        let certificate = settings.read(CERTIFICATE, str::parse::<PathBuf>)?;
        let key = settings.read(KEY, str::parse::<PathBuf>)?;
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(ConfigError::HalfTls(CERTIFICATE, KEY)),
            (None, Some(_)) => Err(ConfigError::HalfTls(KEY, CERTIFICATE)),
            (Some(_), Some(_)) if !issuer.is_https() => Err(settings.refusal(
                "issuer",
                "https is required where http.tls.certificate is set",
            )),
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
        }
    }

    /// Reads what the files hold now.
    ///
    /// # Errors
    /// If nothing can be served with it, naming the setting and the file.
    pub(crate) fn read(&self) -> Result<Identity, ConfigError> {
        let certificate = file::read(&self.certificate)
            .map_err(|error| self.certificate_is(error.to_string()))?;
        let key = file::read(&self.key).map_err(|error| self.key_is(error.to_string()))?;
        Identity::from_pem(&certificate, &key).map_err(|error| match error {
            IdentityError::Certificate(reason) => self.certificate_is(reason),
            IdentityError::Key(reason) => self.key_is(reason),
            IdentityError::Mismatch => self.key_is(format!(
                "the key does not fit the certificate in {}",
                self.certificate.display()
            )),
        })
    }

    fn certificate_is(&self, reason: String) -> ConfigError {
        let path = self.certificate.clone();
        ConfigError::CertificateFile {
            key: CERTIFICATE,
            path,
            reason,
        }
    }

    fn key_is(&self, reason: String) -> ConfigError {
        let path = self.key.clone();
        ConfigError::CertificateFile {
            key: KEY,
            path,
            reason,
        }
    }
}

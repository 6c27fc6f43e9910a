//! The service's certificate, which is renewed while it runs.

use std::{convert::Infallible, time::Duration};

use alias_http::Tls;
use tokio::{
    signal::unix::Signal,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{
    clock,
    config::{ConfigError, Issuer, TlsFiles},
};

/// How often the files are looked at. Certificates are renewed weeks before they expire.
const EVERY: Duration = Duration::from_secs(60);

/// What connections are shown, and the files that it is from.
pub(crate) struct Certificate {
    files: TlsFiles,
    tls: Tls,
    /// Of the issuer: where browsers and clients ask for the service.
    host: String,
}

impl Certificate {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// As [`TlsFiles::read`].
    pub(crate) fn load(files: &TlsFiles, issuer: &Issuer) -> Result<Self, ConfigError> {
        Ok(Self {
            tls: Tls::new(files.read()?),
            files: files.clone(),
            host: issuer.host().to_owned(),
        })
    }

    pub(crate) const fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Says why browsers and clients will refuse a certificate that can be served with nevertheless: a
    /// proxy in front might take it.
    pub(crate) fn warn_of_refusal(&self) {
        let (identity, now) = (self.tls.shown(), clock::now());
        let (valid_from, expires_at) = (identity.valid_from(), identity.expires_at());
        if expires_at <= now {
            tracing::warn!(%expires_at, "the certificate has expired: renew http.tls.certificate");
        } else if valid_from > now {
            tracing::warn!(
                %valid_from,
                "the certificate is not valid yet: look at http.tls.certificate, and at the clock"
            );
        }
        if !identity.is_for(&self.host) {
            tracing::warn!(
                host = %self.host, certificate = %identity.hosts(),
                "the certificate is for another host than the issuer names: look at \
                 http.tls.certificate"
            );
        }
    }

    /// Shows new connections what the files hold now. If nothing can be served with that, what
    /// was shown so far stays.
    fn renew(&self) {
        match self.files.read() {
            Ok(identity) => {
                let expires_at = identity.expires_at();
                if self.tls.renew(identity) {
                    tracing::info!(%expires_at, "the certificate was renewed");
                    self.warn_of_refusal();
                }
            }
            Err(error) => tracing::error!(%error, "the certificate cannot be renewed"),
        }
    }
}

/// Renews the certificate, if there is one, whenever its files change or somebody asks for it by
/// SIGHUP, for ever.
pub(crate) async fn keep_fresh(
    certificate: Option<&Certificate>,
    hangups: &mut Signal,
) -> Infallible {
    let mut looks = interval_at(Instant::now() + EVERY, EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = hangups.recv() => tracing::info!("SIGHUP: looking for another certificate"),
        }
        if let Some(certificate) = certificate {
            certificate.renew();
        }
    }
}

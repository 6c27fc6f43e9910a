use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use alias_domain::Secret;
use chrono::{DateTime, Utc};
use moka::future::Cache;
use reqwest::{Client, Url};
use serde::Deserialize;

use crate::{
    Grant, Refusal, Settings, SettingsError,
    answers::{Answers, Unavailable},
    bearer::bearer,
    introspection::{Introspection, Verdict},
    wire::{self, ANSWER_WITHIN, Failure},
};

/// Where Alias offers introspection is asked anew after as long as its document may be cached.
const DISCOVERED_FOR: Duration = Duration::from_secs(300);

/// Alias, to be asked what tokens are worth. One serves the whole program, as the application data
/// in which [`Grant`] looks for it.
///
/// ```
/// use actix_web::{App, web};
/// use alias_resource::{Alias, Secret, Settings};
/// let alias = web::Data::new(Alias::new(Settings::new(
///     "https://id.example.com".parse()?,
///     "bjOB6HV7cTKtxvfr2k2ucg".parse()?,
///     Secret::new("2hzcd-1gV0".to_owned()),
/// ))?);
/// let app = App::new().app_data(alias.clone());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Alias {
    settings: Settings,
    http: Client,
    endpoint: Cache<(), Url>,
    answers: Answers,
}

/// What matters here of the discovery document (OIDC Discovery 3, RFC 8414 2).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    introspection_endpoint: Option<String>,
}

impl Alias {
    /// Alias as these settings tell. Nothing is asked yet: Alias may start later than the service.
    /// See the type for an example.
    ///
    /// # Errors
    /// A secret that is none of Alias's, or a system without TLS.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        // Such a secret is the same before and after the encoding of RFC 6749 2.3.1.
        let secret = settings.client_secret.expose().as_bytes();
        let admitted = |it: &u8| it.is_ascii_alphanumeric() || b"-_".contains(it);
        if secret.is_empty() || !secret.iter().all(admitted) {
            return Err(SettingsError::ClientSecret);
        }
        Ok(Self {
            http: wire::connections(&settings.issuer, ANSWER_WITHIN)
                .map_err(SettingsError::Http)?,
            endpoint: Cache::builder()
                .max_capacity(1)
                .time_to_live(DISCOVERED_FOR)
                .build(),
            answers: Answers::new(settings.cache_time),
            settings,
        })
    }

    /// What a token is worth, however it came; a handler takes a [`Grant`] instead.
    ///
    /// # Errors
    /// [`Refusal::InvalidToken`] or [`Refusal::Unavailable`].
    ///
    /// ```
    /// # use alias_resource::{Alias, Refusal, Secret};
    /// async fn first_message(alias: &Alias, text: String) -> Result<(), Refusal> {
    ///     let grant = alias.grant(&Secret::new(text)).await?;
    ///     grant.require_channel("notifications")
    /// }
    /// ```
    pub async fn grant(&self, token: &Secret) -> Result<Grant, Refusal> {
        self.grant_at(token, Utc::now()).await
    }

    /// An answer is worth nothing past the end of its token, whenever it came.
    pub(crate) async fn grant_at(
        &self,
        token: &Secret,
        now: DateTime<Utc>,
    ) -> Result<Grant, Refusal> {
        let ask = || self.introspect(token);
        let verdict = self.answers.find(token.digest(), Instant::now, ask).await;
        let grant = verdict.map_err(|Unavailable| Refusal::Unavailable)?;
        grant
            .filter(|it| now < it.expires_at)
            .ok_or(Refusal::InvalidToken)
    }

    async fn introspect(&self, token: &Secret) -> Result<Verdict, Unavailable> {
        let found = self.endpoint.try_get_with((), self.discover()).await;
        let endpoint = found.map_err(|failure| *failure)?;
        let request = self
            .http
            .post(endpoint)
            .basic_auth(
                self.settings.client_id,
                Some(self.settings.client_secret.expose()),
            )
            .form(&[("token", token.expose())]);
        let answer = wire::ask::<Introspection>(request, "an introspection response").await;
        logged(answer.and_then(|it| it.verdict(&self.settings.issuer)))
    }

    /// The introspection endpoint, as the issuer names it (OIDC Discovery 4).
    async fn discover(&self) -> Result<Url, Unavailable> {
        let issuer = &self.settings.issuer;
        let request = self.http.get(issuer.discovery());
        let document = wire::ask::<Discovery>(request, "a discovery document").await;
        logged(document.and_then(|it| {
            // 4.3: whose document it is.
            if it.issuer != issuer.as_str() {
                return Err(Failure::ForeignIssuer);
            }
            let named = it.introspection_endpoint.ok_or(Failure::Endpoint)?;
            issuer.endpoint(&named).ok_or(Failure::Endpoint)
        }))
    }
}

fn logged<T>(answer: Result<T, Failure>) -> Result<T, Unavailable> {
    answer.map_err(|failure| {
        tracing::error!(%failure, "Alias cannot be asked what a token is worth");
        Unavailable
    })
}

impl FromRequest for Grant {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let alias = request.app_data::<web::Data<Alias>>().cloned();
        let token = bearer(request.headers());
        Box::pin(async move {
            let Some(alias) = alias else {
                tracing::error!("the application has no web::Data<Alias>, so nobody is admitted");
                return Err(Refusal::NotSetUp);
            };
            alias.grant(&token?).await
        })
    }
}

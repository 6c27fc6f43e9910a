use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Provider;
use crate::{
    Access, Assurance, Capsule, Client, CodeFault, ErrorCode, IdTokenClaims, Phase, Redeem,
    Redemption, RefreshChain, RefreshToken, RequestError, Secret, Standing, TokenRequest,
    UserClaims, UserToken, code::CODE_IS_GONE, ports::Failure,
};

/// A successful answer of the token endpoint `[seed]`, in the order of the seed's example.
///
/// ```
/// # use alias_domain::{Secret, flows::TokenResponse};
/// let response = TokenResponse {
///     access_token: Secret::new("x-o7".to_owned()),
///     expires_in: 1800,
///     scope: "openid".to_owned(),
///     channels: None,
///     id_token: None,
///     refresh_token: None,
/// };
/// assert!(!format!("{response:?}").contains("x-o7"));
/// ```
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// A user token.
    pub access_token: Secret,
    /// How long it lives, in seconds.
    pub expires_in: i64,
    /// Its scopes, in canonical order.
    pub scope: String,
    /// Its channels; there exactly if it has `contact` (R16).
    pub channels: Option<String>,
    /// Only for a code (R18).
    pub id_token: Option<Secret>,
    /// Exactly if R19 says so.
    pub refresh_token: Option<Secret>,
}

impl Serialize for TokenResponse {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("access_token", self.access_token.expose())?;
        map.serialize_entry("token_type", "Bearer")?;
        map.serialize_entry("expires_in", &self.expires_in)?;
        map.serialize_entry("scope", &self.scope)?;
        if let Some(channels) = &self.channels {
            map.serialize_entry("channels", channels)?;
        }
        for (name, token) in [
            ("id_token", &self.id_token),
            ("refresh_token", &self.refresh_token),
        ] {
            if let Some(token) = token {
                map.serialize_entry(name, token.expose())?;
            }
        }
        map.end()
    }
}

/// The answer to what is no code that was sealed here.
const NO_CODE: RequestError = RequestError::new(
    ErrorCode::InvalidGrant,
    "the code is none of this service, or is damaged",
);

/// The one answer to a resource server that asks for more than what a token is worth.
pub(super) const INTROSPECTION_ALONE: RequestError = RequestError::new(
    ErrorCode::UnauthorizedClient,
    "a resource server may introspect tokens, and nothing else",
);

impl Provider {
    /// Answers a token request of an authenticated client (RFC 6749 4.1.3, 6).
    ///
    /// # Errors
    /// If the store or the cryptography fails. What the client did wrong is a value.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let request = TokenRequest::Code {
    ///     code: Secret::new("a guess".to_owned()),
    ///     redirect_uri: sample::REDIRECT_URI.to_owned(),
    ///     verifier: None,
    /// };
    /// let answer = provider.tokens(&sample::client(), request, sample::NOON).await?;
    /// assert_eq!(answer.map_err(|it| it.code).err(), Some(ErrorCode::InvalidGrant));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn tokens(
        &self,
        client: &Client,
        request: TokenRequest,
        now: DateTime<Utc>,
    ) -> Result<Result<TokenResponse, RequestError>, Failure> {
        if !client.may_hold_tokens() {
            return Ok(Err(INTROSPECTION_ALONE));
        }
        match request {
            TokenRequest::Code {
                code,
                redirect_uri,
                verifier,
            } => {
                let Some(Capsule::Code { authorization }) = self.ports.sealer.open(code.expose())
                else {
                    return Ok(Err(NO_CODE));
                };
                let redemption = Redemption {
                    authorization,
                    client_id: client.id,
                    redirect_uri,
                    verifier: verifier.map(|it| it.expose().to_owned()),
                };
                self.exchange(&redemption, now).await
            }
            TokenRequest::Refresh {
                refresh_token,
                scope,
            } => self.refresh(client, &refresh_token, scope, now).await,
        }
    }

    async fn exchange(
        &self,
        redemption: &Redemption,
        now: DateTime<Utc>,
    ) -> Result<Result<TokenResponse, RequestError>, Failure> {
        let redeemed = self
            .store()
            .redeem(redemption, &self.lifetimes, now)
            .await?;
        let (standing, access, next) = match redeemed {
            Some((standing, Redeem::Granted { access, next })) => (standing, access, next),
            Some((standing, Redeem::Refused | Redeem::Replayed)) => {
                let fault = redemption.fault(&standing, &self.lifetimes, now);
                return Ok(Err(fault.map_or(CODE_IS_GONE, CodeFault::told)));
            }
            None => return Ok(Err(CODE_IS_GONE)),
        };
        let refresh = match next.phase {
            Phase::Redeemed { refresh } => refresh,
            Phase::Code { .. } => None,
        };
        let mut response = self.token_response(&standing, access.clone(), refresh, now)?;
        let claims = self.id_token(&standing, &access, &response.access_token, now);
        let signed = self
            .ports
            .id_tokens
            .sign(standing.client.id_token_alg, &claims);
        response.id_token = Some(signed.await?);
        Ok(Ok(response))
    }

    /// A user token and, where there is a chain, its newest refresh token.
    pub(super) fn token_response(
        &self,
        standing: &Standing,
        access: Access,
        refresh: Option<RefreshChain>,
        now: DateTime<Utc>,
    ) -> Result<TokenResponse, Failure> {
        let authorization = standing.authorization.id;
        let refresh_token = refresh
            .map(|chain| {
                self.ports.sealer.seal(&Capsule::Refresh(RefreshToken {
                    authorization,
                    generation: chain.generation,
                }))
            })
            .transpose()?;
        Ok(TokenResponse {
            expires_in: self.lifetimes.user_token.num_seconds(),
            scope: access.to_string(),
            channels: standing.client.channel_list(&access),
            access_token: self.ports.sealer.seal(&Capsule::User(UserToken {
                authorization,
                access,
                issued_at: now,
                expires_at: now + self.lifetimes.user_token,
            }))?,
            id_token: None,
            refresh_token,
        })
    }

    fn id_token(
        &self,
        standing: &Standing,
        access: &Access,
        user_token: &Secret,
        now: DateTime<Utc>,
    ) -> IdTokenClaims {
        let asked = standing.authorization.binding.asked_claims;
        let assurance = Assurance::Password;
        IdTokenClaims {
            jti: URL_SAFE_NO_PAD.encode(self.ports.chance.id()),
            iss: self.issuer.clone(),
            aud: standing.client.id,
            iat: now.timestamp(),
            exp: now.timestamp() + self.lifetimes.id_token.num_seconds(),
            nonce: standing.authorization.binding.nonce.clone(),
            at_hash: IdTokenClaims::at_hash(standing.client.id_token_alg, user_token),
            sub: standing.alias_id,
            user: UserClaims::told(standing.client.claims, access, &standing.user),
            auth_time: standing.authorization.auth_time.timestamp(),
            acr: asked.acr.then(|| assurance.acr()),
            amr: asked.amr.then(|| assurance.amr()),
            sid: standing.session_alias(),
        }
    }
}

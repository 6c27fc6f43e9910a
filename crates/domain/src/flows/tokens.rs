use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Provider, exchange::INTROSPECTION_ALONE};
use crate::{
    Access, AliasId, Capsule, Client, ClientId, Phase, RefreshToken, RequestError, Secret,
    Standing, UserClaims, UserToken, ports::Failure,
};

/// What a user token tells of its user (OIDC Core 5.3).
///
/// ```
/// # use alias_domain::{UserClaims, flows::UserInfo};
/// let info = UserInfo { sub: "epGEcGfc6LQMmKTqffWW2g".parse()?, user: UserClaims::default() };
/// # Ok::<(), alias_domain::MalformedId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserInfo {
    /// The user, as the client sees them.
    pub sub: AliasId,
    /// What the token tells of the user.
    #[serde(flatten)]
    pub user: UserClaims,
}

/// What a token is worth now (RFC 7662 2.2).
///
/// ```
/// # use alias_domain::{Access, flows::Introspection, testing::sample};
/// let worth = Introspection {
///     client_id: sample::client().id,
///     sub: sample::standing().alias_id,
///     scope: Access::openid().to_string(),
///     channels: None,
///     issued_at: Some(sample::NOON),
///     expires_at: sample::NOON,
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introspection {
    /// The client that holds it.
    pub client_id: ClientId,
    /// The user, as that client sees them.
    pub sub: AliasId,
    /// As in a token response.
    pub scope: String,
    /// As in a token response (R16).
    pub channels: Option<String>,
    /// When a user token was issued.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

impl Provider {
    /// What a user token tells of its user; `None` if it is worth nothing.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// assert_eq!(provider.user_info("a guess", sample::NOON).await?, None);
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn user_info(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<UserInfo>, Failure> {
        let Some(Capsule::User(token)) = self.ports.sealer.open(token) else {
            return Ok(None);
        };
        let Some((standing, worth)) = self.worth(&token, now).await? else {
            return Ok(None);
        };
        Ok(Some(UserInfo {
            sub: standing.alias_id,
            user: UserClaims::told(standing.client.claims, &worth, &standing.user),
        }))
    }

    /// What a token is worth now; `None` if nothing, or if `client` may not know.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let guess = Secret::new("a guess".to_owned());
    /// assert_eq!(provider.introspect(&sample::client(), &guess, sample::NOON).await?, None);
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn introspect(
        &self,
        client: &Client,
        token: &Secret,
        now: DateTime<Utc>,
    ) -> Result<Option<Introspection>, Failure> {
        let found = match self.ports.sealer.open(token.expose()) {
            Some(Capsule::User(token)) => {
                self.worth(&token, now).await?.map(|(standing, worth)| {
                    (standing, worth, Some(token.issued_at), token.expires_at)
                })
            }
            Some(Capsule::Refresh(token)) => self
                .refresh_worth(&token, now)
                .await?
                .map(|(standing, worth, expires_at)| (standing, worth, None, expires_at)),
            Some(Capsule::Code { .. } | Capsule::Form(_) | Capsule::Note { .. }) | None => None,
        };
        Ok(found
            .filter(|(standing, ..)| client.may_know(standing.client.id))
            .map(|(standing, worth, issued_at, expires_at)| Introspection {
                client_id: standing.client.id,
                sub: standing.alias_id,
                scope: worth.to_string(),
                channels: standing.client.channel_list(&worth),
                issued_at,
                expires_at,
            }))
    }

    /// Revokes a token of this client (RFC 7009). A refresh token ends its authorization, with
    /// every token that stems from it; a user token ends the user tokens of its authorization so
    /// far, and the refresh token goes on. Anything else is already worth nothing.
    ///
    /// # Errors
    /// If the store does not answer. What the client may not do is a value.
    ///
    /// ```
    /// # use alias_domain::{*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let guess = Secret::new("a guess".to_owned());
    /// let done = provider.revoke_token(&sample::client(), &guess).await?;
    /// assert_eq!(done, Ok(()));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn revoke_token(
        &self,
        client: &Client,
        token: &Secret,
    ) -> Result<Result<(), RequestError>, Failure> {
        if !client.may_hold_tokens() {
            return Ok(Err(INTROSPECTION_ALONE));
        }
        let capsule = self.ports.sealer.open(token.expose());
        let (id, voided) = match capsule {
            Some(Capsule::User(token)) => (token.authorization, Some(token.issued_at)),
            Some(Capsule::Refresh(token)) => (token.authorization, None),
            Some(Capsule::Code { .. } | Capsule::Form(_) | Capsule::Note { .. }) | None => {
                return Ok(Ok(()));
            }
        };
        let standing = self.store().standing(id).await?;
        if standing.is_none_or(|it| it.client.id != client.id) {
            return Ok(Ok(()));
        }
        match voided {
            Some(through) => self.store().void_user_tokens(id, through).await?,
            None => self.store().end_authorization(id).await?,
        }
        Ok(Ok(()))
    }

    async fn worth(
        &self,
        token: &UserToken,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Access)>, Failure> {
        let standing = self.store().standing(token.authorization).await?;
        Ok(standing.and_then(|standing| {
            let worth = token.worth(&standing, now)?;
            Some((standing, worth))
        }))
    }

    async fn refresh_worth(
        &self,
        token: &RefreshToken,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Access, DateTime<Utc>)>, Failure> {
        let standing = self.store().standing(token.authorization).await?;
        Ok(standing.and_then(|standing| {
            let Phase::Redeemed {
                refresh: Some(chain),
            } = standing.authorization.phase
            else {
                return None;
            };
            let worth = chain.worth(&standing, token.generation, &self.lifetimes, now)?;
            Some((standing, worth, chain.expires_at))
        }))
    }
}

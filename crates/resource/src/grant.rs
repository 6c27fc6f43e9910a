use std::collections::BTreeSet;

use alias_domain::{AliasId, ChannelName, ClientId, META_CHANNEL, Scope};
use chrono::{DateTime, Utc};

use crate::Refusal;

/// What the token of a request is worth: as an argument of a handler, it lets in whoever brings a
/// live user token. Alias alone can say so, and holding one means that it did, no longer ago than
/// the [cache time](crate::CacheTime).
///
/// ```
/// use alias_resource::{Grant, Refusal, Scope};
///
/// async fn greet(grant: Grant) -> Result<String, Refusal> {
///     grant.require(Scope::Nickname)?;
///     Ok(format!("Hello, {}", grant.alias_id()))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) alias_id: AliasId,
    pub(crate) client_id: ClientId,
    pub(crate) scopes: BTreeSet<Scope>,
    /// Empty without `contact`.
    pub(crate) channels: BTreeSet<ChannelName>,
    pub(crate) expires_at: DateTime<Utc>,
}

impl Grant {
    /// The user, as the token's client sees them; another client sees another alias ID.
    ///
    /// ```
    /// # use alias_resource::Grant;
    /// fn mailbox(grant: &Grant) -> String {
    ///     format!("{}/{}", grant.client_id(), grant.alias_id())
    /// }
    /// ```
    #[must_use]
    pub const fn alias_id(&self) -> AliasId {
        self.alias_id
    }

    /// The client that the user granted this to. Any client of this Alias may come with a token.
    ///
    /// ```
    /// # use alias_resource::{ClientId, Grant};
    /// fn is_ours(grant: &Grant, ours: ClientId) -> bool {
    ///     grant.client_id() == ours
    /// }
    /// ```
    #[must_use]
    pub const fn client_id(&self) -> ClientId {
        self.client_id
    }

    /// When the token ends, whatever its user does.
    ///
    /// ```
    /// # use alias_resource::Grant;
    /// # use chrono::{DateTime, Utc};
    /// fn serves_until(grant: &Grant, end: DateTime<Utc>) -> bool {
    ///     grant.expires_at() >= end
    /// }
    /// ```
    #[must_use]
    pub const fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Whether the token has a scope.
    ///
    /// ```
    /// # use alias_resource::{Grant, Scope};
    /// fn may_be_named(grant: &Grant) -> bool {
    ///     grant.allows(Scope::Nickname)
    /// }
    /// ```
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether the token has a channel of its client. `_meta` is in no token, and comes with
    /// `contact` (R10, R27).
    ///
    /// ```
    /// # use alias_resource::Grant;
    /// fn may_be_told_of_a_breach(grant: &Grant) -> bool {
    ///     grant.allows_channel("_meta")
    /// }
    /// ```
    #[must_use]
    pub fn allows_channel(&self, name: &str) -> bool {
        if name == META_CHANNEL {
            return self.allows(Scope::Contact);
        }
        self.channels.iter().any(|it| it.as_str() == name)
    }

    /// Goes on only with a scope. See the type for an example.
    ///
    /// # Errors
    /// [`Refusal::MissingScope`], a 403 that says so.
    pub fn require(&self, scope: Scope) -> Result<(), Refusal> {
        match self.allows(scope) {
            true => Ok(()),
            false => Err(Refusal::MissingScope(scope)),
        }
    }

    /// Goes on only with a channel.
    ///
    /// # Errors
    /// [`Refusal::MissingChannel`], a 403 that says so.
    ///
    /// ```
    /// # use alias_resource::{Grant, Refusal};
    /// fn deliver(grant: &Grant, text: &str) -> Result<(), Refusal> {
    ///     grant.require_channel("notifications")?;
    ///     Ok(())
    /// }
    /// ```
    pub fn require_channel(&self, name: &str) -> Result<(), Refusal> {
        match self.allows_channel(name) {
            true => Ok(()),
            false => Err(Refusal::MissingChannel(name.to_owned())),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use actix_web::{ResponseError, http::header::WWW_AUTHENTICATE};

    use super::*;

    pub(crate) fn grant(scopes: &[Scope], channels: &[&str]) -> Grant {
        let name = |it: &&str| it.parse().expect("a channel's name");
        Grant {
            alias_id: "epGEcGfc6LQMmKTqffWW2g".parse().expect("an alias ID"),
            client_id: "bjOB6HV7cTKtxvfr2k2ucg".parse().expect("a client ID"),
            scopes: scopes.iter().copied().collect(),
            channels: channels.iter().map(name).collect(),
            expires_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn r10_meta_comes_with_contact() {
        let openid = grant(&[Scope::OpenId], &[]);
        let contact = grant(&[Scope::OpenId, Scope::Contact], &[]);
        assert!(!openid.allows_channel("_meta"));
        assert!(contact.allows_channel("_meta"));
        assert!(!contact.allows_channel("notifications"));
    }

    #[test]
    fn what_is_missing_is_named_in_the_challenge() {
        let openid = grant(&[Scope::OpenId], &[]);
        let challenge = |refused: Result<(), Refusal>| {
            let response = refused.expect_err("a refusal").error_response();
            assert_eq!(response.status(), 403);
            let challenge = response.headers().get(WWW_AUTHENTICATE);
            let challenge = challenge.and_then(|it| it.to_str().ok());
            challenge.expect("a challenge in ASCII").to_owned()
        };
        let contact = "Bearer error=\"insufficient_scope\", scope=\"contact\"";
        assert_eq!(challenge(openid.require(Scope::Contact)), contact);
        for (name, rest) in [
            ("notifications", ", channels=\"notifications\""),
            ("_meta", ""),
            ("a\", b=\"c", ""),
            ("a\r\nb: c", ""),
        ] {
            let refused = openid.require_channel(name);
            assert_eq!(challenge(refused), format!("{contact}{rest}"));
        }
        let granted = grant(&[Scope::OpenId, Scope::Contact], &["notifications"]);
        assert_eq!(granted.require(Scope::Contact), Ok(()));
        assert_eq!(granted.require_channel("notifications"), Ok(()));
    }
}

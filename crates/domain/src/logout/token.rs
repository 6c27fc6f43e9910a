use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{AliasId, ClientId, LogoutNotice, SessionAlias};

/// The claims of a logout token (OIDC Back-Channel Logout 1.0, 2.4). There is never a `nonce`, so
/// that none passes for an ID token. Times are seconds since 1970, as integers.
///
/// ```
/// # use alias_domain::{LogoutTokenClaims, testing::sample};
/// let claims = LogoutTokenClaims::new(
///     "https://projectalias.com", &sample::notice(), "DCZ2_7Se3ziXdcdSscAL0w", sample::NOON);
/// assert_eq!(claims.exp - claims.iat, 120);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogoutTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The user, as this client sees them.
    pub sub: AliasId,
    /// The client.
    pub aud: ClientId,
    /// When it was made.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// Fresh for each try.
    pub jti: String,
    /// What happened.
    pub events: LogoutEvent,
    /// The session that ended, as this client sees it.
    pub sid: SessionAlias,
}

/// The one event that a logout token tells of: an object with one member, itself an empty object.
///
/// ```
/// assert_eq!(alias_domain::LogoutEvent, alias_domain::LogoutEvent);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogoutEvent;

impl Serialize for LogoutEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Nothing {}
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(
            "http://schemas.openid.net/event/backchannel-logout",
            &Nothing {},
        )?;
        map.end()
    }
}

impl LogoutTokenClaims {
    /// How long a logout token lives: as long as one try may take, clocks that differ included
    /// (OIDC Back-Channel Logout 1.0, 2.4).
    const LIFETIME: TimeDelta = TimeDelta::minutes(2);

    /// Those of a notice; see the type for an example.
    #[must_use]
    pub fn new(
        issuer: &str,
        notice: &LogoutNotice,
        jti: impl Into<String>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            iss: issuer.to_owned(),
            sub: notice.alias_id,
            aud: notice.client.id,
            iat: now.timestamp(),
            exp: (now + Self::LIFETIME).timestamp(),
            jti: jti.into(),
            events: LogoutEvent,
            sid: SessionAlias::of(notice.session, notice.client.id),
        }
    }
}

//! Identifiers: 128 bits, written as 22 characters of base64url, as in the seed's examples.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::{Builder, Uuid};

use crate::Digest;

/// A text that is no identifier: not 22 characters of canonical, unpadded base64url.
///
/// ```
/// use alias_domain::{ClientId, MalformedId};
/// assert_eq!("not an id".parse::<ClientId>(), Err(MalformedId));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: 22 characters of base64url are expected")]
pub struct MalformedId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// ```
        #[doc = concat!("use alias_domain::", stringify!($name), ";")]
        #[doc = concat!("let id: ", stringify!($name), " = \"bjOB6HV7cTKtxvfr2k2ucg\".parse()?;")]
        /// assert_eq!(id.to_string(), "bjOB6HV7cTKtxvfr2k2ucg");
        #[doc = concat!("assert_eq!(", stringify!($name), "::from_uuid(id.uuid()), id);")]
        /// # Ok::<(), alias_domain::MalformedId>(())
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes 128 bits as an identifier; see the type for an example.
            #[must_use]
            pub const fn from_uuid(bits: Uuid) -> Self {
                Self(bits)
            }

            /// The 128 bits, as a store keeps them; see the type for an example.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                let mut bits = [0; 16];
                match URL_SAFE_NO_PAD.decode_slice(text, &mut bits) {
                    Ok(16) => Ok(Self(Uuid::from_bytes(bits))),
                    _ => Err(MalformedId),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

id! {
    /// Names a client (RFC 6749 2.2).
    ClientId
}
id! {
    /// Names a user inside Alias. No client ever sees it: clients see an [`AliasId`].
    UserId
}
id! {
    /// The `sub` that one client sees for one user: a pairwise subject (OIDC Core 8.1), stable for
    /// the two and unlinkable between clients.
    AliasId
}
id! {
    /// Names one authorization, from which a code, user tokens and refresh tokens stem.
    AuthorizationId
}

impl AuthorizationId {
    /// A fresh one: the time, and 74 of 128 bits that were drawn (RFC 9562 5.7). So a store keeps what
    /// is new in one place, however much it keeps; the others are few, or known to clients, who need
    /// not learn when they were made.
    ///
    /// ```
    /// # use alias_domain::{AuthorizationId, testing::sample::NOON};
    /// # use chrono::TimeDelta;
    /// let drawn = uuid::Uuid::from_u128(u128::MAX);
    /// let earlier = AuthorizationId::fresh(NOON, drawn);
    /// let later = AuthorizationId::fresh(NOON + TimeDelta::milliseconds(1), uuid::Uuid::nil());
    /// assert!(earlier < later);
    /// ```
    #[must_use]
    pub fn fresh(now: DateTime<Utc>, drawn: Uuid) -> Self {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let [_, _, _, _, _, _, drawn @ ..] = drawn.into_bytes();
        Self(Builder::from_unix_timestamp_millis(millis, &drawn).into_uuid())
    }
}
id! {
    /// Names one user's sign-in at one browser or program. It is no credential.
    SessionId
}
id! {
    /// The `sid` that one client sees of one session (OIDC Back-Channel Logout 1.0, 2.1): stable for
    /// the two, and unlinkable between clients.
    SessionAlias
}
id! {
    /// Names a pending authorization request that is shown to somebody. It is no credential.
    InteractionId
}

impl SessionAlias {
    /// What a client sees of a session. Whoever does not know the session's 128 random bits can
    /// neither compute it nor tell whether two of them are of one session.
    ///
    /// ```
    /// # use alias_domain::{SessionAlias, testing::sample::{client, public_client, session}};
    /// let seen = SessionAlias::of(session().id, client().id);
    /// assert_eq!(seen, SessionAlias::of(session().id, client().id));
    /// assert_ne!(seen, SessionAlias::of(session().id, public_client().id));
    /// ```
    #[must_use]
    pub fn of(session: SessionId, client: ClientId) -> Self {
        let ids = [&b"sid"[..], session.0.as_bytes(), client.0.as_bytes()].concat();
        let mut bits = [0; 16];
        bits.copy_from_slice(&Digest::of(&ids).bytes()[..16]);
        Self(Uuid::from_bytes(bits))
    }
}

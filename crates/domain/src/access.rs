//! What may be granted. The type has no field for `openid`, because nothing is granted without it;
//! channels live inside `contact`, because no channel is granted without it (R26).

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{ChannelId, Channels, Scope, ScopeList};

/// A set of permissions that always has `openid`, and channels only with `contact` (R26).
///
/// ```
/// use alias_domain::{Access, ChannelId, Scope};
/// let access = Access::openid().with_contact([ChannelId(1)].into()).with(Scope::Nickname);
/// assert_eq!(access.to_string(), "openid contact nickname");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "AccessRecord", into = "AccessRecord")]
pub struct Access {
    offline_access: bool,
    /// The channels below `contact`; `_meta` comes with it and is not listed (R10).
    contact: Option<Channels>,
    nickname: bool,
}

impl Access {
    /// The least that can be granted: the user's alias ID.
    ///
    /// ```
    /// assert_eq!(alias_domain::Access::openid().to_string(), "openid");
    /// ```
    #[must_use]
    pub const fn openid() -> Self {
        Self {
            offline_access: false,
            contact: None,
            nickname: false,
        }
    }

    /// With one more scope. `contact` comes without a channel, which is legal (R8).
    ///
    /// ```
    /// use alias_domain::{Access, Scope};
    /// assert!(Access::openid().with(Scope::Nickname).has(Scope::Nickname));
    /// ```
    #[must_use]
    pub fn with(mut self, scope: Scope) -> Self {
        match scope {
            Scope::OpenId => {}
            Scope::OfflineAccess => self.offline_access = true,
            Scope::Contact => _ = self.contact.get_or_insert_default(),
            Scope::Nickname => self.nickname = true,
        }
        self
    }

    /// With `contact` and these channels below it, beside those that are there already.
    ///
    /// ```
    /// use alias_domain::{Access, ChannelId};
    /// assert!(Access::openid().with_contact([ChannelId(1)].into()).has_channel(ChannelId(1)));
    /// ```
    #[must_use]
    pub fn with_contact(mut self, channels: Channels) -> Self {
        self.contact.get_or_insert_default().extend(channels);
        self
    }

    /// Whether the scope is among them; `openid` always is.
    ///
    /// ```
    /// use alias_domain::{Access, Scope};
    /// assert!(Access::openid().has(Scope::OpenId) && !Access::openid().has(Scope::Contact));
    /// ```
    #[must_use]
    pub const fn has(&self, scope: Scope) -> bool {
        match scope {
            Scope::OpenId => true,
            Scope::OfflineAccess => self.offline_access,
            Scope::Contact => self.contact.is_some(),
            Scope::Nickname => self.nickname,
        }
    }

    /// Whether the channel is among them.
    ///
    /// ```
    /// use alias_domain::{Access, ChannelId};
    /// assert!(!Access::openid().has_channel(ChannelId(1)));
    /// ```
    #[must_use]
    pub fn has_channel(&self, channel: ChannelId) -> bool {
        self.channels().is_some_and(|it| it.contains(&channel))
    }

    /// The channels, if `contact` is among the scopes.
    ///
    /// ```
    /// assert_eq!(alias_domain::Access::openid().channels(), None);
    /// ```
    #[must_use]
    pub const fn channels(&self) -> Option<&Channels> {
        self.contact.as_ref()
    }

    /// The scopes in canonical order (R1).
    ///
    /// ```
    /// use alias_domain::{Access, Scope};
    /// assert_eq!(Access::openid().scopes().collect::<Vec<_>>(), [Scope::OpenId]);
    /// ```
    pub fn scopes(&self) -> impl Iterator<Item = Scope> + '_ {
        Scope::ALL.into_iter().filter(|scope| self.has(*scope))
    }

    /// What either has.
    ///
    /// ```
    /// use alias_domain::{Access, Scope};
    /// let both = Access::openid().union(&Access::openid().with(Scope::Nickname));
    /// assert!(both.has(Scope::Nickname));
    /// ```
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let contact = match (&self.contact, &other.contact) {
            (Some(a), Some(b)) => Some(a | b),
            (a, b) => a.as_ref().or(b.as_ref()).cloned(),
        };
        Self {
            offline_access: self.offline_access || other.offline_access,
            contact,
            nickname: self.nickname || other.nickname,
        }
    }

    /// What both have.
    ///
    /// ```
    /// use alias_domain::{Access, Scope};
    /// let both = Access::openid().intersection(&Access::openid().with(Scope::Nickname));
    /// assert_eq!(both, Access::openid());
    /// ```
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            offline_access: self.offline_access && other.offline_access,
            contact: self
                .contact
                .as_ref()
                .zip(other.contact.as_ref())
                .map(|(a, b)| a & b),
            nickname: self.nickname && other.nickname,
        }
    }

    /// Whether everything that `other` has is here too.
    ///
    /// ```
    /// use alias_domain::{Access, Scope};
    /// assert!(Access::openid().with(Scope::Contact).covers(&Access::openid()));
    /// ```
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.intersection(other) == *other
    }

    /// Only the scopes of `kept`, with the channels only if `contact` is kept (R21). `openid`
    /// stays, whether `kept` has it or not.
    ///
    /// ```
    /// use alias_domain::{Access, Scope};
    /// let access = Access::openid().with(Scope::Contact).with(Scope::Nickname);
    /// assert_eq!(access.narrowed_to(&[Scope::Nickname].into()).to_string(), "openid nickname");
    /// ```
    #[must_use]
    pub fn narrowed_to(&self, kept: &BTreeSet<Scope>) -> Self {
        Self {
            offline_access: self.offline_access && kept.contains(&Scope::OfflineAccess),
            contact: self
                .contact
                .clone()
                .filter(|_| kept.contains(&Scope::Contact)),
            nickname: self.nickname && kept.contains(&Scope::Nickname),
        }
    }

    /// Without the scope; `None` when that is `openid`, for then nothing is left (R25).
    ///
    /// ```
    /// use alias_domain::{Access, Scope};
    /// assert_eq!(Access::openid().without(Scope::OpenId), None);
    /// ```
    #[must_use]
    pub fn without(mut self, scope: Scope) -> Option<Self> {
        match scope {
            Scope::OpenId => return None,
            Scope::OfflineAccess => self.offline_access = false,
            Scope::Contact => self.contact = None,
            Scope::Nickname => self.nickname = false,
        }
        Some(self)
    }

    /// Only the channels that `keep` admits; the scopes stay as they are.
    ///
    /// ```
    /// use alias_domain::{Access, ChannelId};
    /// let access = Access::openid().with_contact([ChannelId(1), ChannelId(2)].into());
    /// assert!(!access.with_channels_that(|id| id == ChannelId(2)).has_channel(ChannelId(1)));
    /// ```
    #[must_use]
    pub fn with_channels_that(mut self, keep: impl Fn(ChannelId) -> bool) -> Self {
        if let Some(channels) = &mut self.contact {
            channels.retain(|id| keep(*id));
        }
        self
    }
}

/// The scopes as a response lists them: canonical order, separated by spaces (R16).
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.scopes().map(Scope::name).collect();
        f.write_str(&names.join(" "))
    }
}

/// An [`Access`] as a store or a sealed token keeps it.
///
/// ```
/// use alias_domain::{Access, AccessRecord, Scope};
/// let record = AccessRecord::from(Access::openid().with(Scope::Nickname));
/// assert_eq!(record.scope, "openid nickname");
/// assert_eq!(Access::try_from(record)?, Access::openid().with(Scope::Nickname));
/// # Ok::<(), alias_domain::NoAccess>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRecord {
    /// The scopes, separated by spaces. One that this version does not know counts for nothing:
    /// during an upgrade, a newer node may have written it.
    pub scope: String,
    /// The channels below `contact`; without that scope they count for nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelId>,
}

/// A record that grants nothing, for it lacks `openid` (R26).
///
/// ```
/// use alias_domain::{Access, AccessRecord, NoAccess};
/// let record = AccessRecord { scope: "nickname".to_owned(), channels: vec![] };
/// assert_eq!(Access::try_from(record), Err(NoAccess));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a grant without openid")]
pub struct NoAccess;

impl From<Access> for AccessRecord {
    fn from(access: Access) -> Self {
        Self {
            scope: access.to_string(),
            channels: access.contact.into_iter().flatten().collect(),
        }
    }
}

impl TryFrom<AccessRecord> for Access {
    type Error = NoAccess;

    fn try_from(record: AccessRecord) -> Result<Self, NoAccess> {
        let known = record
            .scope
            .parse::<ScopeList>()
            .map_err(|_| NoAccess)?
            .known;
        if !known.contains(&Scope::OpenId) {
            return Err(NoAccess);
        }
        let access = known
            .iter()
            .fold(Self::openid(), |it, scope| it.with(*scope));
        Ok(if access.has(Scope::Contact) {
            access.with_contact(record.channels.into_iter().collect())
        } else {
            access
        })
    }
}

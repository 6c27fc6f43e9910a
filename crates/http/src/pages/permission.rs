//! What may be permitted, and the words for it.

use super::text::{Permission, TEXT};

/// The channel that every client has: messages that a user must be told. A client does not describe
/// it, so the pages do.
pub(super) const META: &str = "_meta";

/// A permission that a client may ask for: the scopes, as the pages know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// `openid`: the user's alias ID.
    OpenId,
    /// `offline_access`: use of what was granted while the user is away.
    OfflineAccess,
    /// `contact`: messages, of the kinds that the channels name.
    Contact,
    /// `nickname`: the name by which the user wishes to be known.
    Nickname,
}

impl ScopeKind {
    /// Every kind, in canonical order.
    pub const ALL: [Self; 4] = [
        Self::OpenId,
        Self::OfflineAccess,
        Self::Contact,
        Self::Nickname,
    ];

    /// The scope's name, as forms send it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::OfflineAccess => "offline_access",
            Self::Contact => "contact",
            Self::Nickname => "nickname",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.words().title
    }

    pub(super) const fn words(self) -> &'static Permission {
        match self {
            Self::OpenId => &TEXT.permissions.openid,
            Self::OfflineAccess => &TEXT.permissions.offline_access,
            Self::Contact => &TEXT.permissions.contact,
            Self::Nickname => &TEXT.permissions.nickname,
        }
    }
}

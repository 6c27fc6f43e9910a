//! Scopes, and the text form of a list of them (RFC 6749 3.3).

use std::{collections::BTreeSet, fmt, str::FromStr};

/// A scope of Alias `[seed]`. The order of the variants is the canonical order of output (R1).
///
/// ```
/// use alias_domain::Scope;
/// assert!(Scope::OpenId < Scope::Nickname);
/// assert_eq!("offline_access".parse(), Ok(Scope::OfflineAccess));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Access the user's alias ID.
    OpenId,
    /// Use the granted permissions while the user is away: a refresh token.
    OfflineAccess,
    /// Send messages to the user, by channel.
    Contact,
    /// Read a nickname that the user wishes to be known as.
    Nickname,
}

impl Scope {
    /// Every scope, in canonical order.
    ///
    /// ```
    /// assert_eq!(alias_domain::Scope::ALL.len(), 4);
    /// ```
    pub const ALL: [Self; 4] = [
        Self::OpenId,
        Self::OfflineAccess,
        Self::Contact,
        Self::Nickname,
    ];

    /// The name on the wire.
    ///
    /// ```
    /// assert_eq!(alias_domain::Scope::OpenId.name(), "openid");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::OfflineAccess => "offline_access",
            Self::Contact => "contact",
            Self::Nickname => "nickname",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no scope of Alias. A request ignores it (R1), a refresh refuses it (R21).
///
/// ```
/// use alias_domain::{Scope, UnknownScope};
/// assert_eq!("profile".parse::<Scope>(), Err(UnknownScope));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no scope of this service")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.name() == name)
            .ok_or(UnknownScope)
    }
}

/// A list of scopes as it was sent: which of ours it names, and which other.
///
/// ```
/// use alias_domain::{Scope, ScopeList};
/// let list: ScopeList = "profile openid openid".parse()?;
/// assert!(list.known.contains(&Scope::OpenId));
/// assert_eq!(list.unknown.as_deref(), Some("profile"));
/// assert!("openid \"quoted\"".parse::<ScopeList>().is_err());
/// # Ok::<(), alias_domain::MalformedScope>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeList {
    /// The scopes of Alias in the list; duplicates collapse, order means nothing (R1).
    pub known: BTreeSet<Scope>,
    /// The first name in the list that is no scope of Alias, if there is one.
    pub unknown: Option<String>,
}

/// A list with a character that RFC 6749 3.3 does not allow in a scope token (R1).
///
/// ```
/// use alias_domain::{MalformedScope, ScopeList};
/// assert_eq!("öpenid".parse::<ScopeList>(), Err(MalformedScope));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope has a character outside the grammar of RFC 6749 3.3")]
pub struct MalformedScope;

impl FromStr for ScopeList {
    type Err = MalformedScope;

    fn from_str(text: &str) -> Result<Self, MalformedScope> {
        let in_grammar = |b: u8| matches!(b, b' ' | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if !text.bytes().all(in_grammar) {
            return Err(MalformedScope);
        }
        let mut list = Self {
            known: BTreeSet::new(),
            unknown: None,
        };
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            match name.parse() {
                Ok(scope) => _ = list.known.insert(scope),
                Err(UnknownScope) => {
                    list.unknown.get_or_insert_with(|| name.to_owned());
                }
            }
        }
        Ok(list)
    }
}

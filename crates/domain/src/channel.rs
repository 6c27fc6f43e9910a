//! Channels: the kinds of messages that one client declares, below the scope `contact` `[seed]`.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The reserved channel for what a user must be told. Every client has it, none declares it, and
/// no [`ChannelName`] spells it: it is part of `contact` (R10, R27).
///
/// ```
/// assert!(alias_domain::META_CHANNEL.parse::<alias_domain::ChannelName>().is_err());
/// ```
pub const META_CHANNEL: &str = "_meta";

/// The name of a channel: `[a-z][a-z0-9_.-]{0,63}`.
///
/// ```
/// use alias_domain::ChannelName;
/// assert_eq!("product_updates".parse::<ChannelName>()?.as_str(), "product_updates");
/// assert!("Product Updates".parse::<ChannelName>().is_err());
/// # Ok::<(), alias_domain::MalformedChannelName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelName(String);

/// A text that is no channel name.
///
/// ```
/// use alias_domain::{ChannelName, MalformedChannelName};
/// assert_eq!("_meta".parse::<ChannelName>(), Err(MalformedChannelName));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a channel name is a lower-case letter and up to 63 of a-z 0-9 _ . -")]
pub struct MalformedChannelName;

impl ChannelName {
    /// The name as it is written.
    ///
    /// ```
    /// # use alias_domain::ChannelName;
    /// assert_eq!("events".parse::<ChannelName>()?.as_str(), "events");
    /// # Ok::<(), alias_domain::MalformedChannelName>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChannelName {
    type Err = MalformedChannelName;

    fn from_str(text: &str) -> Result<Self, MalformedChannelName> {
        let tail = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
        match text.as_bytes() {
            [b'a'..=b'z', rest @ ..] if rest.len() <= 63 && rest.iter().all(tail) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(MalformedChannelName),
        }
    }
}

impl TryFrom<String> for ChannelName {
    type Error = MalformedChannelName;

    fn try_from(text: String) -> Result<Self, MalformedChannelName> {
        text.parse()
    }
}

impl From<ChannelName> for String {
    fn from(name: ChannelName) -> Self {
        name.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One declaration of a channel by its client. A channel that is withdrawn and declared again has
/// the same name but another ID, so that no earlier grant counts for it (R30). Unique within a
/// client, never used again.
///
/// ```
/// use alias_domain::ChannelId;
/// assert!(ChannelId(1) != ChannelId(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelId(pub u32);

/// A set of channels of one client. `_meta` is in none: it is implied by `contact` (R10).
///
/// ```
/// use alias_domain::{ChannelId, Channels};
/// let channels: Channels = [ChannelId(1)].into();
/// assert!(channels.contains(&ChannelId(1)));
/// ```
pub type Channels = BTreeSet<ChannelId>;

/// A channel as its client declares it now.
///
/// ```
/// use alias_domain::{ChannelId, DeclaredChannel};
/// let channel = DeclaredChannel {
///     id: ChannelId(1),
///     name: "notifications".parse()?,
///     description: "What happened in your groups".to_owned(),
/// };
/// # Ok::<(), alias_domain::MalformedChannelName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredChannel {
    /// This declaration.
    pub id: ChannelId,
    /// The name that requests and tokens use.
    pub name: ChannelName,
    /// What the user reads when asked for consent.
    pub description: String,
}

//! Users and their sessions.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Utc};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::{SessionId, UserId, clock::is_misdated};

/// A user of Alias.
///
/// ```
/// # use alias_domain::*;
/// let user = testing::sample::user();
/// assert!(!user.locked);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Known to Alias alone.
    pub id: UserId,
    /// How the user signs in.
    pub email: Email,
    /// How the user wishes to be known.
    pub nickname: Option<Nickname>,
    /// A locked user cannot sign in, and codes and tokens are worth nothing (R30).
    pub locked: bool,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

/// An email address. Two that differ in case alone, or in how their characters are encoded, are one
/// account.
///
/// ```
/// use alias_domain::Email;
/// assert_eq!("Fred@Example.com".parse::<Email>()?, "fred@example.com".parse::<Email>()?);
/// assert_eq!("a@b\u{fc}cher.example".parse::<Email>()?.as_str(), "a@xn--bcher-kva.example");
/// # Ok::<(), alias_domain::MalformedEmail>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

/// A text that is no email address.
///
/// ```
/// use alias_domain::{Email, MalformedEmail};
/// assert_eq!("fred".parse::<Email>(), Err(MalformedEmail));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an email address")]
pub struct MalformedEmail;

impl Email {
    /// The address, in lower case, its host in ASCII.
    ///
    /// ```
    /// assert_eq!("A@b.example".parse::<alias_domain::Email>()?.as_str(), "a@b.example");
    /// # Ok::<(), alias_domain::MalformedEmail>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Email {
    type Err = MalformedEmail;

    /// Admits what could be an address; whether it is one, only a mail can tell.
    fn from_str(text: &str) -> Result<Self, MalformedEmail> {
        let (local, host) = text.trim().rsplit_once('@').ok_or(MalformedEmail)?;
        let (local, host) = (folded(local), ascii_host(host).ok_or(MalformedEmail)?);
        // As it is stored: lower case and A-labels can be longer, and what is stored must be read
        // again.
        let text = format!("{local}@{host}");
        let odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"()\\".contains(c);
        let sound =
            text.len() <= 254 && !text.contains(odd) && !local.is_empty() && !local.contains('@');
        sound.then_some(Self(text)).ok_or(MalformedEmail)
    }
}

/// In lower case and normalization form C (RFC 6532 3.1).
fn folded(local: &str) -> String {
    let lower = local.nfc().collect::<String>().to_lowercase();
    lower.nfc().collect()
}

/// A host as a mail program looks it up: international labels as A-labels (RFC 5890), by the rules of
/// UTS 46, as browsers have them. They send the host of an `<input type=email>` so, whatever was typed.
fn ascii_host(host: &str) -> Option<String> {
    // An address instead of a name (RFC 5321 4.1.3) has no labels.
    if let Some(literal) = host.strip_prefix('[') {
        let literal = literal.strip_suffix(']').filter(|it| it.is_ascii())?;
        return Some(format!("[{}]", literal.to_lowercase()));
    }
    let ascii = Uts46::new().to_ascii(
        host.as_bytes(),
        AsciiDenyList::URL,
        Hyphens::Allow,
        DnsLength::Verify,
    );
    ascii.ok().map(Cow::into_owned)
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name that a user wishes to be known as: 1 to 64 characters, none of them a control
/// character.
///
/// ```
/// use alias_domain::Nickname;
/// assert_eq!(" Fred ".parse::<Nickname>()?.as_str(), "Fred");
/// assert!("".parse::<Nickname>().is_err());
/// # Ok::<(), alias_domain::MalformedNickname>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nickname(String);

/// A text that is no nickname.
///
/// ```
/// use alias_domain::{MalformedNickname, Nickname};
/// assert_eq!("a\u{0}b".parse::<Nickname>(), Err(MalformedNickname));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a nickname is 1 to 64 characters, none of them a control character")]
pub struct MalformedNickname;

impl Nickname {
    /// The nickname; see the type for an example.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Nickname {
    type Err = MalformedNickname;

    fn from_str(text: &str) -> Result<Self, MalformedNickname> {
        let text = text.trim();
        let sound = (1..=64).contains(&text.chars().count()) && !text.contains(is_misleading);
        sound
            .then(|| Self(text.to_owned()))
            .ok_or(MalformedNickname)
    }
}

impl fmt::Display for Nickname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a character must not be in a text that people judge by: a control character, or one
/// that turns the direction of what follows it (Unicode Standard Annex 9).
pub(crate) fn is_misleading(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A user's sign-in at one browser or program, while it lasts.
///
/// ```
/// # use alias_domain::*;
/// let session = testing::sample::session();
/// assert_eq!(session.user.id, testing::sample::user().id);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Stays the same when the user authenticates again, so that no other tab is disturbed.
    pub id: SessionId,
    /// Who signed in.
    pub user: User,
    /// When the user last authenticated (OIDC Core 2, `auth_time`).
    pub auth_time: DateTime<Utc>,
    /// When the session ends by itself.
    pub expires_at: DateTime<Utc>,
}

impl Session {
    /// How many a user has at most. The sign-in beyond ends the one whose sign-in is the longest ago:
    /// so what ends all of them is one short step, whoever signs in however often (R34).
    pub const MOST: u32 = 200;
}

impl Session {
    /// Whether the user signed in by a clock that was ahead: such a session would outlive its
    /// lifetime, so it is worth nothing until that time has come.
    ///
    /// ```
    /// # use alias_domain::testing::sample;
    /// let session = sample::session();
    /// assert!(!session.is_misdated(session.auth_time));
    /// assert!(session.is_misdated(session.auth_time - chrono::TimeDelta::hours(1)));
    /// ```
    #[must_use]
    pub fn is_misdated(&self, now: DateTime<Utc>) -> bool {
        is_misdated(self.auth_time, now)
    }
}

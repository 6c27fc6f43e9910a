//! Users and their sessions.

use std::{
    borrow::Cow,
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

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

/// Why no user is given an address.
///
/// ```
/// use alias_domain::{Email, EmailError};
/// assert_eq!(Email::register("fred"), Err(EmailError::Malformed(alias_domain::MalformedEmail)));
/// assert_eq!(Email::register("fr\u{200b}ed@example.com"), Err(EmailError::Unseen('\u{200b}')));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailError {
    /// It is none.
    #[error(transparent)]
    Malformed(#[from] MalformedEmail),
    /// A character that nobody sees: it would look like another address, or like one that is
    /// written otherwise.
    #[error(
        "an email address must not have a character that cannot be seen, such as the U+{:04X} in it",
        u32::from(*.0)
    )]
    Unseen(char),
    /// Brackets around something else than an IP address (RFC 5321 4.1.3).
    #[error(
        "an email address in brackets must have an IP address there, such as fred@[192.0.2.1] or \
         fred@[IPv6:2001:db8::1]"
    )]
    Literal,
}

impl Email {
    /// An address that a user is given. It is stricter than [`str::parse`], by which a user is looked
    /// up: what a store has of an earlier day is read, found and signed in with.
    ///
    /// # Errors
    /// Why it is not given; see [`EmailError`] for examples.
    pub fn register(text: &str) -> Result<Self, EmailError> {
        let email: Self = text.parse()?;
        if let Some(unseen) = email.0.chars().find(|it| is_unseen(*it)) {
            return Err(EmailError::Unseen(unseen));
        }
        match email.literal() {
            None => Ok(email),
            Some((local, literal)) => {
                let literal = plain_literal(literal).ok_or(EmailError::Literal)?;
                Ok(format!("{local}@[{literal}]").parse()?)
            }
        }
    }

    /// The same address as it is registered today, where that is written otherwise: an IP address in
    /// brackets has one spelling (RFC 5952). A user of an earlier day may have another.
    ///
    /// ```
    /// use alias_domain::Email;
    /// let email: Email = "fred@[IPv6:2001:db8:0:0::1]".parse()?;
    /// let plain: Email = "fred@[IPv6:2001:db8::1]".parse()?;
    /// assert_eq!(email.respelled(), Some(plain));
    /// # Ok::<(), alias_domain::MalformedEmail>(())
    /// ```
    #[must_use]
    pub fn respelled(&self) -> Option<Self> {
        let (local, literal) = self.literal()?;
        let plain = Self(format!("{local}@[{}]", plain_literal(literal)?));
        (plain != *self).then_some(plain)
    }

    /// What stands before a host in brackets, and what stands in these.
    fn literal(&self) -> Option<(&str, &str)> {
        let (local, literal) = self.0.rsplit_once("@[")?;
        Some((local, literal.trim_end_matches(']')))
    }

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

/// The one spelling of the IP address that stands in brackets, in lower case; `None` if it is none.
fn plain_literal(literal: &str) -> Option<String> {
    match literal.strip_prefix("ipv6:") {
        Some(address) => {
            let address: Ipv6Addr = address.parse().ok()?;
            Some(format!("ipv6:{address}"))
        }
        None => {
            let address: Ipv4Addr = literal.parse().ok()?;
            Some(address.to_string())
        }
    }
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
#[error(
    "a nickname is 1 to 64 characters, none of them a control character and not all of them invisible"
)]
pub struct MalformedNickname;

impl Nickname {
    /// A nickname that a user is given. It is stricter than [`str::parse`], which reads what a store
    /// has of an earlier day: it can be seen.
    ///
    /// # Errors
    /// If it is none, or shows nothing.
    ///
    /// ```
    /// use alias_domain::{MalformedNickname, Nickname};
    /// assert!(Nickname::register("Fred").is_ok());
    /// assert_eq!(Nickname::register("\u{200b}"), Err(MalformedNickname));
    /// ```
    pub fn register(text: &str) -> Result<Self, MalformedNickname> {
        let nickname: Self = text.parse()?;
        shows_something(&nickname.0)
            .then_some(nickname)
            .ok_or(MalformedNickname)
    }

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

/// Whether a text has anything that is seen. Characters that are not have their use within others: they
/// join the parts of an emoji, or keep two letters of Persian apart.
pub(crate) fn shows_something(text: &str) -> bool {
    !text.chars().all(|it| it.is_whitespace() || is_unseen(it))
}

/// Whether nothing is seen of a character: Unicode's property Default_Ignorable_Code_Point, the marks of
/// interlinear annotations, and the Braille pattern without dots.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
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

//! Consent: the screen is the truth (R10, R11), and its answer is applied to what is granted now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Access, ChannelId, Channels, Client, META_CHANNEL, Scope};

/// What a user is shown: the whole effective request, and what of it was granted before (R11).
///
/// ```
/// # use alias_domain::*;
/// let client = testing::sample::client();
/// let wanted = Access::openid().with(Scope::Nickname).with(Scope::Contact);
/// let granted = Access::openid().with(Scope::Nickname);
/// let screen = Screen::new(&client, wanted, Some(&granted));
/// assert!(screen.was_granted(Scope::Nickname) && !screen.was_granted(Scope::Contact));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    shown: Access,
    granted: Option<Access>,
    /// The channels by the names that were shown: the client may rename or withdraw them before
    /// the answer comes (R31).
    names: BTreeMap<String, ChannelId>,
}

/// What a user answers (R11, R12).
///
/// ```
/// use alias_domain::Answer;
/// let answer = Answer::AllowSelected { scopes: vec!["nickname".to_owned()], channels: vec![] };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Everything that is shown.
    AllowAll,
    /// What is ticked, by name.
    AllowSelected {
        /// The ticked scopes.
        scopes: Vec<String>,
        /// The ticked channels.
        channels: Vec<String>,
    },
}

/// An answer names something that the screen did not show: it is refused whole (R11).
///
/// ```
/// # use alias_domain::*;
/// # let client = testing::sample::client();
/// let screen = Screen::new(&client, Access::openid(), None);
/// let answer = Answer::AllowSelected { scopes: vec!["contact".to_owned()], channels: vec![] };
/// assert_eq!(screen.selection(&client, &answer), Err(NotShown));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer names a permission that was not shown")]
pub struct NotShown;

impl Screen {
    /// The screen for an effective request, given what is granted now; see the type for an example.
    #[must_use]
    pub fn new(client: &Client, effective: Access, connection: Option<&Access>) -> Self {
        let shown = client.live(effective);
        let channels = shown.channels().cloned().unwrap_or_default();
        Self {
            granted: connection.map(|it| it.intersection(&shown)),
            names: client
                .declared(&channels)
                .map(|it| (it.name.to_string(), it.id))
                .collect(),
            shown,
        }
    }

    /// Everything that is shown.
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let client = testing::sample::client();
    /// assert_eq!(Screen::new(&client, Access::openid(), None).shown(), &Access::openid());
    /// ```
    #[must_use]
    pub const fn shown(&self) -> &Access {
        &self.shown
    }

    /// Whether the scope was granted before, and its box is therefore ticked (R11).
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let client = testing::sample::client();
    /// assert!(!Screen::new(&client, Access::openid(), None).was_granted(Scope::OpenId));
    /// ```
    #[must_use]
    pub fn was_granted(&self, scope: Scope) -> bool {
        self.granted.as_ref().is_some_and(|it| it.has(scope))
    }

    /// Whether the channel was granted before, and its box is therefore ticked (R11).
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let client = testing::sample::client();
    /// let screen = Screen::new(&client, Access::openid(), None);
    /// assert!(!screen.was_granted_channel(ChannelId(1)));
    /// ```
    #[must_use]
    pub fn was_granted_channel(&self, channel: ChannelId) -> bool {
        self.granted
            .as_ref()
            .is_some_and(|it| it.has_channel(channel))
    }

    /// What an answer selects of what is shown. `openid` is always selected, and channels only
    /// with `contact` (R10). A channel that was withdrawn since is dropped silently (R31).
    ///
    /// # Errors
    /// If the answer names something that was not shown.
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let client = testing::sample::client();
    /// let screen = Screen::new(&client, Access::openid().with(Scope::Nickname), None);
    /// let nothing = Answer::AllowSelected { scopes: vec![], channels: vec![] };
    /// assert_eq!(screen.selection(&client, &nothing), Ok(Access::openid()));
    /// assert_eq!(screen.selection(&client, &Answer::AllowAll), Ok(screen.shown().clone()));
    /// ```
    pub fn selection(&self, client: &Client, answer: &Answer) -> Result<Access, NotShown> {
        let selected = match answer {
            Answer::AllowAll => self.shown.clone(),
            Answer::AllowSelected { scopes, channels } => self.ticked(scopes, channels)?,
        };
        Ok(client.live(selected))
    }

    fn ticked(&self, scopes: &[String], channels: &[String]) -> Result<Access, NotShown> {
        let mut selected = Access::openid();
        for name in scopes {
            let scope: Scope = name.parse().map_err(|_| NotShown)?;
            if !self.shown.has(scope) {
                return Err(NotShown);
            }
            selected = selected.with(scope);
        }
        let mut ticked = Channels::new();
        for name in channels {
            let meta = name == META_CHANNEL && self.shown.has(Scope::Contact);
            match self.names.get(name) {
                Some(id) => _ = ticked.insert(*id),
                None if meta => {}
                None => return Err(NotShown),
            }
        }
        Ok(if selected.has(Scope::Contact) {
            selected.with_contact(ticked)
        } else {
            selected
        })
    }

    /// The connection after an answer selected this (R11): what is selected is granted, and what this
    /// screen showed as granted and is not selected is taken back. Everything else stays as it is now:
    /// what was not shown, and what was granted in another tab since.
    ///
    /// ```
    /// # use alias_domain::*;
    /// # let client = testing::sample::client();
    /// let now = Access::openid().with(Scope::OfflineAccess).with(Scope::Nickname);
    /// let screen = Screen::new(&client, Access::openid().with(Scope::Nickname), Some(&now));
    /// let after = screen.applied(&Access::openid(), Some(&now));
    /// assert_eq!(after, Access::openid().with(Scope::OfflineAccess));
    /// ```
    #[must_use]
    pub fn applied(&self, selected: &Access, connection: Option<&Access>) -> Access {
        let left = connection.map_or_else(Access::openid, |now| self.left_of(now, selected));
        left.union(selected)
    }

    /// What is left of an access once what an answer did not select is taken back. Without `contact`
    /// no channel is left (R25).
    fn left_of(&self, now: &Access, selected: &Access) -> Access {
        let stays = |scope: &Scope| selected.has(*scope) || !self.was_granted(*scope);
        now.narrowed_to(&now.scopes().filter(stays).collect())
            .with_channels_that(|id| selected.has_channel(id) || !self.was_granted_channel(id))
    }
}

//! What is inside the tokens that Alias seals, and what a user token is worth.

use chrono::{DateTime, Utc, serde::ts_milliseconds};
use serde::{Deserialize, Serialize};

use crate::{
    Access, AuthorizationId, ClientId, Digest, InteractionId, Screen, SessionId, Standing, UserId,
    clock::is_misdated,
};

/// What a sealed token says. Every kind is a variant, so that none can be used as another.
///
/// ```
/// # use alias_domain::*;
/// let code = Capsule::Code { authorization: testing::sample::standing().authorization.id };
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "typ", rename_all = "snake_case")]
pub enum Capsule {
    /// An authorization code: the rest is kept with the authorization.
    Code {
        /// What it stems from.
        authorization: AuthorizationId,
    },
    /// A user token, the `access_token`.
    User(UserToken),
    /// A refresh token.
    Refresh(RefreshToken),
    /// The token of a form on one of our pages.
    Form(Form),
    /// What one page tells the next, in the words of the adapter that writes and reads it. It is bound to
    /// nobody.
    Note {
        /// Its own, and random: no two are sealed by one derived key.
        id: Digest,
        /// The words.
        text: String,
    },
}

/// The content of a user token.
///
/// ```
/// # use alias_domain::*;
/// let token = testing::sample::user_token();
/// assert_eq!(token.access, Access::openid());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserToken {
    /// What it stems from.
    pub authorization: AuthorizationId,
    /// Its own scopes and channels.
    pub access: Access,
    /// When it was issued.
    #[serde(with = "ts_milliseconds")]
    pub issued_at: DateTime<Utc>,
    /// When it ends.
    #[serde(with = "ts_milliseconds")]
    pub expires_at: DateTime<Utc>,
}

impl UserToken {
    /// What the token is worth now: its own scopes and channels that the authorization still has
    /// (R24); `None` if nothing. One that was issued in the future would outlive its lifetime, and
    /// escape [`user_tokens_void_through`](crate::Authorization::user_tokens_void_through).
    ///
    /// ```
    /// # use alias_domain::*;
    /// let token = testing::sample::user_token();
    /// let standing = testing::sample::standing();
    /// assert_eq!(token.worth(&standing, testing::sample::NOON), Some(Access::openid()));
    /// assert_eq!(token.worth(&standing, token.expires_at), None);
    /// ```
    #[must_use]
    pub fn worth(&self, standing: &Standing, now: DateTime<Utc>) -> Option<Access> {
        let voided = standing
            .authorization
            .user_tokens_void_through
            .is_some_and(|end| self.issued_at <= end);
        if voided || now >= self.expires_at || is_misdated(self.issued_at, now) {
            return None;
        }
        Some(self.access.intersection(&standing.authority()?))
    }
}

/// The content of a refresh token. What it is worth is its authorization's authority (R20).
///
/// ```
/// # use alias_domain::*;
/// let token = RefreshToken {
///     authorization: testing::sample::standing().authorization.id,
///     generation: 1,
/// };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// What it stems from.
    pub authorization: AuthorizationId,
    /// Its place in the chain (R23).
    pub generation: u32,
}

/// The content of a form's token: what the form is about, and whom it was shown to.
///
/// ```
/// use alias_domain::{Digest, Form, FormPurpose};
/// let form = Form { binding: Digest::of(b"browser"), purpose: FormPurpose::SignIn };
/// assert_eq!(form.purpose, FormPurpose::SignIn);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// The browser, or the holder of the session token, that it was shown to.
    pub binding: Digest,
    /// What it is about.
    pub purpose: FormPurpose,
}

/// What a form is about.
///
/// ```
/// assert_eq!(alias_domain::FormPurpose::SignIn, alias_domain::FormPurpose::SignIn);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum FormPurpose {
    /// Signing in for oneself.
    SignIn,
    /// Signing in, or choosing an account, for a request.
    Interaction {
        /// The request.
        interaction: InteractionId,
        /// Who asks: to be named once the request is forgotten.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<ClientId>,
    },
    /// Answering a consent screen. The form carries the screen, so that an answer is to what this
    /// very page showed, whatever another tab did meanwhile (R11).
    Consent {
        /// The request.
        interaction: InteractionId,
        /// Who was asked.
        session: SessionId,
        /// What was shown.
        screen: Screen,
        /// Who asks: to be named once the request is forgotten.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<ClientId>,
    },
    /// Saying who is to be signed out. The form carries who was shown.
    SignOut {
        /// The sessions of those.
        sessions: Vec<SessionId>,
    },
    /// Managing the account of a session's user.
    Account {
        /// Whose.
        session: SessionId,
        /// The session's user: to be named once it has ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<UserId>,
    },
    /// No form, but what the last one did: the page that follows tells it, once.
    Notice {
        /// As the pages write it for themselves.
        done: String,
    },
}

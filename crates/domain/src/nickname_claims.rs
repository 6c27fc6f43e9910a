//! The nickname under the names that products look for (R35).

use std::{convert::Infallible, fmt, str::FromStr};

use serde::Serialize;

use crate::{Access, ClientError, Nickname, Scope, User};

/// The claims, beside `nickname`, under which a client is told a nickname (R35). There are two, for
/// products look there for something to show. None is, or may be, a claim that says who somebody is
/// or that an address is theirs.
///
/// In a store they are a text, in which a newer node may have written others: those count for
/// nothing.
///
/// ```
/// use alias_domain::NicknameClaims;
/// let claims: NicknameClaims = "preferred_username email".parse().unwrap_or_default();
/// assert_eq!(claims, NicknameClaims { name: false, preferred_username: true });
/// assert_eq!(claims.to_string(), "preferred_username");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NicknameClaims {
    /// `name`, which OIDC Core 5.1 calls the full name in displayable form.
    pub name: bool,
    /// `preferred_username`, the shorthand by which somebody wishes to be called, and which nobody
    /// must take for unique (OIDC Core 5.7).
    pub preferred_username: bool,
}

impl NicknameClaims {
    /// The names of all claims that there can be, in the order in which they are listed.
    pub const NAMES: [&'static str; 2] = ["name", "preferred_username"];

    /// Where their values come from, as an operator says it.
    pub const SOURCE: &'static str = "nickname";

    /// What whoever offers them must say.
    ///
    /// ```
    /// assert!(alias_domain::NicknameClaims::WARNING.contains("key users by sub"));
    /// ```
    pub const WARNING: &'static str =
        "a nickname names nobody uniquely and can change: key users by sub";

    /// Checks what an operator says: names of claims, and where each one's value comes from.
    ///
    /// # Errors
    /// A claim that no client is told under, or another source than the nickname.
    ///
    /// ```
    /// # use alias_domain::{ClientError, NicknameClaims};
    /// let wish = |name: &str, source: &str| vec![(name.to_owned(), source.to_owned())];
    /// assert!(NicknameClaims::register(wish("name", "nickname")).is_ok_and(|it| it.name));
    /// let address = NicknameClaims::register(wish("email", "nickname"));
    /// assert_eq!(address, Err(ClientError::Claim("email".to_owned())));
    /// ```
    pub fn register(wishes: Vec<(String, String)>) -> Result<Self, ClientError> {
        let mut claims = Self::default();
        for (name, source) in wishes {
            match claims.named(&name) {
                None => return Err(ClientError::Claim(name)),
                Some(_) if source != Self::SOURCE => return Err(ClientError::ClaimSource(name)),
                Some(claim) => *claim = true,
            }
        }
        Ok(claims)
    }

    /// The names of those that there are.
    ///
    /// ```
    /// # use alias_domain::NicknameClaims;
    /// assert_eq!(NicknameClaims::default().names().count(), 0);
    /// ```
    pub fn names(mut self) -> impl Iterator<Item = &'static str> {
        let has = move |name: &&str| self.named(name).is_some_and(|it| *it);
        Self::NAMES.into_iter().filter(has)
    }

    fn named(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "name" => Some(&mut self.name),
            "preferred_username" => Some(&mut self.preferred_username),
            _ => None,
        }
    }
}

impl fmt::Display for NicknameClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().collect();
        f.write_str(&names.join(" "))
    }
}

impl FromStr for NicknameClaims {
    type Err = Infallible;

    fn from_str(names: &str) -> Result<Self, Infallible> {
        let mut claims = Self::default();
        for name in names.split(' ') {
            if let Some(claim) = claims.named(name) {
                *claim = true;
            }
        }
        Ok(claims)
    }
}

/// What a client is told of a user beside the alias ID, in the ID token and from userinfo (R18, R35).
///
/// ```
/// # use alias_domain::{*, testing::sample};
/// let claims = NicknameClaims { name: true, ..NicknameClaims::default() };
/// let access = Access::openid().with(Scope::Nickname);
/// let told = UserClaims::told(claims, &access, &sample::user());
/// assert_eq!(told.name, told.nickname);
/// assert_eq!(told.preferred_username, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserClaims {
    /// Only with the scope of that name, and of a user who has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<Nickname>,
    /// The same, if the client is told under this name too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Nickname>,
    /// The same, if the client is told under this name too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<Nickname>,
}

impl UserClaims {
    /// R35: under whatever name, the nickname is told to whom it was granted, and to nobody else. See
    /// the type for an example.
    #[must_use]
    pub fn told(claims: NicknameClaims, access: &Access, user: &User) -> Self {
        let nickname = user
            .nickname
            .clone()
            .filter(|_| access.has(Scope::Nickname));
        Self {
            name: nickname.clone().filter(|_| claims.name),
            preferred_username: nickname.clone().filter(|_| claims.preferred_username),
            nickname,
        }
    }
}

//! What an authentication is worth, in words that clients know.

/// How a user proved who they are. There is one way so far, and so every session has it.
///
/// ```
/// use alias_domain::Assurance;
/// assert_eq!(Assurance::Password.amr(), ["pwd"]);
/// assert!(Assurance::ALL.iter().any(|it| it.acr() == Assurance::Password.acr()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assurance {
    /// A password, over a connection that is encrypted or does not leave the machine.
    Password,
}

impl Assurance {
    /// Every one, the strongest first.
    ///
    /// ```
    /// assert_eq!(alias_domain::Assurance::ALL.len(), 1);
    /// ```
    pub const ALL: [Self; 1] = [Self::Password];

    /// The authentication context class (OIDC Core 2, `acr`): that of SAML 2.0's Authentication
    /// Context 3.4.9, a password over a protected session. It promises nothing of how the password
    /// was chosen, or how often it may be guessed.
    ///
    /// ```
    /// assert!(alias_domain::Assurance::Password.acr().starts_with("urn:oasis:names:tc:SAML:2.0:"));
    /// ```
    #[must_use]
    pub const fn acr(self) -> &'static str {
        match self {
            Self::Password => "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        }
    }

    /// The authentication methods (RFC 8176). See the type for an example.
    #[must_use]
    pub const fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
        }
    }
}

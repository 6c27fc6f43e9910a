//! The claims of an ID token (R18, OIDC Core 2), in the order of the seed's example.

use std::{convert::Infallible, fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha512};

use crate::{AliasId, ClientId, Digest, Secret, SessionAlias, SigningAlgorithm, UserClaims};

/// The claims of an ID token. Times are seconds since 1970, as integers.
///
/// ```
/// # use alias_domain::*;
/// let claims = IdTokenClaims {
///     jti: "DCZ2_7Se3ziXdcdSscAL0w".to_owned(),
///     iss: "https://projectalias.com".to_owned(),
///     aud: testing::sample::client().id,
///     iat: 1_593_519_330,
///     exp: 1_593_521_130,
///     nonce: None,
///     at_hash: IdTokenClaims::at_hash(SigningAlgorithm::Rs256, &Secret::new("token".to_owned())),
///     sub: "epGEcGfc6LQMmKTqffWW2g".parse()?,
///     user: UserClaims::default(),
///     auth_time: 1_593_518_730,
///     acr: None,
///     amr: None,
///     sid: None,
/// };
/// assert_eq!(claims.at_hash.len(), 22);
/// # Ok::<(), MalformedId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdTokenClaims {
    /// Fresh for each.
    pub jti: String,
    /// The issuer.
    pub iss: String,
    /// The client.
    pub aud: ClientId,
    /// When it was issued.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// The nonce of the request, if one was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Binds it to the user token that came with it (OIDC Core 3.1.3.6).
    pub at_hash: String,
    /// The user, as this client sees them.
    pub sub: AliasId,
    /// What the user token tells of the user.
    #[serde(flatten)]
    pub user: UserClaims,
    /// When the user authenticated.
    pub auth_time: i64,
    /// What that was worth, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'static str>,
    /// How they did so, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amr: Option<&'static [&'static str]>,
    /// The session, as a client sees it that is registered for back-channel logout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionAlias>,
}

impl IdTokenClaims {
    /// The left half of a user token's hash, by the hash of the algorithm that signs
    /// (OIDC Core 3.1.3.6): SHA-512 where that is Ed25519 (RFC 8032 5.1), else SHA-256. See the type
    /// for an example.
    #[must_use]
    pub fn at_hash(algorithm: SigningAlgorithm, user_token: &Secret) -> String {
        let token = user_token.expose().as_bytes();
        match algorithm {
            SigningAlgorithm::Rs256 | SigningAlgorithm::Es256 => {
                URL_SAFE_NO_PAD.encode(&Digest::of(token).bytes()[..16])
            }
            SigningAlgorithm::EdDsa => URL_SAFE_NO_PAD.encode(&Sha512::digest(token)[..32]),
        }
    }
}

/// The claims that an ID token has only if they were asked for (R18). In a store they are a text,
/// in which a newer node may have written others: those count for nothing.
///
/// ```
/// use alias_domain::AskedClaims;
/// let asked: AskedClaims = "amr teleport".parse().unwrap_or_default();
/// assert_eq!(asked, AskedClaims { acr: false, amr: true });
/// assert_eq!(asked.to_string(), "amr");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedClaims {
    /// What the authentication is worth.
    pub acr: bool,
    /// How the user authenticated.
    pub amr: bool,
}

impl fmt::Display for AskedClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.acr, self.amr) {
            (true, true) => "acr amr",
            (true, false) => "acr",
            (false, true) => "amr",
            (false, false) => "",
        })
    }
}

impl FromStr for AskedClaims {
    type Err = Infallible;

    fn from_str(names: &str) -> Result<Self, Infallible> {
        let has = |name| names.split(' ').any(|it| it == name);
        Ok(Self {
            acr: has("acr"),
            amr: has("amr"),
        })
    }
}

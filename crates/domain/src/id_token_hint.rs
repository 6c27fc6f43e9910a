//! An ID token that comes back as a hint of who its user is (OIDC Core 3.1.2.1, RP-Initiated
//! Logout 2).

use serde::Deserialize;

use crate::{AliasId, ClientId};

/// What an ID token of this issuer says, however old it is. It is no credential: whoever has seen
/// the token can show it.
///
/// ```
/// # use alias_domain::*;
/// let claims = br#"{"iss":"https://projectalias.com","aud":"bjOB6HV7cTKtxvfr2k2ucg",
///     "iat":1593519330,"exp":1593521130,"sub":"epGEcGfc6LQMmKTqffWW2g"}"#;
/// let hint = IdTokenHint::read(claims, "https://projectalias.com");
/// assert_eq!(hint.map(|it| it.aud), Some(testing::sample::client().id));
/// assert_eq!(IdTokenHint::read(claims, "https://another.example"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenHint {
    /// The client that it was made for.
    pub aud: ClientId,
    /// The user, as that client sees them.
    pub sub: AliasId,
    /// The session that its user had, if it says so.
    pub sid: Option<String>,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it ended or ends, likewise.
    pub exp: i64,
}

/// A member that is there twice is an error; one of another name is not looked at.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: ClientId,
    sub: AliasId,
    sid: Option<String>,
    iat: i64,
    exp: i64,
}

impl IdTokenHint {
    /// Reads claims whose signature was verified; `None` if they are not an ID token's, or another
    /// issuer's. See the type for an example.
    #[must_use]
    pub fn read(claims: &[u8], issuer: &str) -> Option<Self> {
        let claims: Claims = serde_json::from_slice(claims).ok()?;
        (claims.iss == issuer).then_some(Self {
            aud: claims.aud,
            sub: claims.sub,
            sid: claims.sid,
            iat: claims.iat,
            exp: claims.exp,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://projectalias.com";

    fn read(changed: &str, to: &str) -> Option<IdTokenHint> {
        let claims = r#"{"iss":"https://projectalias.com","aud":"bjOB6HV7cTKtxvfr2k2ucg","iat":1,
            "exp":2,"sub":"epGEcGfc6LQMmKTqffWW2g","sid":"DCZ2_7Se3ziXdcdSscAL0w"}"#;
        assert!(claims.contains(changed), "{changed}");
        IdTokenHint::read(claims.replace(changed, to).as_bytes(), ISSUER)
    }

    #[test]
    fn a_hint_says_who_its_user_is_and_when_it_was_made() {
        let hint = read("", "").expect("a hint");
        assert_eq!(hint.sid.as_deref(), Some("DCZ2_7Se3ziXdcdSscAL0w"));
        assert_eq!((hint.iat, hint.exp), (1, 2));
        let without = read(r#","sid":"DCZ2_7Se3ziXdcdSscAL0w""#, "").expect("a hint");
        assert_eq!((without.sub, without.sid), (hint.sub, None));
    }

    #[test]
    fn what_is_no_id_token_of_this_issuer_for_one_client_is_no_hint() {
        for (changed, to) in [
            ("https://projectalias.com", "https://projectalias.com/"),
            (r#""iss":"https://projectalias.com","#, ""),
            (r#""aud":"bjOB6HV7cTKtxvfr2k2ucg","#, ""),
            (
                r#""bjOB6HV7cTKtxvfr2k2ucg""#,
                r#"["bjOB6HV7cTKtxvfr2k2ucg"]"#,
            ),
            ("bjOB6HV7cTKtxvfr2k2ucg", "another"),
            ("epGEcGfc6LQMmKTqffWW2g", "somebody"),
            (r#""iat":1,"#, r#""iat":1,"iat":1,"#),
            (r#""exp":2,"#, r#""exp":2,"sub":"epGEcGfc6LQMmKTqffWW2g","#),
            (r#""exp":2"#, r#""exp":"2""#),
            ("}", ""),
            ("{", "[{"),
        ] {
            assert_eq!(read(changed, to), None, "{changed} {to}");
        }
        assert_eq!(IdTokenHint::read(b"\xff", ISSUER), None);
    }
}

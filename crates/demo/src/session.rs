//! One sign-in: what was received, and what of it is shown.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::CoreIdTokenClaims;
use openidconnect::{AccessToken, RefreshToken, SubjectIdentifier};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::ClientKind;

/// One sign-in, as far as Fieldnotes remembers it.
pub(crate) struct Session {
    pub(crate) kind: ClientKind,
    pub(crate) subject: SubjectIdentifier,
    pub(crate) nickname: Option<String>,
    /// The header and the claims of the ID token, as JSON to read.
    pub(crate) id_token: String,
    /// The ID token as it came: at a sign-out it tells Alias who is meant.
    pub(crate) id_token_hint: String,
    /// What Alias calls its session towards this client, when it tells that the session ended.
    pub(crate) sid: Option<String>,
    pub(crate) tokens: Tokens,
    /// What the userinfo endpoint last said about these tokens, as JSON to read.
    pub(crate) userinfo: Option<String>,
    /// The scopes that the sign-in brought: no refresh brings more.
    approved: Vec<String>,
}

/// What the latest token response brought.
pub(crate) struct Tokens {
    pub(crate) access: AccessToken,
    pub(crate) refresh: Option<RefreshToken>,
    pub(crate) scopes: Vec<String>,
    pub(crate) channels: Option<Vec<String>>,
    /// The response as it was received, its tokens shortened, as JSON to read.
    pub(crate) shown: String,
}

/// What a user token is worth at this moment, as the introspection endpoint says.
pub(crate) struct Worth {
    pub(crate) active: bool,
    pub(crate) scopes: Vec<String>,
    pub(crate) channels: Option<Vec<String>>,
    /// The answer as it was received, as JSON to read.
    pub(crate) shown: String,
}

impl Worth {
    pub(crate) fn of(answer: &[u8]) -> Self {
        let said: Value = serde_json::from_slice(answer).unwrap_or_default();
        let words = |name: &str| {
            let list = said[name].as_str()?;
            Some(list.split_whitespace().map(str::to_owned).collect())
        };
        Self {
            active: said["active"] == true,
            scopes: words("scope").unwrap_or_default(),
            channels: words("channels"),
            shown: pretty(answer),
        }
    }
}

impl Session {
    pub(crate) fn new(
        kind: ClientKind,
        claims: &CoreIdTokenClaims,
        id_token: &str,
        tokens: Tokens,
    ) -> Self {
        let nickname = claims.nickname().and_then(|name| name.get(None));
        Self {
            kind,
            subject: claims.subject().clone(),
            nickname: nickname.map(|name| name.as_str().to_owned()),
            id_token: decoded(id_token),
            id_token_hint: id_token.to_owned(),
            sid: part(id_token, 1).and_then(|it| Some(it.get("sid")?.as_str()?.to_owned())),
            approved: tokens.scopes.clone(),
            tokens,
            userinfo: None,
        }
    }

    /// Puts newer tokens in the place of the old. A refresh brings no ID token, so that stays, and
    /// need not bring a refresh token (RFC 6749 6); what the userinfo endpoint said of the old
    /// tokens may not hold for the new.
    pub(crate) fn renew(&mut self, mut tokens: Tokens) {
        tokens.refresh = tokens.refresh.or(self.tokens.refresh.take());
        self.tokens = tokens;
        self.userinfo = None;
    }

    /// The scopes of a narrowed refresh: `openid` and one more, if the sign-in brought one.
    pub(crate) fn narrowed(&self) -> Vec<String> {
        let brought = |scope: &&str| self.approved.iter().any(|approved| approved == scope);
        let one_more = ["nickname", "contact"].into_iter().find(brought);
        let narrowed = ["openid"].into_iter().chain(one_more);
        narrowed.map(str::to_owned).collect()
    }
}

/// An ID token's header and claims, as JSON to read. The token is proven already.
fn decoded(id_token: &str) -> String {
    let decoded = Decoded {
        header: part(id_token, 0),
        claims: part(id_token, 1),
    };
    serde_json::to_string_pretty(&decoded).unwrap_or_default()
}

/// A part of a signed token: its header or its claims.
pub(crate) fn part(token: &str, index: usize) -> Option<Value> {
    let part = token.split('.').nth(index)?;
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}

#[derive(Serialize)]
struct Decoded {
    header: Option<Value>,
    claims: Option<Value>,
}

/// A JSON object to read, with every field that it has, its tokens shortened.
pub(crate) fn pretty(json: &[u8]) -> String {
    let mut fields: Map<String, Value> = serde_json::from_slice(json).unwrap_or_default();
    for (name, value) in &mut fields {
        if let (true, Value::String(token)) = (name.ends_with("_token"), value) {
            *token = shortened(token);
        }
    }
    format!("{:#}", Value::Object(fields))
}

fn shortened(token: &str) -> String {
    let start: String = token.chars().take(12).collect();
    format!("{start}… ({} characters)", token.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_shown_with_every_field() {
        let received = br#"{"token_type":"Bearer","expires_in":1800,"anything":[1]}"#;
        let shown: Option<Value> = serde_json::from_str(&pretty(received)).ok();
        assert_eq!(shown, serde_json::from_slice(received).ok());
    }

    #[test]
    fn a_token_is_shown_by_its_first_twelve_characters_and_its_length() {
        let shown = pretty(br#"{"access_token":"abcdefghijklmnopqrstuvwxyz"}"#);
        assert!(shown.contains("abcdefghijkl… (26 characters)"));
        assert!(!shown.contains("mnop"));
    }

    #[test]
    fn an_id_token_is_shown_as_header_and_claims_without_its_signature() {
        let part = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
        let token = format!(
            "{}.{}.c2ln",
            part(r#"{"alg":"RS256"}"#),
            part(r#"{"sub":"s"}"#)
        );
        let shown: Option<Value> = serde_json::from_str(&decoded(&token)).ok();
        let expected = serde_json::json!({"header": {"alg": "RS256"}, "claims": {"sub": "s"}});
        assert_eq!(shown, Some(expected));
    }
}

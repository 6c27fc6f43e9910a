use std::collections::BTreeSet;

use alias_domain::{AliasId, ChannelName, ClientId, Scope, ScopeList};
use chrono::DateTime;
use serde::Deserialize;

use crate::{Grant, Issuer, wire::Failure};

/// What Alias says of a token; `None` if it is worth nothing as a user token.
pub(crate) type Verdict = Option<Grant>;

/// An introspection response (RFC 7662 2.2).
#[derive(Deserialize)]
pub(crate) struct Introspection {
    active: bool,
    iss: Option<String>,
    token_type: Option<String>,
    client_id: Option<ClientId>,
    sub: Option<AliasId>,
    scope: Option<String>,
    channels: Option<String>,
    exp: Option<i64>,
}

impl Introspection {
    /// What it comes to. A refresh token has no `token_type`: whoever brings one here instead of a
    /// user token is not let in.
    pub(crate) fn verdict(self, issuer: &Issuer) -> Result<Verdict, Failure> {
        if !self.active {
            return Ok(None);
        }
        if self.iss.as_deref() != Some(issuer.as_str()) {
            return Err(Failure::ForeignIssuer);
        }
        if !self
            .token_type
            .as_ref()
            .is_some_and(|it| it.eq_ignore_ascii_case("Bearer"))
        {
            return Ok(None);
        }
        self.grant()
            .map(Some)
            .ok_or(Failure::Senseless("an introspection response"))
    }

    /// `None` for what breaks a rule: `openid` is always there, and channels exactly with `contact`
    /// (R16, R26).
    fn grant(self) -> Option<Grant> {
        let scopes = self.scope?.parse::<ScopeList>().ok()?.known;
        let channels = match (scopes.contains(&Scope::Contact), self.channels) {
            (true, Some(names)) => channels(&names)?,
            (false, None) => BTreeSet::new(),
            (true, None) | (false, Some(_)) => return None,
        };
        scopes.contains(&Scope::OpenId).then_some(Grant {
            alias_id: self.sub?,
            client_id: self.client_id?,
            scopes,
            channels,
            expires_at: DateTime::from_timestamp(self.exp?, 0)?,
        })
    }
}

fn channels(names: &str) -> Option<BTreeSet<ChannelName>> {
    let names = names.split(' ').filter(|it| !it.is_empty());
    names.map(|it| it.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://id.example.com";

    fn sound() -> Value {
        json!({
            "active": true, "iss": ISSUER, "token_type": "Bearer",
            "client_id": "bjOB6HV7cTKtxvfr2k2ucg", "sub": "epGEcGfc6LQMmKTqffWW2g",
            "scope": "openid contact", "channels": "notifications events", "exp": 1_800_000_000,
        })
    }

    fn with(change: &[(&str, Value)]) -> Value {
        let mut answer = sound();
        for (name, value) in change {
            answer[name] = value.clone();
        }
        answer
    }

    fn verdict(answer: Value) -> Result<Verdict, Failure> {
        let issuer = ISSUER.parse().expect("an issuer");
        let answer: Introspection =
            serde_json::from_value(answer).map_err(|_| Failure::Senseless("JSON"))?;
        answer.verdict(&issuer)
    }

    #[test]
    fn a_user_token_is_worth_what_alias_says() {
        let grant = verdict(sound()).expect("sense").expect("a live token");
        assert_eq!(grant.alias_id.to_string(), "epGEcGfc6LQMmKTqffWW2g");
        assert_eq!(grant.client_id.to_string(), "bjOB6HV7cTKtxvfr2k2ucg");
        assert_eq!(grant.scopes, [Scope::OpenId, Scope::Contact].into());
        assert!(grant.allows_channel("events") && !grant.allows_channel("tips"));
        assert_eq!(grant.expires_at.timestamp(), 1_800_000_000);
        let more = with(&[
            ("scope", json!("openid contact profile")),
            ("aud", json!("x")),
        ]);
        assert!(verdict(more).is_ok_and(|it| it.is_some()), "new words");
        let none = with(&[("channels", json!(""))]);
        assert!(verdict(none).is_ok_and(|it| it.is_some_and(|it| it.channels.is_empty())));
    }

    #[test]
    fn an_inactive_token_and_a_refresh_token_are_worth_nothing() {
        for answer in [
            json!({"active": false}),
            with(&[("active", json!(false))]),
            with(&[("token_type", Value::Null)]),
            with(&[("token_type", json!("refresh_token"))]),
        ] {
            assert!(matches!(verdict(answer.clone()), Ok(None)), "{answer}");
        }
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_a_failure_and_no_grant() {
        for change in [
            [("active", json!("true"))],
            [("active", Value::Null)],
            [("iss", Value::Null)],
            [("iss", json!("https://elsewhere.example"))],
            [("iss", json!("https://id.example.com/"))],
            [("client_id", Value::Null)],
            [("client_id", json!("me"))],
            [("sub", Value::Null)],
            [("sub", json!(7))],
            [("scope", Value::Null)],
            [("scope", json!("contact"))],
            [("scope", json!("openid"))],
            [("scope", json!(["openid", "contact"]))],
            [("scope", json!("openid contact \""))],
            [("channels", Value::Null)],
            [("channels", json!("notifications _meta"))],
            [("channels", json!("Notifications"))],
            [("exp", Value::Null)],
            [("exp", json!("1800000000"))],
            [("exp", json!(i64::MAX))],
        ] {
            assert!(verdict(with(&change)).is_err(), "{change:?}");
        }
        for answer in [json!([]), json!(null), json!({}), json!("active")] {
            assert!(verdict(answer.clone()).is_err(), "{answer}");
        }
    }
}

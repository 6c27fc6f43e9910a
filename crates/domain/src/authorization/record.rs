//! A sound request as a store keeps it while its user is asked.
//!
//! What was checked once is not checked again: what changed meanwhile must not turn the answer of a
//! user into an error of the client (R31). Only the redirect URI is looked up anew, for nothing but a
//! registered one may be redirected to (R29).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::request::RequestedChannels;
use crate::{
    AliasId, AskedClaims, AuthorizationRequest, Challenge, Client, Email, PageError, Prompt, Reply,
    ResponseMode, Scope, ScopeList,
};

/// A sound authorization request, and where its response goes, as a store keeps them: at most
/// [`RequestRecord::MAX_BYTES`] of JSON.
///
/// ```
/// # use alias_domain::*;
/// let client = testing::sample::client();
/// let params = Params::parse(
///     "scope=openid&response_type=code&state=s&ui_locales=en\
///      &redirect_uri=https%3A%2F%2Fexample.com%2Falias-callback");
/// let callback = requested_callback(&params, &client)?;
/// let reply = Reply::requested(&params, callback.clone());
/// let request = AuthorizationRequest::parse(&params, &client, callback)?;
/// let record = RequestRecord::new(&request, &reply);
/// assert_eq!(record.restored(&client)?, (request, reply));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    redirect_uri: String,
    #[serde(default, skip_serializing_if = "is_default")]
    response_mode: ResponseMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    prompt: Prompt,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    challenge: Option<Challenge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login_hint: Option<Email>,
    #[serde(default, skip_serializing_if = "is_default")]
    asked_claims: AskedClaims,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subjects: Option<Vec<AliasId>>,
    #[serde(with = "scope_list")]
    scope: BTreeSet<Scope>,
    #[serde(default, skip_serializing_if = "is_default")]
    include_granted_scopes: bool,
    channels: RequestedChannels,
}

impl RequestRecord {
    /// The longest record, in bytes of JSON: anybody can make a store keep one.
    ///
    /// ```
    /// assert_eq!(alias_domain::RequestRecord::MAX_BYTES, 4096);
    /// ```
    pub const MAX_BYTES: usize = 4096;

    /// The record of a request. See the type for an example.
    #[must_use]
    pub fn new(request: &AuthorizationRequest, reply: &Reply) -> Self {
        Self {
            redirect_uri: reply.callback.as_str().to_owned(),
            response_mode: reply.mode,
            state: reply.state.clone(),
            nonce: request.nonce.clone(),
            prompt: request.prompt,
            max_age: request.max_age,
            challenge: request.challenge.clone(),
            login_hint: request.login_hint.clone(),
            asked_claims: request.asked_claims,
            subjects: request.subjects.clone(),
            scope: request.scopes.clone(),
            include_granted_scopes: request.include_granted_scopes,
            channels: request.channels.clone(),
        }
    }

    /// The request, for the client as it is registered now. A channel that the client has withdrawn
    /// since is no longer asked for (R31).
    ///
    /// # Errors
    /// [`PageError::UnregisteredRedirectUri`], if the client no longer has the redirect URI (R29).
    /// See the type for an example.
    pub fn restored(&self, client: &Client) -> Result<(AuthorizationRequest, Reply), PageError> {
        let callback = client
            .callback(&self.redirect_uri)
            .ok_or(PageError::UnregisteredRedirectUri)?;
        let request = AuthorizationRequest {
            callback: callback.clone(),
            nonce: self.nonce.clone(),
            prompt: self.prompt,
            max_age: self.max_age,
            challenge: self.challenge.clone(),
            login_hint: self.login_hint.clone(),
            asked_claims: self.asked_claims,
            subjects: self.subjects.clone(),
            scopes: self.scope.clone(),
            include_granted_scopes: self.include_granted_scopes,
            channels: self.channels.clone().still_declared(client),
        };
        let reply = Reply {
            callback,
            mode: self.response_mode,
            state: self.state.clone(),
        };
        Ok((request, reply))
    }

    /// Whether the record is short enough to be kept.
    pub(super) fn fits(request: &AuthorizationRequest, reply: &Reply) -> bool {
        let texts = [
            Some(reply.callback.as_str()),
            reply.state.as_deref(),
            request.nonce.as_deref(),
            request.login_hint.as_ref().map(Email::as_str),
        ];
        // JSON escapes a character of these to two bytes at most, and the rest of a record has less
        // than 1,400: most requests need no longer look.
        let longest = texts.into_iter().flatten().map(str::len).sum::<usize>() * 2 + 1400;
        longest <= Self::MAX_BYTES
            || serde_json::to_string(&Self::new(request, reply))
                .is_ok_and(|it| it.len() <= Self::MAX_BYTES)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Scopes as a list of RFC 6749 3.3. One that this version does not know counts for nothing: during an
/// upgrade, a newer node may have written it.
mod scope_list {
    use std::collections::BTreeSet;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{Scope, ScopeList};

    pub(super) fn serialize<S: Serializer>(
        scopes: &BTreeSet<Scope>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let names: Vec<&str> = scopes.iter().map(|it| it.name()).collect();
        serializer.serialize_str(&names.join(" "))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<Scope>, D::Error> {
        let list: ScopeList = String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)?;
        Ok(list.known)
    }
}

//! The rules of the Alias grant: what may be asked for, what is granted, and what a token is worth.
//!
//! This crate is pure. It knows no runtime, no clock, no randomness and no I/O: time and chance
//! come in as arguments, storage and cryptography through [`ports`], and a whole grant can be
//! replayed in a unit test. The rules are numbered R1 to R35; each stands in one place, which cites
//! its number.
//!
//! - *Words*: [`Scope`], [`ChannelName`], [`Access`], [`Client`], [`Connection`], [`Standing`].
//! - *Decisions*, pure functions: [`AuthorizationRequest::parse`], [`decide`],
//!   [`Screen::selection`], [`redeem`], [`rotate`], [`revoked`], [`UserToken::worth`],
//!   [`key_schedule`], [`logout_step`], [`LogoutNotice::after`], [`ClockTrust::check`].
//! - *Flows*, which run the ports and hold no rule: [`flows::Provider`].
//! - *Testing* (feature `testing`): mocks of every port, an in-memory store, and the contract suite
//!   that every store runs.

#![forbid(unsafe_code)]

mod access;
mod assurance;
mod authorization;
mod channel;
mod client;
mod clock;
mod code;
mod connection;
mod consent;
mod expected;
pub mod flows;
mod id_token;
mod id_token_hint;
mod ids;
mod interaction;
mod key_schedule;
mod lifetimes;
mod logout;
mod nickname_claims;
mod params;
mod password;
mod pkce;
pub mod ports;
mod redirect;
mod refresh;
mod scope;
mod secret;
mod signing_algorithm;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod token_request;
mod user;

pub use access::{Access, AccessRecord, NoAccess};
pub use assurance::Assurance;
pub use authorization::{
    Authorization, AuthorizationRequest, ClaimRequest, ClaimsRequest, CodeBinding, ErrorCode,
    FormPost, MalformedClaims, NewAuthorization, PageError, Phase, Prompt, RefreshChain, Reply,
    RequestError, RequestRecord, Response, ResponseMode, Situation, Standing, Step, anticipate,
    decide, requested_callback, requested_client,
};
pub use channel::{
    ChannelId, ChannelName, Channels, DeclaredChannel, META_CHANNEL, MalformedChannelName,
};
pub use client::{
    AuthMethod, BackchannelLogout, Client, ClientChange, ClientError, ClientKind, ClientSecret,
    Registration, SecretPlace,
};
pub use clock::{CLOCK_TOLERANCE, ClockDoubt, ClockReading, ClockTrust};
pub use code::{CodeFault, Redeem, Redemption, redeem};
pub use connection::{Connection, Revocation, RevocationError, revoked};
pub use consent::{Answer, NotShown, Screen};
pub use expected::{Case, Change, Condition, End, Expected, Facts, ForSession};
pub use id_token::{AskedClaims, IdTokenClaims};
pub use id_token_hint::IdTokenHint;
pub use ids::{
    AliasId, AuthorizationId, ClientId, InteractionId, MalformedId, SessionAlias, SessionId, UserId,
};
pub use interaction::{ChosenAccount, Interaction};
pub use key_schedule::{
    KeyAlgorithm, KeyStage, KeySuccession, Lead, NotRotated, ScheduledKey, key_schedule,
    key_succession,
};
pub use lifetimes::Lifetimes;
pub use logout::{
    Aftermath, Delivery, Hinted, LogoutEvent, LogoutFault, LogoutNotice, LogoutRequest, LogoutStep,
    LogoutTokenClaims, LogoutUri, MalformedLogoutUri, WayBack, chosen_to_end, logout_step,
};
pub use nickname_claims::{NicknameClaims, UserClaims};
pub use params::{ParamError, Params};
pub use password::opaque_string;
pub use pkce::{Challenge, MalformedChallenge};
pub use redirect::{Callback, RedirectUri, RedirectUriError};
pub use refresh::{RefreshFault, RequestedScope, Rotate, Rotation, ScopeFault, rotate};
pub use scope::{MalformedScope, Scope, ScopeList, UnknownScope};
pub use secret::{Digest, Secret};
pub use signing_algorithm::{SigningAlgorithm, UnknownAlgorithm};
pub use token::{Capsule, Form, FormPurpose, RefreshToken, UserToken};
pub use token_request::{
    ClientCredentials, INVALID_CLIENT, TokenRequest, bearer_token, requested_token,
};
pub use user::{Email, EmailError, MalformedEmail, MalformedNickname, Nickname, Session, User};

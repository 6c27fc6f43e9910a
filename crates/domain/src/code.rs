//! Exchanging a code: it serves once, and only the client, redirect URI and PKCE verifier that it
//! was made for (R17, R28).

use chrono::{DateTime, Utc};

use crate::{
    Access, Authorization, AuthorizationId, ClientId, Lifetimes, Phase, RefreshChain, Scope,
    Standing,
};

/// A genuine code, as an authenticated client presents it.
///
/// ```
/// # use alias_domain::*;
/// let redemption = testing::sample::redemption();
/// assert_eq!(redemption.verifier, None);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Redemption {
    /// The authorization that the code names.
    pub authorization: AuthorizationId,
    /// Who presents it.
    pub client_id: ClientId,
    /// The `redirect_uri` of the exchange.
    pub redirect_uri: String,
    /// The `code_verifier` of the exchange.
    pub verifier: Option<String>,
}

/// What becomes of an exchange.
///
/// ```
/// # use alias_domain::*;
/// let standing = testing::sample::standing();
/// let redemption = testing::sample::redemption();
/// let at = testing::sample::NOON;
/// assert!(matches!(
///     redeem(&standing, &redemption, &Lifetimes::default(), at),
///     Redeem::Granted { .. }
/// ));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeem {
    /// The code is exchanged: store the next state, in the same step.
    Granted {
        /// What the user token has.
        access: Access,
        /// The authorization from now on.
        next: Box<Authorization>,
    },
    /// `invalid_grant`, and nothing changes.
    Refused,
    /// `invalid_grant`, and the authorization dies with every token that stems from it
    /// (RFC 6749 4.1.2).
    Replayed,
}

/// Judges an exchange (R17). See [`Redeem`] for an example.
#[must_use]
pub fn redeem(
    standing: &Standing,
    presented: &Redemption,
    lifetimes: &Lifetimes,
    now: DateTime<Utc>,
) -> Redeem {
    let authorization = &standing.authorization;
    let its_own = authorization.client_id == presented.client_id
        && authorization
            .binding
            .is_met_by(&presented.redirect_uri, presented.verifier.as_deref());
    if !its_own {
        return Redeem::Refused;
    }
    match authorization.phase {
        Phase::Redeemed { .. } => Redeem::Replayed,
        Phase::Code { expires_at } if !lifetimes.may_be_a_code_until(expires_at, now) => {
            Redeem::Refused
        }
        Phase::Code { .. } => match standing.authority() {
            None => Redeem::Refused,
            Some(access) => Redeem::Granted {
                next: Box::new(redeemed(standing, &access, lifetimes, now)),
                access,
            },
        },
    }
}

fn redeemed(
    standing: &Standing,
    access: &Access,
    lifetimes: &Lifetimes,
    now: DateTime<Utc>,
) -> Authorization {
    // R19: a refresh token exactly with `offline_access` and for a confidential client.
    let refreshes = access.has(Scope::OfflineAccess) && standing.client.may_refresh();
    let refresh = refreshes.then(|| RefreshChain {
        generation: 1,
        issued_at: now,
        expires_at: now + lifetimes.refresh_token,
    });
    Authorization {
        phase: Phase::Redeemed { refresh },
        ends_at: lifetimes.end_of_tokens(now, refresh.as_ref()),
        ..standing.authorization.clone()
    }
}

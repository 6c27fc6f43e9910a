//! Alias, as the client library finds it by discovery.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::{ClientKind, DemoClient, DemoConfig};
use crate::failure::{Failure, with_causes};
use crate::library::{AliasTokenResponse, LibraryClient, Metadata, MoreMetadata};
use crate::logout::{Disbelief, Ended, Expected};
use crate::session::{Session, Tokens, Worth, pretty};
use crate::wire::{self, Wire, WireError};
use openidconnect::ClaimsVerificationError::SignatureVerification;
use openidconnect::SignatureVerificationError::NoMatchingKey;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreIdTokenClaims, CoreJsonWebKeySet, CoreUserInfoClaims,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, Scope, TokenResponse, UserInfoError,
};

/// One thing for each of the two clients.
struct Both<T> {
    confidential: T,
    public: T,
}

impl<T> Both<T> {
    fn of(&self, kind: ClientKind) -> &T {
        match kind {
            ClientKind::Confidential => &self.confidential,
            ClientKind::Public => &self.public,
        }
    }
}

/// What an authorization request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    SignIn,
    OneMoreScope,
    OneMoreChannel,
}

impl Ask {
    /// The scopes and channels to name, besides `openid`, which the library always names. A
    /// sign-in leaves something to ask for later.
    fn names(self, kind: ClientKind) -> (&'static [&'static str], Option<&'static str>) {
        match (self, kind) {
            (Self::SignIn, ClientKind::Confidential) => (
                &["offline_access", "contact"],
                Some("notifications product_updates"),
            ),
            (Self::SignIn, ClientKind::Public) => (&["nickname"], None),
            (Self::OneMoreScope, ClientKind::Confidential) => (&["nickname"], None),
            (Self::OneMoreScope, ClientKind::Public) => (&["contact"], None),
            (Self::OneMoreChannel, _) => (&["contact"], Some("events")),
        }
    }
}

/// An authorization request that has set out, and what its answer must match.
pub(crate) struct Pending {
    pub(crate) kind: ClientKind,
    pub(crate) state: CsrfToken,
    /// Whether Alias promises to name itself in every answer (RFC 9207 3).
    names_itself: bool,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// Alias: found when first needed, and looked for again as long as it was not found.
pub(crate) struct Alias {
    issuer: IssuerUrl,
    registered: Both<Registration>,
    /// Where a browser comes back from signing out of Alias.
    signed_out_uri: String,
    http: reqwest::Client,
    found: Mutex<Option<Arc<Found>>>,
}

struct Registration {
    id: ClientId,
    secret: Option<ClientSecret>,
    redirect_uri: RedirectUrl,
}

/// What discovery gave: the library's clients, and what they have no place for.
struct Found {
    clients: Both<LibraryClient>,
    keys: CoreJsonWebKeySet,
    more: MoreMetadata,
}

impl Alias {
    /// Takes what the demo was told of Alias and of itself there. Nothing is sent yet.
    ///
    /// # Errors
    /// `InvalidInput` for what is no URL.
    pub(crate) fn new(config: &DemoConfig) -> io::Result<Self> {
        let issuer = IssuerUrl::new(config.issuer.clone()).map_err(|e| invalid("issuer", e))?;
        let registered = Both {
            confidential: Registration::new(&config.confidential)?,
            public: Registration::new(&config.public)?,
        };
        let redirect_uri = registered.confidential.redirect_uri.url();
        let origin = redirect_uri.origin().ascii_serialization();
        Ok(Self {
            issuer,
            registered,
            signed_out_uri: DemoConfig::signed_out_uri(&origin),
            http: wire::connections().map_err(io::Error::other)?,
            found: Mutex::default(),
        })
    }

    pub(crate) fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    /// The origin at which answers arrive: the demo's own, as a browser knows it.
    pub(crate) fn callback_origin(&self) -> String {
        let redirect_uri = self.registered.confidential.redirect_uri.url();
        redirect_uri.origin().ascii_serialization()
    }

    /// The authorization request as an address to send the browser to, and what to remember of it.
    pub(crate) async fn ask(&self, kind: ClientKind, ask: Ask) -> Result<(Url, Pending), Failure> {
        let found = self.found().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (scopes, channels) = ask.names(kind);
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let mut request = found
            .clients
            .of(kind)
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge)
            .add_scopes(scopes.iter().map(|&scope| Scope::new(scope.to_owned())));
        if let Some(channels) = channels {
            request = request.add_extra_param("channels", channels);
        }
        if ask != Ask::SignIn {
            request = request
                .add_extra_param("include_granted_scopes", "true")
                .add_extra_param("include_granted_channels", "true");
        }
        let (url, state, nonce) = request.url();
        let pending = Pending {
            kind,
            state,
            names_itself: found.more.authorization_response_iss_parameter_supported,
            nonce,
            verifier,
        };
        Ok((url, pending))
    }

    /// Whether an answer to `pending` names this Alias, or need not (RFC 9207 2.4).
    pub(crate) fn is_named(&self, pending: &Pending, iss: Option<&str>) -> bool {
        iss.map_or(!pending.names_itself, |iss| iss == self.issuer.as_str())
    }

    /// Exchanges the code that answered `pending`, and believes the ID token once it is proven.
    pub(crate) async fn exchange(
        &self,
        pending: Pending,
        code: String,
    ) -> Result<Session, Failure> {
        let found = self.found().await?;
        let wire = Wire::new(&self.http);
        let response = found
            .clients
            .of(pending.kind)
            .exchange_code(AuthorizationCode::new(code))?
            .set_pkce_verifier(pending.verifier)
            .request_async(&wire)
            .await?;
        let proven = match found.prove(pending.kind, &response, &pending.nonce) {
            // Alias signs with a key that is newer than what was found: look again.
            Err(SignatureVerification(NoMatchingKey)) => {
                self.forget();
                let found = self.found().await?;
                found.prove(pending.kind, &response, &pending.nonce)
            }
            proven => proven,
        };
        let claims = proven.map_err(|error| {
            Failure::unacceptable(format!("the ID token: {}", with_causes(&error)))
        })?;
        let id_token = response.id_token().map(ToString::to_string);
        Ok(Session::new(
            pending.kind,
            claims,
            &id_token.unwrap_or_default(),
            tokens(&response, &wire),
        ))
    }

    /// Exchanges the refresh token for the next one and a new user token, with the scopes `only` if
    /// there are any, else with all that the refresh token is worth.
    pub(crate) async fn refresh(
        &self,
        kind: ClientKind,
        refresh_token: &RefreshToken,
        only: &[String],
    ) -> Result<Tokens, Failure> {
        let found = self.found().await?;
        let wire = Wire::new(&self.http);
        let response = found
            .clients
            .of(kind)
            .exchange_refresh_token(refresh_token)?
            .add_scopes(only.iter().cloned().map(Scope::new))
            .request_async(&wire)
            .await?;
        Ok(tokens(&response, &wire))
    }

    /// What the userinfo endpoint says, as it was received; about another subject, it is refused.
    pub(crate) async fn userinfo(&self, session: &Session) -> Result<String, Failure> {
        let found = self.found().await?;
        let wire = Wire::new(&self.http);
        let access_token = session.tokens.access.clone();
        let answer: Result<CoreUserInfoClaims, _> = found
            .clients
            .of(session.kind)
            .user_info(access_token, Some(session.subject.clone()))?
            .request_async(&wire)
            .await;
        match answer {
            Ok(_) => Ok(pretty(wire.last().body())),
            Err(UserInfoError::Response(..)) => Err(Failure::told_by(&wire.last())),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the tokens back (RFC 7009): the refresh token, or the user token where there is none.
    ///
    /// The library revokes at https alone, so this one request is the demo's own. IDs and secrets
    /// of Alias need no encoding before they stand in an `Authorization` header.
    pub(crate) async fn revoke(&self, session: &Session) -> Result<(), Failure> {
        let found = self.found().await?;
        let Some(endpoint) = &found.more.revocation_endpoint else {
            return Err(Failure::unacceptable("no revocation endpoint"));
        };
        let (token, hint) = match &session.tokens.refresh {
            Some(token) => (token.secret(), "refresh_token"),
            None => (session.tokens.access.secret(), "access_token"),
        };
        let form = [("token", token.as_str()), ("token_type_hint", hint)];
        self.post(session.kind, endpoint.url(), &form)
            .await
            .map(drop)
    }

    /// What the user token is worth at this moment (RFC 7662): what the user took back since it came is
    /// not there any more. Alias tells it to clients that have a secret.
    pub(crate) async fn introspect(&self, session: &Session) -> Result<Option<Worth>, Failure> {
        let found = self.found().await?;
        let endpoint = found.more.introspection_endpoint.as_ref();
        let (ClientKind::Confidential, Some(endpoint)) = (session.kind, endpoint) else {
            return Ok(None);
        };
        let form = [("token", session.tokens.access.secret().as_str())];
        let answer = self.post(session.kind, endpoint.url(), &form).await?;
        Ok(Some(Worth::of(answer.body())))
    }

    /// Where a browser goes to sign out of Alias, too (RP-Initiated Logout 1.0, 2): it comes back with
    /// the state.
    pub(crate) async fn sign_out(&self, session: &Session) -> Result<(Url, CsrfToken), Failure> {
        let found = self.found().await?;
        let Some(endpoint) = &found.more.end_session_endpoint else {
            return Err(Failure::unacceptable("no end session endpoint"));
        };
        let state = CsrfToken::new_random();
        let mut url = endpoint.url().clone();
        url.query_pairs_mut()
            .append_pair("id_token_hint", &session.id_token_hint)
            .append_pair("post_logout_redirect_uri", &self.signed_out_uri)
            .append_pair("state", state.secret());
        Ok((url, state))
    }

    /// The session that ended, if it is Alias that says so. Where it signs with a key that is newer than
    /// what was found, that is looked for again.
    pub(crate) async fn ended(
        &self,
        logout_token: &str,
        now: i64,
    ) -> Result<Option<Ended>, Failure> {
        let proven = self.prove(logout_token, now).await?;
        let proven = match proven {
            Err(Disbelief::UnknownKey) => {
                self.forget();
                self.prove(logout_token, now).await?
            }
            proven => proven,
        };
        Ok(proven.ok())
    }

    async fn prove(
        &self,
        logout_token: &str,
        now: i64,
    ) -> Result<Result<Ended, Disbelief>, Failure> {
        let found = self.found().await?;
        let expected = Expected {
            issuer: self.issuer.as_str(),
            audiences: [
                self.registered.confidential.id.as_str(),
                self.registered.public.id.as_str(),
            ],
            keys: &found.keys,
            now,
        };
        Ok(expected.prove(logout_token))
    }

    /// Sends a form of the demo's own, as the client that it is.
    async fn post(
        &self,
        kind: ClientKind,
        endpoint: &Url,
        form: &[(&str, &str)],
    ) -> Result<HttpResponse, Failure> {
        let registration = self.registered.of(kind);
        let mut form = form.to_vec();
        let mut request = self.http.post(endpoint.clone());
        if let Some(secret) = &registration.secret {
            request = request.basic_auth(registration.id.as_str(), Some(secret.secret()));
        } else {
            form.push(("client_id", registration.id.as_str()));
        }
        let request = request.form(&form).build().map_err(WireError::from)?;
        let answer = Wire::new(&self.http).send(request).await?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(Failure::told_by(&answer))
        }
    }

    async fn found(&self) -> Result<Arc<Found>, Failure> {
        if let Some(found) = self.remembered().clone() {
            return Ok(found);
        }
        let wire = Wire::new(&self.http);
        let metadata = Metadata::discover_async(self.issuer.clone(), &wire).await?;
        let found = Arc::new(Found {
            clients: Both {
                confidential: self.registered.confidential.client(&metadata),
                public: self.registered.public.client(&metadata),
            },
            keys: metadata.jwks().clone(),
            more: metadata.additional_metadata().clone(),
        });
        *self.remembered() = Some(found.clone());
        Ok(found)
    }

    fn forget(&self) {
        *self.remembered() = None;
    }

    fn remembered(&self) -> MutexGuard<'_, Option<Arc<Found>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registration {
    fn new(client: &DemoClient) -> io::Result<Self> {
        let redirect_uri = RedirectUrl::new(client.redirect_uri.clone());
        Ok(Self {
            id: ClientId::new(client.client_id.clone()),
            secret: client.client_secret.clone().map(ClientSecret::new),
            redirect_uri: redirect_uri.map_err(|e| invalid("redirect URI", e))?,
        })
    }

    fn client(&self, metadata: &Metadata) -> LibraryClient {
        LibraryClient::from_provider_metadata(
            metadata.clone(),
            self.id.clone(),
            self.secret.clone(),
        )
        .set_redirect_uri(self.redirect_uri.clone())
    }
}

fn invalid(what: &str, reason: impl std::error::Error) -> io::Error {
    let told = format!("the {what} of the demo is no URL: {reason}");
    io::Error::new(io::ErrorKind::InvalidInput, told)
}

impl Found {
    /// The claims of the ID token, if it is Alias that signed them, for this client, in answer to
    /// the request with this nonce, and with the user token that came along (OpenID Connect Core
    /// 3.1.3.7 and 3.1.3.8).
    fn prove<'r>(
        &self,
        kind: ClientKind,
        response: &'r AliasTokenResponse,
        nonce: &Nonce,
    ) -> Result<&'r CoreIdTokenClaims, ClaimsVerificationError> {
        let unproven = |why: &str| ClaimsVerificationError::Other(why.to_owned());
        let verifier = self.clients.of(kind).id_token_verifier();
        let id_token = response.id_token().ok_or(unproven("there is none"))?;
        let claims = id_token.claims(&verifier, nonce)?;
        if let Some(stated) = claims.access_token_hash() {
            let algorithm = id_token.signing_alg().map_err(SignatureVerification)?;
            let key = id_token
                .signing_key(&verifier)
                .map_err(SignatureVerification)?;
            let actual = AccessTokenHash::from_token(response.access_token(), algorithm, key);
            if actual.ok().as_ref() != Some(stated) {
                return Err(unproven("it belongs to another user token"));
            }
        }
        Ok(claims)
    }
}

fn tokens(response: &AliasTokenResponse, wire: &Wire) -> Tokens {
    let words = |list: &str| list.split_whitespace().map(str::to_owned).collect();
    let scopes = response.scopes().into_iter().flatten();
    let channels = &response.extra_fields().extra_fields().channels;
    Tokens {
        access: response.access_token().clone(),
        refresh: response.refresh_token().cloned(),
        scopes: scopes.map(|scope| scope.to_string()).collect(),
        channels: channels.as_deref().map(words),
        shown: pretty(wire.last().body()),
    }
}

#[cfg(test)]
impl Pending {
    pub(crate) fn example(state: &str) -> Self {
        Self {
            kind: ClientKind::Confidential,
            state: CsrfToken::new(state.to_owned()),
            names_itself: true,
            nonce: Nonce::new_random(),
            verifier: PkceCodeChallenge::new_random_sha256().1,
        }
    }
}

//! A relying party on openidconnect, as its documentation has it, behind axum.

use std::{collections::HashMap, env, error::Error, sync::Arc};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, LogoutRequest, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl,
    ProviderMetadataWithLogout, RedirectUrl, RefreshToken, Scope, SubjectIdentifier, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreUserInfoClaims},
    reqwest,
};
use tokio::sync::Mutex;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
type Fault = Box<dyn Error + Send + Sync>;

struct Party {
    base_url: String,
    http_client: reqwest::Client,
    client: Client,
    end_session: EndSessionUrl,
    /// By the state of a request, which is a visitor's cookie too.
    asked: Mutex<HashMap<String, Asked>>,
    visitors: Mutex<HashMap<String, Visitor>>,
}

struct Asked {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

#[derive(Clone)]
struct Visitor {
    id_token: CoreIdToken,
    subject: SubjectIdentifier,
    access_token: AccessToken,
    refresh_token: RefreshToken,
    userinfo: CoreUserInfoClaims,
}

impl Party {
    async fn find_alias() -> Result<Self, Fault> {
        let base_url = env::var("BASE_URL")?;
        let authority = std::fs::read(env::var("CA_FILE")?)?;
        let http_client = reqwest::ClientBuilder::new()
            .redirect(reqwest::redirect::Policy::none())
            .add_root_certificate(reqwest::Certificate::from_pem(&authority)?)
            .build()?;
        let metadata = ProviderMetadataWithLogout::discover_async(
            IssuerUrl::new(env::var("ISSUER")?)?,
            &http_client,
        )
        .await?;
        let end_session = metadata
            .additional_metadata()
            .end_session_endpoint
            .clone()
            .ok_or("no end_session_endpoint")?;
        let client = CoreClient::from_provider_metadata(
            metadata,
            ClientId::new(env::var("CLIENT_ID")?),
            Some(ClientSecret::new(env::var("CLIENT_SECRET")?)),
        )
        .set_redirect_uri(RedirectUrl::new(format!("{base_url}/callback"))?);
        Ok(Self {
            base_url,
            http_client,
            client,
            end_session,
            asked: Mutex::default(),
            visitors: Mutex::default(),
        })
    }

    async fn userinfo(
        &self,
        token: &AccessToken,
        subject: &SubjectIdentifier,
    ) -> Result<CoreUserInfoClaims, Fault> {
        let request = self
            .client
            .user_info(token.clone(), Some(subject.clone()))?;
        Ok(request.request_async(&self.http_client).await?)
    }

    async fn visitor(&self, headers: &HeaderMap) -> Option<(String, Visitor)> {
        let id = cookie(headers)?;
        let visitor = self.visitors.lock().await.get(&id)?.clone();
        Some((id, visitor))
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?.split("; ");
    let mine = cookies.into_iter().find_map(|it| it.strip_prefix("notes="));
    mine.map(str::to_owned)
}

async fn home(State(party): State<Arc<Party>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let title = "<!doctype html><title>Notes</title>";
    let Some((_, visitor)) = party.visitor(&headers).await else {
        let link = r#"<a id="sign-in" href="/sign-in">Sign in with Alias</a>"#;
        return Ok(Html(format!("{title}{link}")).into_response());
    };
    let userinfo = serde_json::to_string(&visitor.userinfo)?.replace('<', "&lt;");
    let token = visitor.access_token.secret();
    let page = format!(
        r#"{title}
<pre id="userinfo">{userinfo}</pre>
<pre id="access-token">{token}</pre>
<a id="refresh" href="/refresh">Refresh</a>
<a id="sign-out" href="/sign-out">Sign out</a>"#
    );
    Ok(Html(page).into_response())
}

async fn sign_in(State(party): State<Arc<Party>>) -> Result<Response, Refusal> {
    let (pkce_challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = party
        .client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("nickname".to_string()))
        .add_scope(Scope::new("offline_access".to_string()))
        .set_pkce_challenge(pkce_challenge)
        .url();
    let cookie = format!("notes={}; Path=/; HttpOnly; SameSite=Lax", state.secret());
    let asked = Asked { nonce, verifier };
    party.asked.lock().await.insert(state.into_secret(), asked);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(url.as_str())).into_response())
}

async fn callback(
    State(party): State<Arc<Party>>,
    headers: HeaderMap,
    Query(mut answer): Query<HashMap<String, String>>,
) -> Result<Redirect, Refusal> {
    let state = answer.remove("state").ok_or("no state")?;
    if cookie(&headers) != Some(state.clone()) {
        return Err("the state is another visitor's".into());
    }
    let asked = party
        .asked
        .lock()
        .await
        .remove(&state)
        .ok_or("nothing was asked")?;
    let code = AuthorizationCode::new(answer.remove("code").ok_or("no code")?);
    let tokens = party
        .client
        .exchange_code(code)?
        .set_pkce_verifier(asked.verifier)
        .request_async(&party.http_client)
        .await?;
    let id_token = tokens.id_token().ok_or("no ID token")?;
    let verifier = party.client.id_token_verifier();
    let claims = id_token.claims(&verifier, &asked.nonce)?;
    if let Some(expected) = claims.access_token_hash() {
        let actual = AccessTokenHash::from_token(
            tokens.access_token(),
            id_token.signing_alg()?,
            id_token.signing_key(&verifier)?,
        )?;
        if actual != *expected {
            return Err("the ID token belongs to another access token".into());
        }
    }
    let visitor = Visitor {
        id_token: id_token.clone(),
        subject: claims.subject().clone(),
        access_token: tokens.access_token().clone(),
        refresh_token: tokens.refresh_token().ok_or("no refresh token")?.clone(),
        userinfo: party
            .userinfo(tokens.access_token(), claims.subject())
            .await?,
    };
    party.visitors.lock().await.insert(state, visitor);
    Ok(Redirect::to("/"))
}

async fn refresh(State(party): State<Arc<Party>>, headers: HeaderMap) -> Result<Redirect, Refusal> {
    let (id, mut visitor) = party.visitor(&headers).await.ok_or("nobody is signed in")?;
    let tokens = party
        .client
        .exchange_refresh_token(&visitor.refresh_token)?
        .request_async(&party.http_client)
        .await?;
    visitor.access_token = tokens.access_token().clone();
    visitor.refresh_token = tokens.refresh_token().ok_or("no refresh token")?.clone();
    visitor.userinfo = party
        .userinfo(&visitor.access_token, &visitor.subject)
        .await?;
    party.visitors.lock().await.insert(id, visitor);
    Ok(Redirect::to("/"))
}

async fn sign_out(
    State(party): State<Arc<Party>>,
    headers: HeaderMap,
) -> Result<Redirect, Refusal> {
    let (id, visitor) = party.visitor(&headers).await.ok_or("nobody is signed in")?;
    party.visitors.lock().await.remove(&id);
    let way_back = PostLogoutRedirectUrl::new(format!("{}/", party.base_url))?;
    let logout = LogoutRequest::from(party.end_session.clone())
        .set_id_token_hint(&visitor.id_token)
        .set_post_logout_redirect_uri(way_back)
        .http_get_url();
    Ok(Redirect::to(logout.as_str()))
}

/// Whatever went wrong, as the page says it.
struct Refusal(String);

impl<E: Into<Fault>> From<E> for Refusal {
    fn from(fault: E) -> Self {
        Self(format!("{:?}", fault.into()))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0).into_response()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Fault> {
    let party = Arc::new(Party::find_alias().await?);
    let routes = Router::new()
        .route("/", get(home))
        .route("/sign-in", get(sign_in))
        .route("/callback", get(callback))
        .route("/refresh", get(refresh))
        .route("/sign-out", get(sign_out))
        .with_state(party);
    let address = format!("127.0.0.1:{}", env::var("PORT")?);
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening");
    Ok(axum::serve(listener, routes).await?)
}

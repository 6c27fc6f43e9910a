//! When a collaborator fails. A store that is always away, for a real one cannot be taken away at
//! every endpoint alike, and mocks of what cannot be made to fail.

use std::{net::SocketAddr, sync::Arc};

use alias_domain::{
    Access, AliasId, AuthorizationId, ChosenAccount, Client, ClientId, ClientSecret, Connection,
    Digest, Email, Interaction, InteractionId, Lifetimes, LogoutNotice, NewAuthorization, Redeem,
    Redemption, Revocation, RevocationError, Rotate, Rotation, Session, SessionId, Standing, User,
    UserId,
    flows::Ports,
    ports::{
        Anticipated, Anticipation, Authorizations, Claim, Clients, Decision, EmailTaken, Failure,
        Grants, Interactions, Keys, LiveGrant, MockIdTokens, Notices, PasswordHash, Recorded,
        SessionStart, Sessions, Started, Store, StoreError, StoredKey, Users,
    },
    testing::MemoryStore,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::support::{Alias, SEED, client, json, serve};

/// A store whose database is away.
struct Away;

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("the disk is full".to_owned()))
}

#[async_trait]
impl Clients for Away {
    async fn insert_client(&self, _: &Client, _: &[ClientSecret]) -> Result<(), StoreError> {
        away()
    }
    async fn client(&self, _: ClientId) -> Result<Option<Client>, StoreError> {
        away()
    }
    async fn client_with_secrets(
        &self,
        _: ClientId,
    ) -> Result<Option<(Client, Vec<ClientSecret>)>, StoreError> {
        away()
    }
    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        away()
    }
    async fn update_client(&self, _: &Client, _: &Client) -> Result<bool, StoreError> {
        away()
    }
    async fn set_client_secrets(
        &self,
        _: ClientId,
        _: &[ClientSecret],
    ) -> Result<bool, StoreError> {
        away()
    }
    async fn delete_client(&self, _: ClientId) -> Result<bool, StoreError> {
        away()
    }
}

#[async_trait]
impl Users for Away {
    async fn insert_user(
        &self,
        _: &User,
        _: &PasswordHash,
    ) -> Result<Result<(), EmailTaken>, StoreError> {
        away()
    }
    async fn user(&self, _: UserId) -> Result<Option<User>, StoreError> {
        away()
    }
    async fn user_by_email(&self, _: &Email) -> Result<Option<(User, PasswordHash)>, StoreError> {
        away()
    }
    async fn users(&self) -> Result<Vec<User>, StoreError> {
        away()
    }
    async fn rehash_password(
        &self,
        _: UserId,
        _: &PasswordHash,
        _: &PasswordHash,
    ) -> Result<(), StoreError> {
        away()
    }
    async fn update_user(
        &self,
        _: &User,
        _: &User,
    ) -> Result<Result<bool, EmailTaken>, StoreError> {
        away()
    }
    async fn reset_password(&self, _: UserId, _: &PasswordHash) -> Result<bool, StoreError> {
        away()
    }
    async fn lock_user(&self, _: UserId, _: bool) -> Result<bool, StoreError> {
        away()
    }
    async fn delete_user(&self, _: UserId) -> Result<bool, StoreError> {
        away()
    }
}

#[async_trait]
impl Sessions for Away {
    async fn start_session(&self, _: &SessionStart) -> Result<Started, StoreError> {
        away()
    }
    async fn live_sessions(
        &self,
        _: &[Digest],
        _: DateTime<Utc>,
    ) -> Result<Vec<(Digest, Session)>, StoreError> {
        away()
    }
    async fn sessions_of(&self, _: UserId, _: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        away()
    }
    async fn end_session(&self, _: SessionId) -> Result<(), StoreError> {
        away()
    }
    async fn end_sessions_of(&self, _: UserId) -> Result<(), StoreError> {
        away()
    }
}

#[async_trait]
impl Interactions for Away {
    async fn open_interaction(&self, _: &Interaction) -> Result<(), StoreError> {
        away()
    }
    async fn interaction(
        &self,
        _: InteractionId,
        _: DateTime<Utc>,
    ) -> Result<Option<Interaction>, StoreError> {
        away()
    }
    async fn choose_account(
        &self,
        _: InteractionId,
        _: ChosenAccount,
        _: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        away()
    }
    async fn close_interaction(
        &self,
        _: InteractionId,
        _: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        away()
    }
}

#[async_trait]
impl Grants for Away {
    async fn connection(&self, _: UserId, _: ClientId) -> Result<Option<Connection>, StoreError> {
        away()
    }
    async fn live_grants(
        &self,
        _: &[Digest],
        _: ClientId,
        _: DateTime<Utc>,
    ) -> Result<Vec<LiveGrant>, StoreError> {
        away()
    }
    async fn issue_anticipated(
        &self,
        _: Digest,
        _: &Anticipated,
        _: DateTime<Utc>,
    ) -> Result<Anticipation, StoreError> {
        away()
    }
    async fn known_as(&self, _: AliasId, _: ClientId) -> Result<Option<UserId>, StoreError> {
        away()
    }
    async fn connections(&self, _: UserId) -> Result<Vec<(Client, Connection)>, StoreError> {
        away()
    }
    async fn issue(
        &self,
        _: &NewAuthorization,
        _: &Access,
        _: SessionId,
        _: Option<InteractionId>,
        _: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        away()
    }
    async fn record_decision(
        &self,
        _: &Decision,
        _: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        away()
    }
    async fn revoke(
        &self,
        _: UserId,
        _: ClientId,
        _: &Revocation,
        _: DateTime<Utc>,
    ) -> Result<Result<(), RevocationError>, StoreError> {
        away()
    }
}

#[async_trait]
impl Authorizations for Away {
    async fn standing(&self, _: AuthorizationId) -> Result<Option<Standing>, StoreError> {
        away()
    }
    async fn redeem(
        &self,
        _: &Redemption,
        _: &Lifetimes,
        _: DateTime<Utc>,
    ) -> Result<Option<(Standing, Redeem)>, StoreError> {
        away()
    }
    async fn rotate(
        &self,
        _: &Rotation,
        _: &Lifetimes,
        _: DateTime<Utc>,
    ) -> Result<Option<(Standing, Rotate)>, StoreError> {
        away()
    }
    async fn end_authorization(&self, _: AuthorizationId) -> Result<(), StoreError> {
        away()
    }
    async fn void_user_tokens(
        &self,
        _: AuthorizationId,
        _: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        away()
    }
}

#[async_trait]
impl Keys for Away {
    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        away()
    }

    async fn add_first_key(&self, _: &StoredKey) -> Result<bool, StoreError> {
        away()
    }

    async fn add_key(&self, _: &StoredKey, _: &str) -> Result<bool, StoreError> {
        away()
    }

    async fn replace_key(&self, _: &StoredKey, _: &StoredKey) -> Result<bool, StoreError> {
        away()
    }

    async fn remove_key(&self, _: &str) -> Result<bool, StoreError> {
        away()
    }
}

#[async_trait]
impl Notices for Away {
    async fn claim_notices(&self, _: &Claim) -> Result<Vec<LogoutNotice>, StoreError> {
        away()
    }

    async fn postpone_notice(&self, _: &LogoutNotice, _: DateTime<Utc>) -> Result<(), StoreError> {
        away()
    }

    async fn close_notice(&self, _: &LogoutNotice) -> Result<(), StoreError> {
        away()
    }
}

#[async_trait]
impl Store for Away {
    async fn ping(&self) -> Result<(), StoreError> {
        away()
    }
    async fn latest_activity(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        away()
    }
    async fn purge(&self, _: u32) -> Result<u32, StoreError> {
        away()
    }
    async fn sweep(&self, _: DateTime<Utc>, _: u32) -> Result<u32, StoreError> {
        away()
    }
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

#[actix_web::test]
async fn a_database_that_is_away_is_503_with_retry_after() {
    let address = serve(Arc::new(Away));
    let http = client();
    let form = [
        ("client_id", "bjOB6HV7cTKtxvfr2k2ucg"),
        ("token", "x"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
    ];
    let credentials = serde_json::json!({"email": "fred@example.com", "password": "x"});
    for request in [
        http.get(url(address, &format!("/oauth2/authorize?{SEED}"))),
        http.get(url(
            address,
            "/oauth2/logout?client_id=bjOB6HV7cTKtxvfr2k2ucg",
        )),
        http.get(url(address, "/account"))
            .header("cookie", "alias_session=x"),
        http.get(url(address, "/interaction/AAAAAAAAAAAAAAAAAAAAAA/consent")),
        http.post(url(address, "/api/oauth2/token")).form(&form),
        http.post(url(address, "/api/oauth2/revoke")).form(&form),
        http.get(url(address, "/api/grants")).bearer_auth("x"),
        http.post(url(address, "/api/session")).json(&credentials),
    ] {
        let response = request.send().await.expect("an answer");
        let path = response.url().path().to_owned();
        assert_eq!(response.status(), 503, "{path}");
        assert!(response.headers().contains_key("retry-after"), "{path}");
        let body = response.text().await.expect("a body");
        assert!(
            !body.contains("disk"),
            "{path}: what went wrong is for the log"
        );
    }
}

#[actix_web::test]
async fn readyz_says_what_the_database_says() {
    let address = serve(Arc::new(Away));
    let (status, answer) = json(client().get(url(address, "/readyz"))).await;
    assert_eq!(status, 503);
    assert_eq!(
        answer,
        serde_json::json!({
            "status": "unavailable",
            "reason": "the store is unavailable: the disk is full",
        })
    );
}

#[actix_web::test]
async fn discovery_and_the_key_set_answer_without_a_database() {
    let address = serve(Arc::new(Away));
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
        "/livez",
        "/sign-in",
    ] {
        let response = client()
            .get(url(address, path))
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
    }
}

#[actix_web::test]
async fn a_signature_that_cannot_be_made_is_503_and_the_code_is_used_up() {
    let mut id_tokens = MockIdTokens::new();
    let broken = || Err(Failure::Crypto("the key is broken".to_owned()));
    id_tokens
        .expect_sign()
        .times(1)
        .returning(move |_, _| broken());
    let id_tokens = Arc::new(id_tokens);
    let alias = Alias::start_with(|ports| Ports { id_tokens, ..ports }).await;
    let code = alias.code(SEED).await;
    let (status, error) = alias.exchange(&code).await;
    assert_eq!(
        (status, error["error"].as_str()),
        (503, Some("temporarily_unavailable"))
    );
    let (status, error) = alias.exchange(&code).await;
    assert_eq!(
        (status, error["error"].as_str()),
        (400, Some("invalid_grant")),
        "R17"
    );
}

#[actix_web::test]
async fn a_handler_that_panics_is_503_for_its_request_alone() {
    let store = Arc::new(MemoryStore::default());
    let address = serve(store.clone());
    let http = client();
    let form = [("client_id", "bjOB6HV7cTKtxvfr2k2ucg"), ("token", "x")];
    let credentials = serde_json::json!({"email": "fred@example.com", "password": "x"});
    for request in [
        http.get(url(address, &format!("/oauth2/authorize?{SEED}"))),
        http.get(url(address, "/interaction/AAAAAAAAAAAAAAAAAAAAAA/consent")),
        http.post(url(address, "/api/oauth2/revoke")).form(&form),
        http.post(url(address, "/api/session")).json(&credentials),
    ] {
        let again = request.try_clone().expect("no stream");
        store.panic_in_next(1);
        let response = request.send().await.expect("an answer");
        let path = response.url().path().to_owned();
        assert_eq!(response.status(), 503, "{path}");
        for name in ["retry-after", "content-security-policy", "cache-control"] {
            assert!(response.headers().contains_key(name), "{path}: {name}");
        }
        let is_json = response.headers()["content-type"] == "application/json";
        assert_eq!(is_json, path.starts_with("/api/"), "{path}");
        let body = response.text().await.expect("a body");
        assert!(!body.contains("panic"), "{path}: {body}");
        let status = again.send().await.expect("an answer").status();
        assert!(status.is_client_error(), "{path}: {status}");
    }
}

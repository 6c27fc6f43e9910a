//! A person at a relying party: sign-in, consent, refresh, sign-out.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::x509::X509;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{
    authority::{Authority, Signed},
    chromium::Chromium,
    page::Page,
    party::{Address, Package, Party, Registered},
    running::{Running, free_port},
    store::TestStore,
};

const EMAIL: &str = "fred@example.com";
const PASSWORD: &str = "correct horse battery";
/// Far longer than any page or notice takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fred, at a relying party of a service that knows him.
pub(crate) struct Visit {
    alias: Running,
    authority: Authority,
    pub(crate) client_id: String,
    base_url: String,
    pub(crate) chromium: Chromium,
    _party: Party,
}

impl Visit {
    /// The service is fresh; the client is registered as its page says.
    pub(crate) async fn to(name: &str) -> Self {
        Self::with(name, &[]).await
    }

    /// The party has these variables, too.
    pub(crate) async fn with(name: &str, variables: &[(&str, &str)]) -> Self {
        let package = Package::named(name);
        let (authority, folder) = (Authority::new(), TempDir::new().expect("a folder"));
        let signed = authority.sign("127.0.0.1");
        for (file, text) in [("tls.pem", &signed.certificate), ("tls.key", &signed.key)] {
            std::fs::write(folder.path().join(file), text).expect("a file to write");
        }
        // By number, for some packages are lax about the name `localhost`.
        let listen = format!("127.0.0.1:{}", free_port());
        let issuer = format!("https://{listen}");
        let settings = [
            ("ALIAS_ISSUER", issuer.as_str()),
            ("ALIAS_HTTP__LISTEN", &listen),
            ("ALIAS_HTTP__TLS__CERTIFICATE", "tls.pem"),
            ("ALIAS_HTTP__TLS__KEY", "tls.key"),
            // Parties are told of logout at a loopback address.
            ("ALIAS_OUTBOUND__ALLOW_PRIVATE", "127.0.0.0/8"),
        ];
        let mut alias = Running::serve_in(folder, TestStore::chosen(), &settings);
        alias.issuer = issuer;
        let fred = ["user", "create", "--email", EMAIL, "--nickname", "Fred"];
        let fred = [&fred[..], &["--password-stdin"]].concat();
        alias.cli(&fred, &format!("{PASSWORD}\n"));

        let address = Address::free();
        let registration = Page::of(package).registration(&address.base_url());
        let registration: Vec<_> = registration.iter().map(String::as_str).collect();
        let client = alias.cli(&registration, "");
        // A public client has no secret.
        let text = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
        let registered = Registered {
            issuer: &alias.issuer,
            client_id: &text("client_id"),
            client_secret: &text("client_secret"),
            authority: &authority.pem(),
            variables,
        };
        let party = Party::start(package, &address, &registered);
        let trusting = format!("--ignore-certificate-errors-spki-list={}", pin(&signed));
        let chromium = Chromium::open_with(true, &[trusting]).await;
        chromium.goto(&format!("{}/", address.base_url())).await;
        Self {
            client_id: text("client_id"),
            base_url: address.base_url(),
            alias,
            authority,
            chromium,
            _party: party,
        }
    }

    /// The address of the party's page.
    pub(crate) fn party_page(&self) -> String {
        format!("{}/", self.base_url)
    }

    /// From the party's page through Alias, where everything is allowed, and back.
    pub(crate) async fn sign_in(&self) {
        self.chromium.press("#sign-in").await;
        self.allow_all().await;
    }

    /// The same, where everything is allowed but the nickname.
    pub(crate) async fn sign_in_without_nickname(&self) {
        self.chromium.press("#sign-in").await;
        self.sign_in_at_alias().await;
        let offline = "input[name=scope][value=offline_access]";
        self.chromium.tick(offline).await;
        self.chromium
            .press("button[name=decision][value=approve]")
            .await;
        self.is_at_the_party().await;
    }

    async fn sign_in_at_alias(&self) {
        self.chromium.fill("input[name=email]", EMAIL).await;
        self.chromium.fill("input[name=password]", PASSWORD).await;
        self.chromium.press("form button[type=submit]").await;
    }

    /// From the sign-in page of Alias on.
    pub(crate) async fn allow_all(&self) {
        self.sign_in_at_alias().await;
        self.chromium
            .press("button[name=decision][value=approve_all]")
            .await;
        self.is_at_the_party().await;
    }

    /// What the party shows of userinfo. Its `sub` is the alias ID that Alias tells Fred of.
    pub(crate) async fn userinfo(&self) -> Value {
        let text = self.chromium.shown("#userinfo").await;
        let userinfo: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("userinfo is no JSON: {text}"));
        assert_eq!(userinfo["sub"], self.alias_id().await);
        userinfo
    }

    /// Whether the party, or anybody else, asked Alias for userinfo, by the log of Alias.
    pub(crate) fn has_asked_userinfo(&self) -> bool {
        self.alias.log().contains("\"/api/oauth2/userinfo\"")
    }

    /// The party refreshes: it has another user token, which is worth the same.
    pub(crate) async fn refresh(&self) {
        let before = self.userinfo().await;
        let token = self.chromium.shown("#access-token").await;
        self.chromium.press("#refresh").await;
        assert_eq!(self.userinfo().await, before);
        assert_ne!(self.chromium.shown("#access-token").await, token);
    }

    /// The party tries to refresh, and Alias says this of it in its log; what the party has stays.
    pub(crate) async fn refresh_is_refused(&self, because: &str) {
        let before = self.userinfo().await;
        let token = self.chromium.shown("#access-token").await;
        self.chromium.press("#refresh").await;
        assert_eq!(self.userinfo().await, before);
        assert_eq!(self.chromium.shown("#access-token").await, token);
        let log = self.alias.log();
        assert!(log.contains(because), "{log}");
    }

    /// The party signs Fred out, here and at Alias, and he is back at the party.
    pub(crate) async fn sign_out(&self) {
        self.chromium.press("#sign-out").await;
        self.is_signed_out_here().await;
        assert!(!self.is_signed_in_at_alias().await);
    }

    /// The party shows its page to somebody who has not signed in.
    pub(crate) async fn is_signed_out_here(&self) {
        self.chromium.shown("#sign-in").await;
        self.is_at_the_party().await;
    }

    /// Fred signs out at Alias; the party is told, by its back channel.
    pub(crate) async fn sign_out_at_alias(&self, party_page: &str) {
        assert!(self.is_signed_in_at_alias().await);
        self.chromium.press("form[action='/sign-out'] button").await;
        let began = Instant::now();
        loop {
            self.chromium
                .goto(&format!("{}{party_page}", self.base_url))
                .await;
            if !self.chromium.has("#userinfo").await {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the party was not told");
        }
    }

    pub(crate) async fn is_signed_in_at_alias(&self) -> bool {
        let account = format!("{}/account", self.alias.issuer);
        self.chromium.goto(&account).await;
        !self.chromium.has("input[name=password]").await
    }

    async fn is_at_the_party(&self) {
        let began = Instant::now();
        loop {
            let address = self.chromium.address().await;
            if address.starts_with(&self.base_url) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "not at the party: {address}");
        }
    }

    /// Fred's alias ID for this client, by the API for users.
    async fn alias_id(&self) -> Value {
        let http = reqwest::Client::builder()
            .tls_certs_only([self.authority.root()])
            .no_proxy()
            .build()
            .expect("a client");
        let issuer = &self.alias.issuer;
        let json = async |request: reqwest::RequestBuilder| -> Value {
            let answer = request.send().await.expect("an answer");
            answer.json().await.expect("JSON")
        };
        let credentials = json!({"email": EMAIL, "password": PASSWORD});
        let session = http.post(format!("{issuer}/api/session"));
        let session = json(session.json(&credentials)).await;
        let session = session["access_token"].as_str().expect("a session token");
        let grants = http.get(format!("{issuer}/api/grants"));
        let grants = json(grants.bearer_auth(session)).await;
        assert_eq!(grants["grants"][0]["client_id"], self.client_id.as_str());
        grants["grants"][0]["alias_id"].clone()
    }
}

/// By which Chromium trusts this certificate's key and no other: the digest of it.
fn pin(signed: &Signed) -> String {
    let certificate = X509::from_der(&signed.der).expect("a certificate");
    let key = certificate.public_key().expect("a key");
    STANDARD.encode(Sha256::digest(key.public_key_to_der().expect("DER")))
}

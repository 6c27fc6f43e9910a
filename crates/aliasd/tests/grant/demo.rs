//! The demo, as a person clicks through it.

use serde_json::Value;

use crate::{chromium::Chromium, running::Running};

/// A person at the demo.
struct Visit {
    alias: Running,
    chromium: Chromium,
}

impl Visit {
    async fn begin(javascript: bool) -> Self {
        let alias = Running::dev();
        let chromium = Chromium::open(javascript).await;
        chromium.goto(alias.said("demo")).await;
        Self { alias, chromium }
    }

    async fn sign_in(&self) {
        self.chromium.shown("input[name=password]").await;
        self.chromium
            .fill("input[name=email]", self.alias.said("email"))
            .await;
        self.chromium
            .fill("input[name=password]", self.alias.said("password"))
            .await;
        self.chromium.press("form button[type=submit]").await;
    }

    async fn decide(&self, decision: &str) {
        self.chromium
            .press(&format!("button[name=decision][value={decision}]"))
            .await;
    }

    async fn act(&self, action: &str) {
        self.chromium
            .press(&format!("button[name=action][value={action}]"))
            .await;
    }

    async fn json(&self, id: &str) -> Value {
        let text = self.chromium.shown(id).await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{id} is no JSON: {text}"))
    }

    async fn tokens(&self) -> Value {
        self.json("#token-response").await
    }

    fn is_ticked(&self, name: &str, value: &str) -> impl Future<Output = bool> {
        let selector = format!("input[name={name}][value={value}]");
        async move { self.chromium.is_ticked(&selector).await }
    }
}

/// Sign-in, consent, refresh, one more scope, one more channel, userinfo, revocation, disconnect.
async fn click_through(javascript: bool) {
    let visit = Visit::begin(javascript).await;
    let chromium = &visit.chromium;
    chromium
        .press("button[name=client][value=confidential]")
        .await;
    visit.sign_in().await;
    assert!(chromium.address().await.ends_with("/consent"));
    assert!(visit.is_ticked("scope", "openid").await);
    assert!(visit.is_ticked("channel", "_meta").await);
    assert!(
        !visit.is_ticked("scope", "contact").await,
        "R11: what is new is unticked"
    );
    for (name, value) in [
        ("scope", "offline_access"),
        ("scope", "contact"),
        ("channel", "notifications"),
    ] {
        chromium
            .tick(&format!("input[name={name}][value={value}]"))
            .await;
    }
    visit.decide("approve").await;

    let tokens = visit.tokens().await;
    assert_eq!(tokens["scope"], "openid offline_access contact");
    assert_eq!(tokens["channels"], "notifications");
    let id_token = visit.json("#id-token").await;
    assert_eq!(id_token["header"]["alg"], "RS256");
    assert_eq!(id_token["claims"]["iss"], visit.alias.issuer.as_str());

    visit.act("refresh").await;
    assert_eq!(visit.tokens().await["channels"], "notifications");
    visit.act("refresh_narrowed").await;
    let narrowed = visit.tokens().await;
    assert_ne!(narrowed["scope"], tokens["scope"]);

    visit.act("more_scope").await;
    assert!(
        visit.is_ticked("scope", "contact").await,
        "R11: what was granted is ticked"
    );
    assert!(!visit.is_ticked("scope", "nickname").await);
    visit.decide("approve_all").await;
    let wider = visit.tokens().await;
    assert_eq!(wider["scope"], "openid offline_access contact nickname");
    assert_eq!(wider["channels"], "notifications");

    visit.act("more_channel").await;
    assert!(visit.is_ticked("channel", "notifications").await);
    visit.decide("approve_all").await;
    let channels = visit.tokens().await["channels"].clone();
    assert_eq!(channels, "notifications events");

    visit.act("userinfo").await;
    let userinfo = visit.json("#userinfo").await;
    assert_eq!(userinfo["nickname"], visit.alias.said("nickname"));
    assert_eq!(userinfo["sub"], id_token["claims"]["sub"]);

    chromium
        .goto(&format!("{}/account", visit.alias.issuer))
        .await;
    assert!(chromium.shown("main").await.contains("Fieldnotes"));
    chromium
        .press("form[action='/account/revoke']:has(input[value=nickname]) button")
        .await;
    chromium.goto(visit.alias.said("demo")).await;
    visit.act("refresh").await;
    let shrunk = visit.tokens().await;
    assert_eq!(
        shrunk["scope"], "openid offline_access contact",
        "R24: revoking bites at once"
    );

    visit.act("disconnect").await;
    assert!(
        chromium
            .has("button[name=client][value=confidential]")
            .await
    );
    chromium
        .goto(&format!("{}/account", visit.alias.issuer))
        .await;
    chromium
        .press("form[action='/account/disconnect'] button")
        .await;
    assert!(!chromium.has("form[action='/account/disconnect']").await);
    visit.chromium.close().await;
}

#[actix_web::test]
async fn a_person_clicks_through_the_demo() {
    click_through(true).await;
}

#[actix_web::test]
async fn a_person_clicks_through_the_demo_without_javascript() {
    click_through(false).await;
}

#[actix_web::test]
async fn r9_r12_the_phone_app_asks_every_time_and_may_be_denied() {
    let visit = Visit::begin(true).await;
    visit
        .chromium
        .press("button[name=client][value=public]")
        .await;
    visit.sign_in().await;
    visit.decide("approve_all").await;
    assert_eq!(visit.tokens().await.get("refresh_token"), None, "R19");
    visit.act("sign_out").await;
    visit
        .chromium
        .press("button[name=client][value=public]")
        .await;
    visit.decide("deny").await;
    assert!(
        visit
            .chromium
            .shown("#error")
            .await
            .contains("access_denied")
    );
    visit.chromium.close().await;
}

impl Visit {
    /// Signs in at the demo, and allows everything.
    async fn connected() -> Self {
        let visit = Self::begin(false).await;
        visit
            .chromium
            .press("button[name=client][value=confidential]")
            .await;
        visit.sign_in().await;
        visit.decide("approve_all").await;
        visit
    }

    /// Presses a button of the account page at Alias, and goes back to the demo.
    async fn at_the_account(&self, button: &str) {
        let account = format!("{}/account", self.alias.issuer);
        self.chromium.goto(&account).await;
        self.chromium.press(button).await;
        self.chromium.goto(self.alias.said("demo")).await;
    }

    /// Waits until Alias has told the demo that the session ended, and gives what it says of it.
    async fn is_told(&self) -> String {
        // Alias looks for whom to tell twice a second.
        let began = std::time::Instant::now();
        while self.chromium.has("#id-token").await {
            assert!(began.elapsed().as_secs() < 60, "it is never told");
            self.chromium.goto(self.alias.said("demo")).await;
        }
        self.chromium.shown("#notice").await
    }
}

#[actix_web::test]
async fn r24_the_demo_shows_what_its_token_is_worth_and_offers_to_sign_in_again() {
    let visit = Visit::connected().await;
    let chromium = &visit.chromium;
    assert_eq!(visit.json("#introspection").await["active"], true);
    assert!(chromium.shown("#scopes").await.contains("contact"));
    visit
        .at_the_account("form[action='/account/revoke']:has(input[value=contact]) button")
        .await;
    let worth = visit.json("#introspection").await;
    assert_eq!(worth["scope"], "openid offline_access");
    assert!(!chromium.shown("#scopes").await.contains("contact"));

    visit
        .at_the_account("form[action='/account/disconnect'] button")
        .await;
    assert!(chromium.has("#worthless").await);
    visit.act("refresh").await;
    assert!(chromium.shown("#error").await.contains("invalid_grant"));
    chromium.press(".again button").await;
    assert!(chromium.address().await.ends_with("/consent"));
    visit.decide("approve_all").await;
    assert_eq!(visit.json("#introspection").await["active"], true);
    visit.chromium.close().await;
}

#[actix_web::test]
async fn the_demo_signs_its_user_out_of_alias_and_gets_them_back() {
    let visit = Visit::connected().await;
    let demo = visit.alias.said("demo");
    visit.act("sign_out_of_alias").await;
    assert!(visit.chromium.address().await.starts_with(demo));
    let said = visit.chromium.shown("#notice").await;
    assert!(
        said.contains("signed out of Fieldnotes and of Alias"),
        "{said}"
    );
    let account = format!("{}/account", visit.alias.issuer);
    visit.chromium.goto(&account).await;
    assert!(visit.chromium.address().await.ends_with("/sign-in"));
    visit.chromium.close().await;
}

#[actix_web::test]
async fn the_demo_is_told_that_its_user_signed_out_of_alias() {
    let visit = Visit::connected().await;
    visit
        .at_the_account("form[action='/sign-out'] button")
        .await;
    let said = visit.is_told().await;
    assert!(said.contains("Alias told Fieldnotes"), "{said}");
    visit.chromium.close().await;
}

#[actix_web::test]
async fn the_demo_says_what_is_true_when_an_operator_took_back_or_ended_something() {
    let visit = Visit::connected().await;
    let (chromium, email) = (&visit.chromium, visit.alias.said("email"));
    visit.alias.cli(&["user", "revoke", email], "");
    chromium.goto(visit.alias.said("demo")).await;
    let said = chromium.shown("#worthless").await;
    assert!(said.contains("taken back"), "{said}");
    assert!(!said.contains("you have disconnected"), "{said}");
    visit.act("refresh").await;
    let said = chromium.shown("#error").await;
    assert!(said.contains("invalid_grant"), "{said}");
    assert!(said.contains("taken back"), "{said}");

    visit.alias.cli(&["user", "lock", email], "");
    let said = visit.is_told().await;
    assert!(said.contains("an operator"), "{said}");
    assert!(!said.contains("You signed out"), "{said}");
    visit.chromium.close().await;
}

#[actix_web::test]
async fn localhost_leads_to_dev_whichever_loopback_address_it_means() {
    let alias = Running::dev();
    let no_redirects = reqwest::redirect::Policy::none();
    let http = reqwest::Client::builder().no_proxy().redirect(no_redirects);
    let http = http.build().expect("a client");
    for (place, path, status) in [
        (
            alias.issuer.as_str(),
            "/.well-known/openid-configuration",
            200,
        ),
        (alias.said("demo"), "/fieldnotes.css", 200),
    ] {
        let port = place.rsplit(':').next().expect("a port");
        for host in ["127.0.0.1", "[::1]"] {
            let answer = http.get(format!("http://{host}:{port}{path}")).send().await;
            assert_eq!(answer.expect("an answer").status(), status, "{host}");
        }
    }
}

//! Leaving Alias for a client whose callback sends the browser on to another origin: a broker, one host
//! for many apps. Chromium holds every redirect after a form against the page's `form-action`.

use alias_domain::Params;

use crate::{
    browser::{ALLOW_ALL, DENY, Fred},
    parties::Other,
};

/// A broker between Alias and an app, each an origin of its own.
struct Chain {
    fred: Fred,
    app: Other,
    _broker: Other,
}

impl Chain {
    async fn open(javascript: bool) -> Self {
        let app = Other::mirror();
        let broker = Other::broker(&format!("{}/arrived", app.origin));
        let callback = format!("{}/callback", broker.origin);
        let signed_out = format!("{}/signed-out", broker.origin);
        let options = ["--post-logout-redirect-uri", &signed_out];
        Self {
            fred: Fred::with_client(&callback, javascript, &options).await,
            app,
            _broker: broker,
        }
    }

    /// What the app is told, once the browser is there.
    async fn told(&self) -> Params {
        let beginning = format!("{}/arrived", self.app.origin);
        let arrived = self.fred.arrived(&beginning).await;
        Params::parse(arrived.split_once('?').expect("a query").1)
    }
}

#[actix_web::test]
async fn whoever_allows_or_denies_arrives_where_the_callback_leads() {
    let chain = Chain::open(false).await;
    chain.fred.ask("&scope=openid").await;
    chain.fred.sign_in().await;
    chain.fred.chromium.press(DENY).await;
    assert_eq!(chain.told().await.one("error"), Ok(Some("access_denied")));

    chain.fred.ask("&scope=openid").await;
    chain.fred.chromium.press(ALLOW_ALL).await;
    assert!(chain.told().await.has("code"));

    // Without a question: the sign-in page is the one that leads out.
    chain.fred.ask("&scope=openid&prompt=login").await;
    chain.fred.type_password(crate::browser::PASSWORD).await;
    assert!(chain.told().await.has("code"));

    chain.fred.ask("&scope=openid&prompt=select_account").await;
    chain.fred.chromium.press("button[name=account]").await;
    assert!(chain.told().await.has("code"));
    chain.fred.chromium.close().await;
}

#[actix_web::test]
async fn whoever_signs_out_arrives_where_the_post_logout_uri_leads() {
    let chain = Chain::open(false).await;
    let fred = &chain.fred;
    fred.chromium
        .goto(&format!("{}/sign-in", fred.alias.issuer))
        .await;
    fred.sign_in().await;
    let back = chain.fred.callback.replace("/callback", "/signed-out");
    let sign_out = format!(
        "{}/oauth2/logout?client_id={}&post_logout_redirect_uri={back}&state=bye",
        fred.alias.issuer, fred.client_id
    );
    fred.chromium.goto(&sign_out).await;
    fred.chromium.press("button[name=sign_out]").await;
    assert_eq!(chain.told().await.one("state"), Ok(Some("bye")));
    chain.fred.chromium.close().await;
}

#[actix_web::test]
async fn a_posted_response_arrives_where_the_callback_leads() {
    for javascript in [true, false] {
        let chain = Chain::open(javascript).await;
        let request = "&scope=openid&response_mode=form_post";
        chain.fred.ask(request).await;
        chain.fred.sign_in().await;
        chain.fred.chromium.press(ALLOW_ALL).await;
        if !javascript {
            chain
                .fred
                .chromium
                .press("main form button[type=submit]")
                .await;
        }
        assert!(chain.told().await.has("code"));
        chain.fred.chromium.close().await;
    }
}

//! What is measured. Everything in this program is measured together, so a test sees that its own
//! requests were added.

use std::sync::{Arc, LazyLock};

use alias_domain::{
    flows::Ports,
    ports::{Failure, MockIdTokens},
};
use alias_http::{DURATION_BUCKETS, describe_measures};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::support::{Alias, SEED, text};

static GATHERED: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let builder = PrometheusBuilder::new().set_buckets(DURATION_BUCKETS);
    let handle = builder.and_then(PrometheusBuilder::install_recorder);
    describe_measures("test");
    handle.expect("the one recorder")
});

/// What a counter says now.
fn count(series: &str) -> u64 {
    let text = GATHERED.render();
    let value = text.lines().find_map(|it| it.strip_prefix(series));
    value.map_or(0, |it| it.trim().parse().expect("a number"))
}

#[actix_web::test]
async fn tokens_are_counted_by_grant_type_and_refusals_by_error() {
    let alias = Alias::start().await;
    let code = "alias_tokens_issued_total{grant_type=\"authorization_code\"}";
    let refresh = "alias_tokens_issued_total{grant_type=\"refresh_token\"}";
    let refused = "alias_tokens_refused_total{error=\"invalid_grant\"}";
    let unsupported = "alias_tokens_refused_total{error=\"unsupported_grant_type\"}";
    let before = [code, refresh, refused, unsupported].map(count);

    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    alias.refresh(&text(&tokens, "refresh_token"), None).await;
    assert_eq!(alias.exchange("a guess").await.0, 400);
    alias.tokens(&[("grant_type", "password")]).await;
    let after = [code, refresh, refused, unsupported].map(count);
    for (before, after) in before.iter().zip(after) {
        assert!(after > *before, "{before} {after}");
    }
}

#[actix_web::test]
async fn sign_ins_are_counted_by_outcome_wherever_they_are_made() {
    let alias = Alias::start().await;
    let (done, refused) = (
        "alias_sign_ins_total{outcome=\"done\"}",
        "alias_sign_ins_total{outcome=\"refused\"}",
    );
    let before = count(done);
    alias.session_token().await;
    alias.freds_browser().await;
    alias.code(SEED).await;
    assert!(count(done) >= before + 3);

    let before = count(refused);
    let mut browser = alias.browser();
    browser.get("/sign-in").await;
    let form = browser.get("/sign-in").await.form();
    let guess = [("email", "fred@example.com"), ("password", "guess")];
    browser.submit(&form, &guess).await;
    let page = browser.authorize(SEED).await;
    browser.submit(&page.form(), &guess).await;
    assert!(count(refused) >= before + 2);
}

#[actix_web::test]
async fn failures_are_counted_by_cause() {
    let mut id_tokens = MockIdTokens::new();
    let broken = || Err(Failure::Crypto("the key is broken".to_owned()));
    id_tokens.expect_sign().returning(move |_, _| broken());
    let id_tokens = Arc::new(id_tokens);
    let alias = Alias::start_with(|ports| Ports { id_tokens, ..ports }).await;
    let failures = "alias_failures_total{cause=\"cryptography\"}";
    let before = count(failures);
    assert_eq!(alias.exchange(&alias.code(SEED).await).await.0, 503);
    assert!(count(failures) > before);

    let mut id_tokens = MockIdTokens::new();
    id_tokens
        .expect_sign()
        .returning(|_, _| unreachable!("a signer that panics"));
    let id_tokens = Arc::new(id_tokens);
    let alias = Alias::start_with(|ports| Ports { id_tokens, ..ports }).await;
    let panics = "alias_failures_total{cause=\"panic\"}";
    let before = count(panics);
    assert_eq!(alias.exchange(&alias.code(SEED).await).await.0, 503);
    assert!(count(panics) > before);
}

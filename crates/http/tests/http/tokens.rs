//! The token endpoint, userinfo, introspection and revocation: R16, R17, R19, R21, R23, R24.

use alias_domain::testing::sample::{self, LOOPBACK_URI, REDIRECT_URI};
use serde_json::{Value, json};

use crate::support::{
    Alias, CHALLENGE, SECRET, SEED, VERIFIER, json as ask, other_client, param, public_request,
    text,
};

/// Whoever presents what is another client's learns no more than whoever presents what is gone.
const CODE_IS_GONE: &str =
    "the code is not this client's, was used or has expired, or what it was issued for has ended";
const TOKEN_IS_GONE: &str =
    "the refresh token is not this client's, has expired, or what it was issued for has ended";

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"].as_str().unwrap_or_default())
}

#[actix_web::test]
async fn r16_a_token_response_has_the_fields_of_the_seed() {
    let alias = Alias::start().await;
    let (status, tokens) = alias.exchange(&alias.code(SEED).await).await;
    assert_eq!(status, 200);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 1800);
    assert_eq!(tokens["scope"], "openid offline_access contact nickname");
    assert_eq!(tokens["channels"], "notifications product_updates");
    for name in ["access_token", "id_token", "refresh_token"] {
        assert!(tokens[name].is_string(), "{name}");
    }
}

#[actix_web::test]
async fn a_token_response_is_not_cached() {
    let alias = Alias::start().await;
    let response = alias
        .post("/api/oauth2/token")
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["pragma"], "no-cache");
}

#[actix_web::test]
async fn r17_a_code_serves_once_and_a_second_use_ends_what_it_bought() {
    let alias = Alias::start().await;
    let code = alias.code(SEED).await;
    let (_, tokens) = alias.exchange(&code).await;
    assert_eq!(error(&alias.exchange(&code).await), (400, "invalid_grant"));
    let user_token = text(&tokens, "access_token");
    assert_eq!(
        alias.introspect(&user_token).await,
        json!({"active": false})
    );
    let refreshed = alias.refresh(&text(&tokens, "refresh_token"), None).await;
    assert_eq!(error(&refreshed), (400, "invalid_grant"));
}

/// What a developer needs to know, as far as RFC 6749 5.2 and R17 allow.
#[actix_web::test]
async fn r17_an_exchange_that_is_refused_says_which_check_failed() {
    let alias = Alias::start().await;
    let with_pkce = format!("{SEED}&code_challenge={CHALLENGE}&code_challenge_method=S256");
    let (plain, bound) = (alias.code(SEED).await, alias.code(&with_pkce).await);
    let other = other_client().id.to_string();
    let own = sample::client().id.to_string();
    let guess = "a".repeat(43);
    let elsewhere = "https://example.com/elsewhere";
    let mut said = Vec::new();
    for (client, code, redirect_uri, verifier) in [
        (&other, &plain, REDIRECT_URI, None),
        (&own, &plain, elsewhere, None),
        (&own, &plain, REDIRECT_URI, Some(VERIFIER)),
        (&own, &bound, REDIRECT_URI, None),
        (&own, &bound, REDIRECT_URI, Some(guess.as_str())),
        (&own, &format!("{plain}x"), REDIRECT_URI, None),
        // None of these tries has changed anything.
        (&own, &bound, REDIRECT_URI, Some(VERIFIER)),
        (&own, &plain, REDIRECT_URI, None),
        (&own, &plain, elsewhere, None),
        (&own, &plain, REDIRECT_URI, None),
        (&own, &plain, REDIRECT_URI, None),
        (&other, &plain, REDIRECT_URI, None),
    ] {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
        ];
        form.extend(verifier.map(|it| ("code_verifier", it)));
        let request = alias
            .post("/api/oauth2/token")
            .basic_auth(client, Some(SECRET));
        let (status, answer) = ask(request.form(&form)).await;
        said.push((
            status,
            answer["error_description"]
                .as_str()
                .unwrap_or("")
                .to_owned(),
        ));
    }
    let expected = [
        (400, CODE_IS_GONE),
        (400, "redirect_uri is not that of the authorization request"),
        (
            400,
            "code_verifier was sent, and the authorization request had no code_challenge",
        ),
        (
            400,
            "code_verifier is missing: the authorization request had a code_challenge",
        ),
        (400, "code_verifier does not match the code_challenge"),
        (400, "the code is none of this service, or is damaged"),
        (200, ""),
        (200, ""),
        // A stranger's try does not learn that it was used.
        (400, "redirect_uri is not that of the authorization request"),
        (
            400,
            "the code was used before; what it was exchanged for has ended now, too",
        ),
        (400, CODE_IS_GONE),
        // Whether it lives is not told to another client.
        (400, CODE_IS_GONE),
    ];
    let expected = expected.map(|(status, text)| (status, text.to_owned()));
    assert_eq!(said, expected);
}

#[actix_web::test]
async fn r23_a_refresh_that_is_refused_says_why() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let first = text(&tokens, "refresh_token");
    let other = other_client().id.to_string();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first.as_str()),
    ];
    let request = alias
        .post("/api/oauth2/token")
        .basic_auth(other, Some(SECRET));
    let (_, foreign) = ask(request.form(&form)).await;
    let (_, damaged) = alias.refresh(&format!("{first}x"), None).await;
    let mut newest = first.clone();
    for _ in 0..2 {
        newest = text(&alias.refresh(&newest, None).await.1, "refresh_token");
    }
    let (_, replayed) = alias.refresh(&first, None).await;
    let (_, ended) = alias.refresh(&newest, None).await;
    for (answer, expected) in [
        (foreign, TOKEN_IS_GONE),
        (
            damaged,
            "the refresh token is none of this service, or is damaged",
        ),
        (
            replayed,
            "the refresh token was replaced and used again; what it was issued for has ended now",
        ),
        (ended, TOKEN_IS_GONE),
    ] {
        assert_eq!(answer["error"], "invalid_grant");
        assert_eq!(answer["error_description"], expected);
    }
}

/// That a user is locked is between them and the operator (R30).
#[actix_web::test]
async fn r30_a_client_is_not_told_that_a_user_is_locked() {
    let alias = Alias::start().await;
    let code = alias.code(SEED).await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let locked = alias.store.lock_user(sample::user().id, true).await;
    assert!(locked.expect("stored"));
    let (_, exchange) = alias.exchange(&code).await;
    let (_, refresh) = alias.refresh(&text(&tokens, "refresh_token"), None).await;
    for (answer, what) in [(exchange, "code"), (refresh, "refresh token")] {
        assert_eq!(
            answer["error_description"],
            format!("what the {what} was issued for was taken back or has ended")
        );
    }
}

#[actix_web::test]
async fn r17_a_try_by_another_client_or_for_another_uri_changes_nothing() {
    let alias = Alias::start().await;
    let code = alias.code(SEED).await;
    let form = |uri: &'static str| {
        [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", uri),
        ]
    };
    let other = alias
        .post("/api/oauth2/token")
        .basic_auth(other_client().id.to_string(), Some(SECRET))
        .form(&form(REDIRECT_URI));
    assert_eq!(error(&ask(other).await), (400, "invalid_grant"));
    let elsewhere = alias.tokens(&form("https://example.com/elsewhere")).await;
    assert_eq!(error(&elsewhere), (400, "invalid_grant"));
    let verified = [&form(REDIRECT_URI)[..], &[("code_verifier", VERIFIER)]].concat();
    assert_eq!(
        error(&alias.tokens(&verified).await),
        (400, "invalid_grant")
    );
    assert_eq!(alias.exchange(&code).await.0, 200);
}

#[actix_web::test]
async fn r19_r28_a_public_client_exchanges_with_its_verifier_and_cannot_refresh() {
    let alias = Alias::start().await;
    let code = alias.code(&public_request()).await;
    let id = sample::public_client().id.to_string();
    let form = |verifier: &'static str| {
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.clone()),
            ("redirect_uri", LOOPBACK_URI.to_owned()),
            ("client_id", id.clone()),
            ("code_verifier", verifier.to_owned()),
        ]
    };
    let post = |form| ask(alias.post("/api/oauth2/token").form(&form));
    let wrong = "a-verifier-of-the-right-length-but-another-one";
    assert_eq!(error(&post(form(wrong)).await), (400, "invalid_grant"));
    let (status, tokens) = post(form(VERIFIER)).await;
    assert_eq!((status, tokens["scope"].as_str()), (200, Some("openid")));
    assert_eq!(tokens.get("refresh_token"), None);
    assert_eq!(tokens.get("channels"), None);
    let refresh = [
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", "x".to_owned()),
        ("client_id", id.clone()),
    ];
    assert_eq!(
        error(&post(refresh.to_vec()).await),
        (400, "unauthorized_client")
    );
}

#[actix_web::test]
async fn r23_a_refresh_returns_new_tokens_and_no_id_token() {
    let alias = Alias::start().await;
    let (_, first) = alias.exchange(&alias.code(SEED).await).await;
    let (status, second) = alias.refresh(&text(&first, "refresh_token"), None).await;
    assert_eq!(status, 200);
    assert_eq!(second["scope"], first["scope"]);
    assert_eq!(second["channels"], first["channels"]);
    assert_ne!(second["access_token"], first["access_token"]);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second.get("id_token"), None);
}

#[actix_web::test]
async fn r23_a_retry_works_until_the_new_token_is_used_and_then_is_a_replay() {
    let alias = Alias::start().await;
    let (_, first) = alias.exchange(&alias.code(SEED).await).await;
    let old = text(&first, "refresh_token");
    let (_, second) = alias.refresh(&old, None).await;
    let (status, retried) = alias.refresh(&old, None).await;
    assert_eq!(status, 200);
    assert_eq!(
        alias
            .refresh(&text(&retried, "refresh_token"), None)
            .await
            .0,
        200
    );
    assert_eq!(
        error(&alias.refresh(&old, None).await),
        (400, "invalid_grant")
    );
    let dead = alias.refresh(&text(&second, "refresh_token"), None).await;
    assert_eq!(error(&dead), (400, "invalid_grant"));
}

#[actix_web::test]
async fn r21_a_refresh_can_be_narrowed_and_not_widened() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let refresh_token = text(&tokens, "refresh_token");
    for scope in ["openid email", "nickname", "openid \"", "openid\u{0}"] {
        let refused = alias.refresh(&refresh_token, Some(scope)).await;
        assert_eq!(error(&refused), (400, "invalid_scope"), "{scope}");
        let description = text(&refused.1, "error_description");
        assert!(description.ends_with("leave scope out to get all that is granted"));
    }
    let (status, narrow) = alias.refresh(&refresh_token, Some("nickname openid")).await;
    assert_eq!(
        (status, narrow["scope"].as_str()),
        (200, Some("openid nickname"))
    );
    assert_eq!(narrow.get("channels"), None);
    let (_, wide) = alias.refresh(&text(&narrow, "refresh_token"), None).await;
    assert_eq!(wide["scope"], tokens["scope"]);
    assert_eq!(wide["channels"], tokens["channels"]);
}

#[actix_web::test]
async fn r21_what_refuses_a_scope_names_what_is_not_granted() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser.authorize(SEED).await;
    let some = [("decision", "approve"), ("scope", "offline_access")];
    let page = browser.submit(&page.form(), &some).await;
    let code = param(&page.location.expect("a redirect"), "code").expect("a code");
    let (_, tokens) = alias.exchange(&code).await;
    let refresh_token = text(&tokens, "refresh_token");
    let long = "x".repeat(65);
    for (scope, what) in [
        (
            "openid offline_access nickname",
            "scope has nickname, which is not granted",
        ),
        (
            "openid contact nickname",
            "scope has contact and nickname, which is not granted",
        ),
        (
            "openid profile email",
            "scope has email and profile, which is no scope here",
        ),
        (
            "openid offline_access nickname contact email",
            "scope has contact and nickname, which is not granted, and email, which is no scope here",
        ),
        (
            &format!("openid nickname {long}"),
            "scope has nickname, which is not granted, and a name that is no scope here",
        ),
        (
            &format!("openid {long}"),
            "scope has a name that is no scope here",
        ),
        ("offline_access", "scope lacks openid"),
        ("openid \"", "scope is malformed"),
    ] {
        let refused = alias.refresh(&refresh_token, Some(scope)).await;
        assert_eq!(error(&refused), (400, "invalid_scope"), "{scope}");
        let description = text(&refused.1, "error_description");
        assert!(description.starts_with(what), "{scope}: {description}");
        assert!(!description.contains(['"', '\\']) && description.is_ascii());
    }
    // It is unused still.
    let (status, all) = alias.refresh(&refresh_token, None).await;
    assert_eq!(
        (status, &all["scope"]),
        (200, &json!("openid offline_access"))
    );
}

#[actix_web::test]
async fn one_kind_of_token_is_never_another() {
    let alias = Alias::start().await;
    let unused = alias.code(SEED).await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let tokens = |name: &str| text(&tokens, name);
    for name in ["access_token", "refresh_token", "id_token"] {
        let exchanged = alias.exchange(&tokens(name)).await;
        assert_eq!(error(&exchanged), (400, "invalid_grant"), "{name}");
    }
    for token in [tokens("access_token"), tokens("id_token"), unused.clone()] {
        let refreshed = alias.refresh(&token, None).await;
        assert_eq!(error(&refreshed), (400, "invalid_grant"), "{token}");
    }
    let form = alias
        .freds_browser()
        .await
        .authorize(&format!("{SEED}&prompt=consent"))
        .await
        .form();
    for token in [
        tokens("refresh_token"),
        tokens("id_token"),
        unused,
        form.token,
    ] {
        let answer = ask(alias.get("/api/oauth2/userinfo").bearer_auth(&token)).await;
        assert_eq!(error(&answer), (401, "invalid_token"), "{token}");
    }
}

#[actix_web::test]
async fn userinfo_tells_the_alias_id_and_with_the_scope_the_nickname() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let token = text(&tokens, "access_token");
    let worth = alias.introspect(&token).await;
    let expected = json!({"sub": worth["sub"], "nickname": "Fred"});
    let path = "/api/oauth2/userinfo";
    assert_eq!(
        ask(alias.get(path).bearer_auth(&token)).await,
        (200, expected.clone())
    );
    assert_eq!(
        ask(alias.post(path).bearer_auth(&token)).await,
        (200, expected.clone())
    );
    let body = [("access_token", token.as_str())];
    assert_eq!(ask(alias.post(path).form(&body)).await, (200, expected));
    let both = ask(alias.post(path).bearer_auth(&token).form(&body)).await;
    assert_eq!(error(&both), (400, "invalid_request"));
    let (_, narrow) = alias
        .refresh(&text(&tokens, "refresh_token"), Some("openid"))
        .await;
    let token = text(&narrow, "access_token");
    let sub = json!({"sub": worth["sub"]});
    assert_eq!(ask(alias.get(path).bearer_auth(&token)).await, (200, sub));
}

#[actix_web::test]
async fn without_a_token_userinfo_challenges() {
    let alias = Alias::start().await;
    let answer = alias
        .get("/api/oauth2/userinfo")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    let request = alias.get("/api/oauth2/userinfo").bearer_auth("x");
    let answer = request.send().await.expect("an answer");
    assert_eq!(
        answer.headers()["www-authenticate"],
        "Bearer error=\"invalid_token\""
    );
}

#[actix_web::test]
async fn introspection_tells_a_client_of_its_own_tokens_only() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    for name in ["access_token", "refresh_token"] {
        let worth = alias.introspect(&text(&tokens, name)).await;
        assert_eq!(worth["active"], true, "{name}");
        assert_eq!(worth["scope"], tokens["scope"], "{name}");
        assert_eq!(worth["channels"], tokens["channels"], "{name}");
        assert_eq!(
            worth["client_id"],
            sample::client().id.to_string(),
            "{name}"
        );
        let other = alias
            .post("/api/oauth2/introspect")
            .basic_auth(other_client().id.to_string(), Some(SECRET))
            .form(&[("token", text(&tokens, name))]);
        assert_eq!(ask(other).await, (200, json!({"active": false})), "{name}");
    }
    assert_eq!(alias.introspect("anything").await, json!({"active": false}));
}

async fn revoke(alias: &Alias, client: &str, token: &str) -> u16 {
    let request = alias
        .post("/api/oauth2/revoke")
        .basic_auth(client, Some(SECRET));
    ask(request.form(&[("token", token)])).await.0
}

#[actix_web::test]
async fn revoking_a_refresh_token_ends_everything_that_stems_from_it() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let (user_token, refresh_token) = (
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
    );
    let other = other_client().id.to_string();
    assert_eq!(revoke(&alias, &other, &refresh_token).await, 200);
    assert_eq!(alias.introspect(&user_token).await["active"], true);
    let own = sample::client().id.to_string();
    assert_eq!(revoke(&alias, &own, &refresh_token).await, 200);
    assert_eq!(alias.introspect(&user_token).await["active"], false);
    assert_eq!(
        error(&alias.refresh(&refresh_token, None).await),
        (400, "invalid_grant")
    );
    assert_eq!(revoke(&alias, &own, &refresh_token).await, 200);
    assert_eq!(revoke(&alias, &own, "anything").await, 200);
}

#[actix_web::test]
async fn revoking_a_user_token_leaves_the_refresh_token() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let user_token = text(&tokens, "access_token");
    assert_eq!(
        revoke(&alias, &sample::client().id.to_string(), &user_token).await,
        200
    );
    assert_eq!(alias.introspect(&user_token).await["active"], false);
    let (status, _) = alias.refresh(&text(&tokens, "refresh_token"), None).await;
    assert_eq!(status, 200);
}

#[actix_web::test]
async fn revoking_needs_the_secret_of_a_client_that_has_one() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let id = sample::client().id.to_string();
    for name in ["access_token", "refresh_token"] {
        let token = text(&tokens, name);
        let wrong = alias.post("/api/oauth2/revoke").basic_auth(&id, Some("x"));
        let answer = ask(wrong.form(&[("token", &token)])).await;
        assert_eq!(error(&answer), (401, "invalid_client"), "{name}");
        let none = [("client_id", &id), ("token", &token)];
        let answer = ask(alias.post("/api/oauth2/revoke").form(&none)).await;
        assert_eq!(error(&answer), (401, "invalid_client"), "{name}");
        assert_eq!(alias.introspect(&token).await["active"], true, "{name}");
    }
}

#[actix_web::test]
async fn a_public_client_revokes_its_own_token_by_its_id() {
    let alias = Alias::start().await;
    let id = sample::public_client().id.to_string();
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", &alias.code(&public_request()).await),
        ("redirect_uri", LOOPBACK_URI),
        ("client_id", &id),
        ("code_verifier", VERIFIER),
    ];
    let (_, tokens) = ask(alias.post("/api/oauth2/token").form(&exchange)).await;
    let token = text(&tokens, "access_token");
    let userinfo = || ask(alias.get("/api/oauth2/userinfo").bearer_auth(&token));
    assert_eq!(userinfo().await.0, 200);
    let revocation = [("client_id", &id), ("token", &token)];
    let answer = ask(alias.post("/api/oauth2/revoke").form(&revocation)).await;
    assert_eq!(answer.0, 200);
    assert_eq!(error(&userinfo().await), (401, "invalid_token"));
}

#[actix_web::test]
async fn a_token_is_found_whatever_the_hint_says_of_it() {
    let alias = Alias::start().await;
    let id = sample::client().id.to_string();
    for hint in ["access_token", "refresh_token", "something_else", ""] {
        for name in ["access_token", "refresh_token"] {
            let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
            let token = text(&tokens, name);
            let form = [("token", token.as_str()), ("token_type_hint", hint)];
            let hinted = |path| alias.post(path).basic_auth(&id, Some(SECRET)).form(&form);
            let (_, worth) = ask(hinted("/api/oauth2/introspect")).await;
            assert_eq!(worth["active"], true, "{name} as {hint}");
            let (status, _) = ask(hinted("/api/oauth2/revoke")).await;
            assert_eq!(status, 200, "{name} as {hint}");
            assert_eq!(alias.introspect(&token).await["active"], false, "{name}");
        }
    }
}

#[actix_web::test]
async fn an_introspection_response_is_json_with_members_of_the_types_of_the_rfc() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let request = alias
        .post("/api/oauth2/introspect")
        .basic_auth(sample::client().id.to_string(), Some(SECRET));
    let form = [("token", text(&tokens, "access_token"))];
    let answer = request.form(&form).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/json");
    let worth: Value = answer.json().await.expect("JSON");
    assert_eq!(worth["active"], json!(true));
    assert_eq!(worth["token_type"], "Bearer");
    assert_eq!(worth["iss"], crate::support::ISSUER);
    let seconds = |name: &str| worth[name].as_i64().expect("whole seconds");
    assert_eq!(seconds("exp") - seconds("iat"), 1800);
    for name in ["scope", "client_id", "sub"] {
        assert!(worth[name].is_string(), "{name}");
    }
}

#[actix_web::test]
async fn a_token_in_the_address_is_no_token() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let token = text(&tokens, "access_token");
    let path = format!("/api/oauth2/userinfo?access_token={token}");
    for request in [alias.get(&path), alias.post(&path)] {
        assert_eq!(ask(request).await.0, 401);
    }
}

#[actix_web::test]
async fn r23_twenty_workers_with_one_token_are_never_signed_out() {
    let alias = Alias::start().await;
    let (_, tokens) = alias.exchange(&alias.code(SEED).await).await;
    let token = text(&tokens, "refresh_token");
    let rivals = (0..20).map(|_| alias.refresh(&token, None));
    let answers = futures_util::future::join_all(rivals).await;
    assert!(answers.iter().all(|(status, _)| *status == 200));
    let (status, _) = alias
        .refresh(&text(&answers[7].1, "refresh_token"), None)
        .await;
    assert_eq!(status, 200);
}

#[actix_web::test]
async fn a_code_survives_the_trip_through_the_callback() {
    let alias = Alias::start().await;
    let mut browser = alias.freds_browser().await;
    let page = browser.authorize(SEED).await;
    let answer = browser
        .submit(&page.form(), &[("decision", "approve_all")])
        .await;
    let location = answer.location.expect("a redirect");
    assert_eq!(
        param(&location, "state").as_deref(),
        Some("4bqlMpbTFb_yXBkHNL6R1Q")
    );
    assert_eq!(
        param(&location, "iss").as_deref(),
        Some(crate::support::ISSUER)
    );
}

//! How clients authenticate, and bad input at the endpoints that they use.

use alias_domain::{AuthMethod, Client, ClientSecret, Secret, testing::sample};
use serde_json::Value;

use crate::support::{Alias, SECRET, json as ask};

const TOKEN: &str = "/api/oauth2/token";
const REVOCATION: &str = "/api/oauth2/revoke";
const INTROSPECTION: &str = "/api/oauth2/introspect";

fn id() -> String {
    sample::client().id.to_string()
}

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"].as_str().unwrap_or_default())
}

async fn body(alias: &Alias, body: &str) -> (u16, Value) {
    let request = alias.post(TOKEN).basic_auth(id(), Some(SECRET));
    ask(request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned()))
    .await
}

#[actix_web::test]
async fn an_unknown_client_and_a_wrong_secret_get_the_same_answer() {
    let alias = Alias::start().await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let mut answers = Vec::new();
    for (user, secret) in [
        (id(), "wrong"),
        (id(), ""),
        ("AAAAAAAAAAAAAAAAAAAAAA".to_owned(), SECRET),
        ("nobody".to_owned(), SECRET),
        (sample::public_client().id.to_string(), SECRET),
    ] {
        let request = alias.post(TOKEN).basic_auth(user, Some(secret)).form(&form);
        let response = request.send().await.expect("an answer");
        assert_eq!(
            response.headers()["www-authenticate"],
            "Basic realm=\"Alias\""
        );
        answers.push((
            response.status().as_u16(),
            response.text().await.expect("a body"),
        ));
    }
    assert!(answers.iter().all(|it| *it == answers[0]));
    assert_eq!(answers[0].0, 401);
    assert!(answers[0].1.contains("invalid_client"));
}

#[actix_web::test]
async fn malformed_credentials_are_an_invalid_client() {
    let alias = Alias::start().await;
    for header in ["Basic", "Basic !!!", "Basic YQ==", "Bearer x", "Basic Og=="] {
        let request = alias.post(TOKEN).header("authorization", header);
        let answer = ask(request.form(&[("grant_type", "refresh_token")])).await;
        assert_eq!(error(&answer), (401, "invalid_client"), "{header}");
    }
    let nobody = ask(alias.post(TOKEN).form(&[("grant_type", "refresh_token")])).await;
    assert_eq!(error(&nobody), (401, "invalid_client"));
    let confidential = [("client_id", id())];
    let answer = ask(alias.post(TOKEN).form(&confidential)).await;
    assert_eq!(error(&answer), (401, "invalid_client"));
}

#[actix_web::test]
async fn a_client_authenticates_as_it_is_registered_to() {
    let alias = Alias::start().await;
    let form = [("client_id", id()), ("client_secret", SECRET.to_owned())];
    let answer = ask(alias.post(TOKEN).form(&form)).await;
    assert_eq!(error(&answer), (401, "invalid_client"));
}

/// A client that is registered to send its secret so.
async fn registered(alias: &Alias, last: char, auth_method: AuthMethod) -> String {
    let client = Client {
        id: format!("AAAAAAAAAAAAAAAAAAAAB{last}")
            .parse()
            .expect("an ID"),
        auth_method,
        ..sample::client()
    };
    let secret = ClientSecret {
        digest: Secret::new(SECRET.to_owned()).digest(),
        expires_at: None,
    };
    let stored = alias.store.insert_client(&client, &[secret]).await;
    stored.expect("stored");
    client.id.to_string()
}

const REFRESH: [(&str, &str); 2] = [("grant_type", "refresh_token"), ("refresh_token", "x")];

async fn by_header(alias: &Alias, id: &str, secret: &str) -> (u16, Value) {
    let request = alias.post(TOKEN).basic_auth(id, Some(secret));
    ask(request.form(&REFRESH)).await
}

async fn by_body(alias: &Alias, id: &str, secret: &str) -> (u16, Value) {
    let credentials = [("client_id", id), ("client_secret", secret)];
    ask(alias
        .post(TOKEN)
        .form(&[&REFRESH[..], &credentials].concat()))
    .await
}

#[actix_web::test]
async fn client_secret_either_takes_the_secret_one_way_in_each_request() {
    let alias = Alias::start().await;
    let id = registered(&alias, 'A', AuthMethod::ClientSecretEither).await;
    for answer in [
        by_header(&alias, &id, SECRET).await,
        by_body(&alias, &id, SECRET).await,
    ] {
        assert_eq!(
            error(&answer),
            (400, "invalid_grant"),
            "it is authenticated"
        );
    }
    for answer in [
        by_header(&alias, &id, "wrong").await,
        by_body(&alias, &id, "wrong").await,
    ] {
        assert_eq!(error(&answer), (401, "invalid_client"));
    }
    let both = [("client_id", id.as_str()), ("client_secret", SECRET)];
    let request = alias.post(TOKEN).basic_auth(&id, Some(SECRET));
    let answer = ask(request.form(&[&REFRESH[..], &both].concat())).await;
    assert_eq!(error(&answer), (400, "invalid_request"));
}

#[actix_web::test]
async fn a_right_secret_sent_the_wrong_way_is_told_the_command_that_mends_it() {
    let alias = Alias::start().await;
    let basic = id();
    let post = registered(&alias, 'Q', AuthMethod::ClientSecretPost).await;
    for (answer, id, came, mended) in [
        (
            by_body(&alias, &basic, SECRET).await,
            &basic,
            "in the body",
            "client_secret_post",
        ),
        (
            by_header(&alias, &post, SECRET).await,
            &post,
            "header",
            "client_secret_basic",
        ),
    ] {
        assert_eq!(error(&answer), (401, "invalid_client"));
        let said = answer.1["error_description"].as_str().expect("a sentence");
        let command = format!("aliasd client update {id} --auth-method {mended}");
        for part in [
            "the secret is right",
            came,
            &command,
            "client_secret_either",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let allowed = |it: char| (' '..='~').contains(&it) && !['"', '\\'].contains(&it);
        assert!(said.chars().all(allowed), "RFC 6749 5.2: {said}");
        assert!(!said.contains(SECRET));
    }
    for answer in [
        by_body(&alias, &basic, "wrong").await,
        by_header(&alias, &post, "wrong").await,
        by_body(&alias, &sample::public_client().id.to_string(), SECRET).await,
    ] {
        assert_eq!(error(&answer), (401, "invalid_client"));
        let said = &answer.1["error_description"];
        assert_eq!(
            said, "client authentication failed",
            "nobody else learns anything"
        );
    }
}

/// Libraries send it so where they have no secret (OIDC Core 9).
#[actix_web::test]
async fn an_empty_password_in_basic_is_a_public_clients_none() {
    let alias = Alias::start().await;
    let public = sample::public_client().id.to_string();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", "x"),
        ("redirect_uri", "http://127.0.0.1/callback"),
    ];
    let request = alias.post(TOKEN).basic_auth(&public, Some(""));
    let answer = ask(request.form(&form)).await;
    assert_eq!(
        error(&answer),
        (400, "invalid_grant"),
        "it is authenticated"
    );
    let same = [&form[..], &[("client_id", public.as_str())]].concat();
    let request = alias.post(TOKEN).basic_auth(&public, Some(""));
    let answer = ask(request.form(&same)).await;
    assert_eq!(error(&answer), (400, "invalid_grant"));
    let request = alias.post(TOKEN).basic_auth(id(), Some(""));
    let answer = ask(request.form(&form)).await;
    assert_eq!(
        error(&answer),
        (401, "invalid_client"),
        "a confidential one has a secret"
    );
}

#[actix_web::test]
async fn two_ways_of_authenticating_and_differing_ids_are_an_invalid_request() {
    let alias = Alias::start().await;
    let secret = format!("grant_type=refresh_token&refresh_token=x&client_secret={SECRET}");
    assert_eq!(
        error(&body(&alias, &secret).await),
        (400, "invalid_request")
    );
    let other = sample::public_client().id;
    let differing = format!("grant_type=refresh_token&refresh_token=x&client_id={other}");
    assert_eq!(
        error(&body(&alias, &differing).await),
        (400, "invalid_request")
    );
    let same = format!(
        "grant_type=refresh_token&refresh_token=x&client_id={}",
        id()
    );
    assert_eq!(error(&body(&alias, &same).await), (400, "invalid_grant"));
}

#[actix_web::test]
async fn a_secret_in_the_address_is_an_invalid_request() {
    let alias = Alias::start().await;
    let path = format!("{TOKEN}?client_id={}&client_secret={SECRET}", id());
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let answer = ask(alias.post(&path).form(&form)).await;
    assert_eq!(error(&answer), (400, "invalid_request"));
}

#[actix_web::test]
async fn a_bad_form_is_an_invalid_request() {
    let alias = Alias::start().await;
    for form in [
        "",
        "grant_type=",
        "grant_type=authorization_code",
        "grant_type=authorization_code&code=x",
        "grant_type=authorization_code&redirect_uri=x",
        "grant_type=refresh_token",
        "grant_type=refresh_token&grant_type=refresh_token&refresh_token=x",
        "grant_type=refresh_token&refresh_token=x&refresh_token=x",
        "grant_type=refresh_token&refresh_token=%GG",
        "grant_type=refresh_token&refresh_token=%00",
    ] {
        assert_eq!(
            error(&body(&alias, form).await),
            (400, "invalid_request"),
            "{form}"
        );
    }
    let broken = "grant_type=refresh_token&refresh_token=%FF";
    let said = &body(&alias, broken).await.1["error_description"];
    assert_eq!(said, "refresh_token is not percent-encoded UTF-8");
    // RFC 6749 3.2.
    for unknown in ["foo=%FF", "foo=50%", "%GG=1&%GG=2", "foo=%00"] {
        let form = format!("grant_type=refresh_token&refresh_token=x&{unknown}");
        let answer = body(&alias, &form).await;
        assert_eq!(
            error(&answer),
            (400, "invalid_grant"),
            "{unknown}: it is ignored"
        );
    }
    let other = body(&alias, "grant_type=password&username=a&password=b").await;
    assert_eq!(error(&other), (400, "unsupported_grant_type"));
}

#[actix_web::test]
async fn a_token_request_is_a_form_of_at_most_64_kib() {
    let alias = Alias::start().await;
    for content_type in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
    ] {
        let request = alias.post(TOKEN).basic_auth(id(), Some(SECRET));
        let request = request
            .header("content-type", content_type)
            .body("grant_type=refresh_token");
        assert_eq!(
            error(&ask(request).await),
            (400, "invalid_request"),
            "{content_type}"
        );
    }
    let long = format!(
        "grant_type=refresh_token&refresh_token={}",
        "x".repeat(64 * 1024)
    );
    assert_eq!(body(&alias, &long).await.0, 413);
    let (status, _) = ask(alias.get(TOKEN)).await;
    assert_eq!(status, 405);
}

#[actix_web::test]
async fn what_is_over_64_kib_is_not_read_for_revocation_or_introspection_either() {
    let alias = Alias::start().await;
    let long = "x".repeat(64 * 1024);
    for path in [REVOCATION, INTROSPECTION] {
        let request = alias.post(path).basic_auth(id(), Some(SECRET));
        let answer = ask(request.form(&[("token", &long)])).await;
        assert_eq!(error(&answer), (413, "invalid_request"), "{path}");
    }
}

#[actix_web::test]
async fn no_grant_is_offered_but_the_code_and_the_refresh() {
    let alias = Alias::start().await;
    for grant in [
        "password&username=fred@example.com&password=correct+horse+battery",
        "client_credentials",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=x",
    ] {
        let answer = body(&alias, &format!("grant_type={grant}&scope=openid")).await;
        assert_eq!(error(&answer), (400, "unsupported_grant_type"), "{grant}");
    }
}

#[actix_web::test]
async fn tokens_are_revoked_and_introspected_by_post_alone() {
    let alias = Alias::start().await;
    for (path, methods) in [(REVOCATION, "POST, OPTIONS"), (INTROSPECTION, "POST")] {
        let request = alias.get(&format!("{path}?token=x"));
        let answer = request.basic_auth(id(), Some(SECRET)).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 405, "{path}");
        assert_eq!(answer.headers()["allow"], methods, "{path}");
    }
}

#[actix_web::test]
async fn a_missing_token_is_an_invalid_request() {
    let alias = Alias::start().await;
    for path in [REVOCATION, INTROSPECTION] {
        for form in [&[][..], &[("token", "")], &[("token", "x"), ("token", "y")]] {
            let request = alias.post(path).basic_auth(id(), Some(SECRET));
            let answer = ask(request.form(form)).await;
            assert_eq!(error(&answer), (400, "invalid_request"), "{path} {form:?}");
        }
    }
}

#[actix_web::test]
async fn introspection_is_for_those_who_can_authenticate() {
    let alias = Alias::start().await;
    let public = sample::public_client().id.to_string();
    let form = [("client_id", public.as_str()), ("token", "x")];
    let answer = ask(alias.post("/api/oauth2/introspect").form(&form)).await;
    assert_eq!(error(&answer), (401, "invalid_client"));
    let answer = ask(alias.post("/api/oauth2/revoke").form(&form)).await;
    assert_eq!(answer.0, 200);
    let nothing = ask(alias
        .post("/api/oauth2/introspect")
        .basic_auth(id(), Some(SECRET)))
    .await;
    assert_eq!(error(&nothing), (400, "invalid_request"));
}

#[actix_web::test]
async fn discovery_names_every_endpoint_and_is_open_to_all() {
    let alias = Alias::start().await;
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
    ] {
        let response = alias.get(path).send().await.expect("an answer");
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        assert!(
            response.headers()["cache-control"]
                .to_str()
                .is_ok_and(|it| it.contains("public"))
        );
        let document: Value = response.json().await.expect("JSON");
        assert_eq!(document["issuer"], crate::support::ISSUER);
        for (name, path) in [
            ("authorization_endpoint", "/oauth2/authorize"),
            ("token_endpoint", TOKEN),
        ] {
            assert_eq!(document[name], format!("{}{path}", crate::support::ISSUER));
        }
        let text = document.to_string();
        assert!(!text.contains("_meta"), "R27");
    }
}

#[actix_web::test]
async fn discovery_lists_the_algorithms_of_id_tokens() {
    let alias = Alias::start().await;
    let (_, document) = crate::support::json(alias.get("/.well-known/openid-configuration")).await;
    let algorithms = document["id_token_signing_alg_values_supported"].as_array();
    assert_eq!(algorithms.expect("a list"), &["RS256", "ES256", "EdDSA"]);
}

#[actix_web::test]
async fn the_key_set_is_that_of_the_moment_and_kept_for_as_long_as_it_was_said() {
    let alias = Alias::start().await;
    for kid in ["0", "1"] {
        let response = alias.get("/.well-known/jwks.json").send().await;
        let response = response.expect("an answer");
        assert_eq!(response.headers()["cache-control"], "public, max-age=7");
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        let keys: Value = response.json().await.expect("JSON");
        assert_eq!(keys["keys"][0]["kid"], kid);
    }
}

#[actix_web::test]
async fn every_response_has_the_headers_of_a_careful_service() {
    let alias = Alias::start().await;
    for path in [
        "/",
        "/sign-in",
        "/account",
        "/nowhere",
        "/api/grants",
        "/api/nowhere",
        "/livez",
        "/oauth2/authorize",
        TOKEN,
    ] {
        let response = alias.get(path).send().await.expect("an answer");
        let header = |name: &str| {
            response.headers()[name]
                .to_str()
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert!(
            header("content-security-policy").contains("frame-ancestors 'none'"),
            "{path}"
        );
    }
}

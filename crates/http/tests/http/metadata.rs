//! Authorization server metadata (RFC 8414), which OpenID Connect Discovery shares.

use serde_json::{Map, Value};

use crate::support::{Alias, ISSUER, client};

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

async fn metadata(alias: &Alias, path: &str) -> Map<String, Value> {
    let answer = alias.get(path).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["content-type"], "application/json");
    answer.json().await.expect("an object")
}

#[actix_web::test]
async fn both_documents_say_the_same_where_both_say_something() {
    let alias = Alias::start().await;
    let openid = metadata(&alias, OPENID).await;
    for (name, value) in metadata(&alias, OAUTH).await {
        assert_eq!(openid.get(&name), Some(&value), "{name}");
    }
}

#[actix_web::test]
async fn the_issuer_is_the_one_that_the_documents_address_is_made_of() {
    let alias = Alias::start().await;
    for path in [OAUTH, OPENID] {
        assert_eq!(metadata(&alias, path).await["issuer"], ISSUER, "{path}");
    }
}

#[actix_web::test]
async fn both_documents_promise_the_issuer_in_every_response() {
    let alias = Alias::start().await;
    for path in [OAUTH, OPENID] {
        let document = metadata(&alias, path).await;
        let promised = &document["authorization_response_iss_parameter_supported"];
        assert_eq!(promised, true, "{path}");
    }
}

#[actix_web::test]
async fn no_list_of_the_metadata_is_empty() {
    let alias = Alias::start().await;
    for path in [OAUTH, OPENID] {
        for (name, value) in metadata(&alias, path).await {
            if name.ends_with("_supported") && !value.is_boolean() {
                let values = value.as_array().expect("a list");
                assert!(!values.is_empty(), "{path}: {name}");
            }
        }
    }
}

#[actix_web::test]
async fn each_address_of_the_metadata_is_below_the_issuer_and_served() {
    let alias = Alias::start().await;
    for path in [OAUTH, OPENID] {
        let document = metadata(&alias, path).await;
        let addresses = document
            .iter()
            .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
        let mut names = Vec::new();
        for (name, address) in addresses {
            let address = address.as_str().expect("an address");
            let below = address.strip_prefix(ISSUER).expect("below the issuer");
            // No address takes this method: what is not served is 404.
            let request = client().patch(alias.url(below));
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 405, "{name}");
            names.push(name.as_str());
        }
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "revocation_endpoint",
            "introspection_endpoint",
        ] {
            assert!(names.contains(&name), "{path}: {name}");
        }
    }
}

#[actix_web::test]
async fn what_is_offered_is_listed_where_a_default_would_say_otherwise() {
    let alias = Alias::start().await;
    let document = metadata(&alias, OAUTH).await;
    let basic_and_post = ["client_secret_basic", "client_secret_post"];
    let or_none = ["client_secret_basic", "client_secret_post", "none"];
    for (name, expected) in [
        (
            "scopes_supported",
            &["openid", "offline_access", "contact", "nickname"][..],
        ),
        ("response_types_supported", &["code"]),
        ("response_modes_supported", &["query", "form_post"]),
        (
            "grant_types_supported",
            &["authorization_code", "refresh_token"],
        ),
        ("token_endpoint_auth_methods_supported", &or_none),
        ("revocation_endpoint_auth_methods_supported", &or_none),
        (
            "introspection_endpoint_auth_methods_supported",
            &basic_and_post,
        ),
        ("code_challenge_methods_supported", &["S256"]),
    ] {
        assert_eq!(document[name], Value::from(expected), "{name}");
    }
}

#[actix_web::test]
async fn what_is_not_offered_has_no_member() {
    let alias = Alias::start().await;
    for path in [OAUTH, OPENID] {
        let document = metadata(&alias, path).await;
        for name in [
            "registration_endpoint",
            "signed_metadata",
            "token_endpoint_auth_signing_alg_values_supported",
            "revocation_endpoint_auth_signing_alg_values_supported",
            "introspection_endpoint_auth_signing_alg_values_supported",
        ] {
            assert_eq!(document.get(name), None, "{path}");
        }
    }
}

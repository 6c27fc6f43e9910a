//! Config OP: `oidcc-config-certification-test-plan`.

use serde_json::Value;

use crate::{
    checks::{self, lists, text},
    relying_party::{Mode, RelyingParty},
    service::Service,
};

/// Every member that the document may have: those of OIDC Discovery 3, RFC 8414, RFC 9207, Initiating
/// User Registration 4, and the logout specifications.
const KNOWN: [&str; 36] = [
    "acr_values_supported",
    "authorization_endpoint",
    "authorization_response_iss_parameter_supported",
    "backchannel_logout_session_supported",
    "backchannel_logout_supported",
    "claim_types_supported",
    "claims_locales_supported",
    "claims_parameter_supported",
    "claims_supported",
    "code_challenge_methods_supported",
    "display_values_supported",
    "end_session_endpoint",
    "grant_types_supported",
    "id_token_signing_alg_values_supported",
    "introspection_endpoint",
    "introspection_endpoint_auth_methods_supported",
    "issuer",
    "jwks_uri",
    "prompt_values_supported",
    "request_object_signing_alg_values_supported",
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "require_request_uri_registration",
    "response_modes_supported",
    "response_types_supported",
    "revocation_endpoint",
    "revocation_endpoint_auth_methods_supported",
    "scopes_supported",
    "service_documentation",
    "subject_types_supported",
    "token_endpoint",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "ui_locales_supported",
    "userinfo_endpoint",
    "userinfo_signing_alg_values_supported",
];

pub(crate) async fn discovery() -> Value {
    let service = Service::shared();
    let rp = RelyingParty::discover(service, &service.basic, Mode::Query).await;
    rp.discovery
}

/// Every endpoint is an address over TLS.
#[track_caller]
pub(crate) fn has_secure_endpoints(document: &Value) {
    for (name, value) in document.as_object().expect("an object") {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            checks::is_secure(value);
        }
    }
}

#[actix_web::test]
async fn oidcc_discovery_endpoint_verification() {
    let document = discovery().await;
    checks::is_secure(&document["issuer"]);
    assert!(!text(&document, "issuer").contains('?'));
    has_secure_endpoints(&document);
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
    ] {
        text(&document, name);
    }

    for (name, value) in document.as_object().expect("an object") {
        assert!(KNOWN.contains(&name.as_str()), "{name} is not registered");
        if !name.ends_with("_supported") {
            continue;
        }
        match value {
            Value::Bool(_) => {}
            Value::Array(values) => {
                assert!(!values.is_empty(), "{name}");
                assert!(values.iter().all(Value::is_string), "{name}");
            }
            _ => panic!("{name} is neither a list nor a truth value"),
        }
    }
    for (name, value) in [
        ("response_types_supported", "code"),
        ("subject_types_supported", "pairwise"),
        ("id_token_signing_alg_values_supported", "RS256"),
        ("scopes_supported", "openid"),
        ("grant_types_supported", "authorization_code"),
        ("code_challenge_methods_supported", "S256"),
        ("claims_supported", "sub"),
    ] {
        assert!(lists(&document, name, value), "{name}: {value}");
    }
    let scopes = document["scopes_supported"].as_array().expect("a list");
    let is_scope = |it: u8| it.is_ascii_graphic() && it != b'"' && it != b'\\';
    for scope in scopes.iter().filter_map(Value::as_str) {
        assert!(scope.bytes().all(is_scope), "{scope}");
    }
    for name in ["ui_locales_supported", "claims_locales_supported"] {
        for tag in document[name].as_array().into_iter().flatten() {
            // BCP 47: of the tags that Alias could mean, those of a language alone.
            let tag = tag.as_str().expect("text");
            let is_language = tag.len() == 2 && tag.bytes().all(|it| it.is_ascii_lowercase());
            assert!(is_language, "{tag}");
        }
    }
    let algorithms = "request_object_signing_alg_values_supported";
    assert!(
        document.get(algorithms).is_none(),
        "there are no request objects"
    );
}

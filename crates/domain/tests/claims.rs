//! The `claims` parameter (OIDC Core 5.5).

use alias_domain::{ClaimsRequest, MalformedClaims};
use proptest::prelude::*;

fn is_sound(claims: &str) -> bool {
    ClaimsRequest::parse(claims).is_ok()
}

#[test]
fn the_example_of_the_specification_is_understood() -> Result<(), MalformedClaims> {
    let asked = ClaimsRequest::parse(
        r#"{
           "userinfo":
            {
             "given_name": {"essential": true},
             "nickname": null,
             "email": {"essential": true},
             "email_verified": {"essential": true},
             "picture": null,
             "http://example.info/claims/groups": null
            },
           "id_token":
            {
             "auth_time": {"essential": true},
             "acr": {"values": ["urn:mace:incommon:iap:silver"]}
            }
          }"#,
    )?;
    let essential = |claim: &str| asked.userinfo(claim).map(|it| it.essential);
    assert_eq!(essential("given_name"), None, "nobody here has one");
    assert_eq!(essential("nickname"), Some(false));
    assert_eq!(essential("name"), None);
    let acr = asked.id_token("acr").ok_or(MalformedClaims)?;
    assert!(acr.admits("urn:mace:incommon:iap:silver") && !acr.admits("bronze"));
    assert!(
        asked
            .id_token("auth_time")
            .is_some_and(|it| it.admits("anything"))
    );
    Ok(())
}

#[test]
fn what_has_another_form_is_malformed() {
    for claims in [
        "",
        " ",
        "null",
        "true",
        "7",
        r#""id_token""#,
        "[]",
        r#"[{"id_token":{}}]"#,
        "{",
        "{}}",
        "{} {}",
        "{'id_token':{}}",
        r#"{"id_token":{},}"#,
        r#"{"id_token":[]}"#,
        r#"{"id_token":"sub"}"#,
        r#"{"id_token":true}"#,
        r#"{"userinfo":{"nickname":true}}"#,
        r#"{"userinfo":{"nickname":"Fred"}}"#,
        r#"{"userinfo":{"nickname":[]}}"#,
        r#"{"userinfo":{"nickname":{"essential":"true"}}}"#,
        r#"{"userinfo":{"nickname":{"essential":null}}}"#,
        r#"{"userinfo":{"nickname":{"values":"Fred"}}}"#,
        r#"{"userinfo":{"nickname":{"value":"Fred","values":["Fred"]}}}"#,
        r#"{"id_token":{"acr":{"value":1e999}}}"#,
        r#"{"id_token":{"acr":{"value":"\ud800"}}}"#,
        "{\"id_token\":{\"a\tb\":null}}",
    ] {
        assert!(!is_sound(claims), "{claims}");
    }
}

#[test]
fn a_member_that_is_there_twice_is_malformed_wherever_it_stands() {
    for claims in [
        r#"{"id_token":{},"id_token":{}}"#,
        r#"{"x":1,"x":1}"#,
        r#"{"id_token":{"acr":null,"acr":null}}"#,
        r#"{"id_token":{"acr":null,"\u0061cr":null}}"#,
        r#"{"id_token":{"acr":{"essential":false,"essential":true}}}"#,
        r#"{"id_token":{"acr":{"value":{"a":1,"a":2}}}}"#,
        r#"{"id_token":{"acr":{"x":1,"x":1}}}"#,
        r#"{"x\ud800":1,"x\uD800":1}"#,
    ] {
        assert!(!is_sound(claims), "{claims}");
    }
}

/// Not every JSON parser has such numbers and texts.
#[test]
fn what_stands_in_an_unknown_member_is_ignored_if_no_machine_can_have_it() {
    let long = format!(r#"{{"x":{}}}"#, "9".repeat(4000));
    for claims in [
        r#"{"x":1e999999}"#,
        r#"{"x":-1e999999,"y":[{"z":1e999999}]}"#,
        &long,
        r#"{"x":"\ud800"}"#,
        r#"{"\ud800":"\udc00\ud800"}"#,
        r#"{"id_token":{"email":{"value":1e999999},"\ud800":null}}"#,
        r#"{"userinfo":{"nickname":{"x":"\ud800","y":1e999999}}}"#,
        r#"{"x":[{"a":1,"a":2}]}"#,
    ] {
        assert!(is_sound(claims), "{claims}");
    }
    // It has to be JSON nevertheless.
    for claims in [
        r#"{"x":1e}"#,
        r#"{"x":01}"#,
        r#"{"x":"\u12"}"#,
        r#"{"x":"\x"}"#,
    ] {
        assert!(!is_sound(claims), "{claims}");
    }
}

#[test]
fn unknown_members_are_ignored() {
    for claims in [
        r#"{"x":7,"verified_claims":[1,2,{"a":[null]}]}"#,
        r#"{"id_token":null,"userinfo":null}"#,
        r#"{"userinfo":{"name":{"essential":true,"purpose":"why","x":[1]}}}"#,
        r#"{"userinfo":{"address":{"value":{"country":"CH"}}}}"#,
        r#"{"userinfo":{"given_name":true}}"#,
        r#"{"userinfo":{"given_name":"Fred","groups":[],"name":7}}"#,
        r#"{"id_token":{"email":{"essential":"true"}}}"#,
        r#"{"id_token":{"email":{"value":"a","values":"b"},"sub":null}}"#,
        r#"{"id_token":{"acr":{"purpose":{"x":[1]}}}}"#,
        // OpenID Connect for Identity Assurance 1.0, 6.
        r#"{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"evidence":[
            {"type":{"value":"document"},"check_details":[{"check_method":{"value":"vpip"}}]}]},
            "claims":{"given_name":null}}}}"#,
    ] {
        assert!(is_sound(claims), "{claims}");
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_malformed() {
    let long = |length: usize| format!(r#"{{"x":"{}"}}"#, "x".repeat(length - 8));
    assert!(is_sound(&long(4096)) && !is_sound(&long(4097)));
    let lists = |depth: usize| format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(is_sound(&lists(31)) && !is_sound(&lists(32)) && !is_sound(&lists(2000)));
    let objects = |depth: usize| {
        let inside = r#"{"x":"#.repeat(depth);
        format!("{inside}1{}", "}".repeat(depth))
    };
    assert!(is_sound(&objects(32)) && !is_sound(&objects(33)) && !is_sound(&objects(600)));
    assert!(!is_sound(&"[".repeat(4096)));
}

/// What stands for a claim, sound and unsound.
fn asked() -> impl Strategy<Value = (&'static str, bool)> {
    prop::sample::select(vec![
        ("null", true),
        ("{}", true),
        (r#"{"essential":true}"#, true),
        (r#"{"value":"a"}"#, true),
        (r#"{"values":["a","b"],"x":{}}"#, true),
        (r#"{"essential":1}"#, false),
        (r#"{"values":{}}"#, false),
        ("[]", false),
    ])
}

fn understood() -> impl Strategy<Value = String> {
    let names = ["acr", "amr", "auth_time", "nickname", "sub"];
    prop::sample::select(names.map(str::to_owned).to_vec())
}

proptest! {
    #[test]
    fn no_text_makes_it_fail_otherwise(text in "\\PC{0,100}") {
        let _ = ClaimsRequest::parse(&text);
    }

    #[test]
    fn no_json_makes_it_fail_otherwise(text in "[\\[\\]{}\",: a0-9tfn\\\\]{0,60}") {
        let _ = ClaimsRequest::parse(&text);
    }

    #[test]
    fn it_is_sound_exactly_if_each_claim_that_is_understood_is(
        claims in prop::collection::btree_map(understood(), asked(), 0..6),
        others in prop::collection::btree_map("x[a-z]{1,6}", asked(), 0..6),
        in_id_token: bool,
    ) {
        let sound = claims.values().all(|it| it.1);
        let members: Vec<String> = claims
            .iter()
            .chain(&others)
            .map(|(name, (asked, _))| format!(r#""{name}":{asked}"#))
            .collect();
        let member = if in_id_token { "id_token" } else { "userinfo" };
        let text = format!(r#"{{"{member}":{{{}}}}}"#, members.join(","));
        let parsed = ClaimsRequest::parse(&text);
        prop_assert_eq!(parsed.is_ok(), sound, "{}", text);
        if let Ok(asked) = parsed {
            for name in claims.keys() {
                prop_assert_eq!(asked.id_token(name).is_some(), in_id_token);
                prop_assert_eq!(asked.userinfo(name).is_some(), !in_id_token);
            }
        }
    }
}

//! The request: R1 to R8, R14, R15 (the parameter), R18 (what is asked for), R28 (the parameter),
//! OIDC Core 3.1.2.1 and 5.5, and what is malformed.

use alias_domain::{
    Access, AliasId, AskedClaims, AuthorizationRequest, Client, ClientKind, ErrorCode, IdTokenHint,
    PageError, Params, Prompt, RedirectUri, Reply, RequestError, ResponseMode, Scope,
    requested_callback, requested_client,
    testing::sample::{self, client, public_client},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// A sound request of the sample client, with what each test puts into it.
fn parse(extra: &str) -> Result<AuthorizationRequest, RequestError> {
    parse_raw(&format!("response_type=code&{extra}"), &client())
}

fn parse_raw(query: &str, client: &Client) -> Result<AuthorizationRequest, RequestError> {
    let uri = client.redirect_uris[0].as_str();
    let callback = client.callback(uri).expect("a registered URI");
    AuthorizationRequest::parse(&Params::parse(query), client, callback)
}

fn code(extra: &str) -> Result<(), ErrorCode> {
    parse(extra).map(|_| ()).map_err(|error| error.code)
}

fn effective(
    extra: &str,
    connection: Option<&Access>,
) -> Result<(String, Option<String>), ErrorCode> {
    let client = client();
    let access = parse(extra)
        .and_then(|request| request.effective(&client, connection))
        .map_err(|error| error.code)?;
    Ok((access.to_string(), client.channel_list(&access)))
}

fn scopes(list: &str) -> Result<(String, Option<String>), ErrorCode> {
    Ok((list.to_owned(), None))
}

fn contact(list: &str, channels: &str) -> Result<(String, Option<String>), ErrorCode> {
    Ok((list.to_owned(), Some(channels.to_owned())))
}

#[test]
fn r1_duplicates_collapse_and_output_is_in_canonical_order() {
    assert_eq!(
        effective("scope=nickname+openid+nickname+offline_access+openid", None),
        scopes("openid offline_access nickname")
    );
}

#[test]
fn r1_unknown_scopes_are_ignored() {
    assert_eq!(
        effective("scope=openid+profile+email", None),
        scopes("openid")
    );
}

#[test]
fn r1_characters_outside_the_grammar_are_an_invalid_scope() {
    for scope in [
        "openid+%22x",
        "openid+%5C",
        "openid%00",
        "openid%09contact",
        "openid+%C3%B6",
        "openid%GG",
        "%FFopenid",
    ] {
        assert_eq!(
            code(&format!("scope={scope}")),
            Err(ErrorCode::InvalidScope),
            "{scope}"
        );
    }
}

#[test]
fn r2_openid_must_stand_in_scope_itself() {
    let everything = sample::everything();
    for query in [
        "",
        "scope=",
        "scope=+",
        "scope=contact",
        "scope=contact&include_granted_scopes=true",
    ] {
        let request = parse(query).and_then(|it| it.effective(&client(), Some(&everything)));
        assert_eq!(
            request.map_err(|it| it.code),
            Err(ErrorCode::InvalidScope),
            "{query}"
        );
    }
}

#[test]
fn r3_granted_scopes_are_included_only_where_asked_for() {
    let granted = Access::openid().with(Scope::Nickname);
    let with = |query: &str| effective(query, Some(&granted));
    assert_eq!(with("scope=openid"), scopes("openid"));
    assert_eq!(
        with("scope=openid&include_granted_scopes=false"),
        scopes("openid")
    );
    assert_eq!(
        with("scope=openid&include_granted_scopes=true"),
        scopes("openid nickname")
    );
    assert_eq!(
        effective("scope=openid&include_granted_scopes=true", None),
        scopes("openid")
    );
}

#[test]
fn r4_without_effective_contact_channels_are_ignored_even_malformed() {
    for channels in ["notifications", "nowhere", "%00", "%GG", "_meta"] {
        let query = format!("scope=openid&channels={channels}&include_granted_channels=maybe");
        assert_eq!(effective(&query, None), scopes("openid"), "{channels}");
        let merging = format!("{query}&include_granted_scopes=true");
        assert_eq!(effective(&merging, None), scopes("openid"), "{channels}");
    }
}

#[test]
fn r5_only_channels_that_the_client_declares_are_admitted() {
    assert_eq!(
        effective(
            "scope=openid+contact&channels=product_updates+notifications+notifications",
            None
        ),
        contact("openid contact", "notifications product_updates")
    );
    for channels in [
        "nowhere",
        "_meta",
        "notifications+_meta",
        "NOTIFICATIONS",
        "%00",
        "%GG",
        "n%C3%B6",
    ] {
        let query = format!("scope=openid+contact&channels={channels}");
        assert_eq!(code(&query), Err(ErrorCode::InvalidChannel), "{channels}");
    }
}

#[test]
fn r5_r14_where_only_the_merge_brings_contact_a_channel_is_judged_with_the_connection() {
    let query = "scope=openid&include_granted_scopes=true&channels=nowhere";
    assert_eq!(code(query), Ok(()));
    let granted = Access::openid().with(Scope::Contact);
    assert_eq!(
        effective(query, Some(&granted)),
        Err(ErrorCode::InvalidChannel)
    );
    assert_eq!(effective(query, None), scopes("openid"));
}

#[test]
fn r6_granted_channels_are_included_only_where_asked_for() {
    let granted = sample::everything();
    let with = |query: &str| effective(query, Some(&granted));
    let asked = "scope=openid+contact&channels=product_updates";
    assert_eq!(with(asked), contact("openid contact", "product_updates"));
    assert_eq!(
        with(&format!("{asked}&include_granted_channels=true")),
        contact("openid contact", "notifications product_updates")
    );
    assert_eq!(
        with("scope=openid&include_granted_scopes=true"),
        contact("openid offline_access contact nickname", "")
    );
}

#[test]
fn r7_the_booleans_are_true_or_false() {
    for value in ["yes", "1", "True", "TRUE", "%20true"] {
        let scopes = format!("scope=openid&include_granted_scopes={value}");
        assert_eq!(code(&scopes), Err(ErrorCode::InvalidRequest), "{value}");
        let channels = format!("scope=openid+contact&include_granted_channels={value}");
        assert_eq!(code(&channels), Err(ErrorCode::InvalidRequest), "{value}");
    }
}

#[test]
fn r8_contact_without_a_channel_is_legal() {
    assert_eq!(
        effective("scope=openid+contact", None),
        contact("openid contact", "")
    );
}

#[test]
fn r14_prompt_none_stands_alone_and_unknown_values_are_invalid() {
    assert_eq!(
        parse("scope=openid&prompt=none").map(|it| it.prompt),
        Ok(Prompt::None)
    );
    for prompt in ["none+login", "login+none", "create", "login+create", "NONE"] {
        let query = format!("scope=openid&prompt={prompt}");
        assert_eq!(code(&query), Err(ErrorCode::InvalidRequest), "{prompt}");
    }
    let both = Prompt::Allowed {
        login: true,
        consent: true,
        select_account: false,
    };
    assert_eq!(
        parse("scope=openid&prompt=consent+login").map(|it| it.prompt),
        Ok(both)
    );
}

#[test]
fn r15_max_age_is_decimal_digits_up_to_the_greatest_signed_number() {
    let max_age = |text: &str| {
        let request = parse(&format!("scope=openid&max_age={text}"));
        request.map(|it| it.max_age).map_err(|it| it.code)
    };
    assert_eq!(max_age("0"), Ok(Some(0)));
    assert_eq!(
        max_age("9223372036854775807"),
        Ok(Some(9_223_372_036_854_775_807))
    );
    assert_eq!(max_age(""), Ok(None));
    for text in [
        "9223372036854775808",
        "99999999999999999999",
        "-1",
        "%2B1",
        "1.5",
        "1e3",
        "x",
        "+1",
        "%D9%A1",
    ] {
        assert_eq!(max_age(text), Err(ErrorCode::InvalidRequest), "{text}");
    }
}

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[test]
fn r28_pkce_is_s256_only() {
    assert_eq!(
        code(&format!(
            "scope=openid&code_challenge={CHALLENGE}&code_challenge_method=S256"
        )),
        Ok(())
    );
    for query in [
        format!("code_challenge={CHALLENGE}"),
        format!("code_challenge={CHALLENGE}&code_challenge_method=plain"),
        format!("code_challenge={CHALLENGE}&code_challenge_method=s256"),
        format!("code_challenge={CHALLENGE}x&code_challenge_method=S256"),
        format!(
            "code_challenge={}&code_challenge_method=S256",
            &CHALLENGE[1..]
        ),
        format!(
            "code_challenge={}%2B&code_challenge_method=S256",
            &CHALLENGE[1..]
        ),
        "code_challenge_method=S256".to_owned(),
    ] {
        let query = format!("scope=openid&{query}");
        assert_eq!(code(&query), Err(ErrorCode::InvalidRequest), "{query}");
    }
}

#[test]
fn r28_a_public_client_must_send_a_challenge() {
    let without = parse_raw("response_type=code&scope=openid", &public_client());
    assert_eq!(
        without.map_err(|it| it.code),
        Err(ErrorCode::InvalidRequest)
    );
    let query = format!(
        "response_type=code&scope=openid&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    assert!(parse_raw(&query, &public_client()).is_ok());
}

#[test]
fn a_known_parameter_stands_once() {
    for name in AuthorizationRequest::parameters() {
        let query = format!("response_type=code&scope=openid&{name}=a&{name}=a");
        let refused = parse_raw(&query, &client()).map_err(|it| it.code);
        assert_eq!(refused, Err(ErrorCode::InvalidRequest), "{name}");
    }
}

#[test]
fn a_known_parameter_that_is_malformed_is_an_invalid_request_by_its_name() {
    for value in MALFORMED {
        let others = ["scope", "channels", "claims", "response_type"];
        let known = AuthorizationRequest::parameters().iter();
        for name in known.filter(|it| !others.contains(it)) {
            let query = format!("response_type=code&scope=openid&{name}={value}");
            let refused = parse_raw(&query, &client()).expect_err(&query);
            assert_eq!(refused.code, ErrorCode::InvalidRequest, "{query}");
            assert!(refused.description.starts_with(name), "{refused}");
        }
    }
}

/// RFC 6749 3.1.
#[test]
fn an_unknown_parameter_is_ignored_however_broken_it_is() {
    for value in MALFORMED.iter().chain(&["50%", "a&utm_source=b"]) {
        for name in ["utm_source", "%GG", "%FF", "some%00thing", "%"] {
            let query = format!("{name}={value}&scope=openid&{name}={value}");
            assert_eq!(code(&query), Ok(()), "{query}");
        }
    }
}

const MALFORMED: [&str; 9] = [
    "%00", "%0A", "%7F", "%C2%80", "%GG", "%", "%4", "%FF", "%C3",
];

#[test]
fn state_and_nonce_are_of_bounded_length() {
    let sized =
        |name: &str, bytes: usize| code(&format!("scope=openid&{name}={}", "x".repeat(bytes)));
    assert_eq!(sized("state", 2048), Ok(()));
    assert_eq!(sized("state", 2049), Err(ErrorCode::InvalidRequest));
    assert_eq!(sized("nonce", 512), Ok(()));
    assert_eq!(sized("nonce", 513), Err(ErrorCode::InvalidRequest));
}

#[test]
fn the_response_type_is_code() {
    let response_type = |query: &str| {
        parse_raw(query, &client())
            .map(|_| ())
            .map_err(|it| it.code)
    };
    assert_eq!(
        response_type("scope=openid"),
        Err(ErrorCode::InvalidRequest)
    );
    assert_eq!(
        response_type("scope=openid&response_type="),
        Err(ErrorCode::InvalidRequest)
    );
    for other in ["token", "id_token", "code+id_token", "none", "CODE"] {
        let query = format!("scope=openid&response_type={other}");
        assert_eq!(
            response_type(&query),
            Err(ErrorCode::UnsupportedResponseType),
            "{other}"
        );
    }
}

#[test]
fn what_is_not_offered_is_refused_by_its_own_code() {
    for (extra, error) in [
        ("request=eyJ", ErrorCode::RequestNotSupported),
        (
            "request_uri=https://example.com/r",
            ErrorCode::RequestUriNotSupported,
        ),
        ("registration={}", ErrorCode::RegistrationNotSupported),
    ] {
        assert_eq!(
            code(&format!("scope=openid&{extra}")),
            Err(error),
            "{extra}"
        );
    }
}

// How the response gets to the client.

/// The mode of a request's response, whatever else is wrong with it.
fn mode(query: &str, client: &Client) -> ResponseMode {
    let callback = client.callback(client.redirect_uris[0].as_str());
    Reply::requested(&Params::parse(query), callback.expect("a registered URI")).mode
}

#[test]
fn the_response_mode_is_query_unless_form_post_is_asked_for() {
    for (query, expected) in [
        ("", ResponseMode::Query),
        ("response_mode=", ResponseMode::Query),
        ("response_mode=query", ResponseMode::Query),
        ("response_mode=form_post", ResponseMode::FormPost),
    ] {
        assert_eq!(code(&format!("scope=openid&{query}")), Ok(()), "{query}");
        assert_eq!(mode(query, &client()), expected, "{query}");
    }
}

#[test]
fn an_unknown_response_mode_is_an_invalid_request_and_told_by_a_query() {
    for value in [
        "fragment",
        "FORM_POST",
        "form_post+query",
        "query.jwt",
        "form_post%00",
        "%FF",
        "form_post&response_mode=form_post",
    ] {
        let query = format!("scope=openid&response_mode={value}");
        assert_eq!(code(&query), Err(ErrorCode::InvalidRequest), "{value}");
        assert_eq!(mode(&query, &client()), ResponseMode::Query, "{value}");
    }
}

#[test]
fn a_private_use_scheme_takes_no_form() {
    let uri = RedirectUri::register("com.example.app:/cb", ClientKind::Public);
    let app = Client {
        redirect_uris: uri.into_iter().collect(),
        ..public_client()
    };
    let query = format!(
        "response_type=code&scope=openid&response_mode=form_post\
         &code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let refused = parse_raw(&query, &app).map_err(|it| it.code);
    assert_eq!(refused, Err(ErrorCode::InvalidRequest));
    let inner = object(r#"{"response_mode":"form_post"}"#);
    assert_eq!(refusal("", &inner, &app).mode, ResponseMode::Query);
    assert_eq!(mode(&query, &app), ResponseMode::Query);
    assert!(parse_raw(&query, &public_client()).is_ok(), "loopback does");
}

/// The reply that refuses a request for its request object.
fn refusal(query: &str, object: &str, client: &Client) -> Reply {
    let callback = client.callback(client.redirect_uris[0].as_str());
    let params = Params::parse(&format!("{query}&request={object}"));
    Reply::requested(&params, callback.expect("a registered URI")).by_refused_object(&params)
}

fn object(claims: &str) -> String {
    format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims))
}

#[test]
fn r14_a_refused_request_object_says_how_the_refusal_is_told() {
    let posted = object(r#"{"response_mode":"form_post","state":"inner"}"#);
    let reply = |query: &str| {
        let reply = refusal(query, &posted, &client());
        (reply.mode, reply.state.expect("a state"))
    };
    let inner = (ResponseMode::FormPost, "inner".to_owned());
    assert_eq!(reply(""), inner);
    assert_eq!(reply("response_mode=&state="), inner, "R2");
    // What stands outside wins, one by one.
    let outer = (ResponseMode::FormPost, "outer".to_owned());
    assert_eq!(reply("state=outer"), outer);
    for mode in ["query", "fragment"] {
        let outer = (ResponseMode::Query, "inner".to_owned());
        assert_eq!(reply(&format!("response_mode={mode}")), outer, "{mode}");
    }
}

#[test]
fn r14_what_is_no_sound_request_object_says_nothing() {
    let claims = r#"{"response_mode":"form_post","state":"s"}"#;
    let padded = |length| {
        let filler = "x".repeat(length);
        object(&format!(
            r#"{{"response_mode":"form_post","state":"s","x":"{filler}"}}"#
        ))
    };
    let long_enough = refusal("", &padded(6000), &client());
    assert_eq!(long_enough.mode, ResponseMode::FormPost);
    for object in [
        "x".to_owned(),
        "..".to_owned(),
        "%FF".to_owned(),
        claims.to_owned(),
        padded(7000),
        object("[\"form_post\",\"s\"]"),
        object(&claims[1..]),
        object(r#"{"response_mode":"fragment","state":["s"]}"#),
        object(r#"{"response_mode":["form_post"],"state":""}"#),
        object(r#"{"response_mode":"form_post\u0000","state":"\u0000"}"#),
        object(&format!(r#"{{"state":"{}"}}"#, "s".repeat(2049))),
        // Not three parts: no JWS.
        object(claims).trim_end_matches('.').to_owned(),
        format!("{}..", object(claims)),
    ] {
        let reply = refusal("", &object, &client());
        assert_eq!(
            (reply.mode, reply.state),
            (ResponseMode::Query, None),
            "{object}"
        );
    }
    let longest = "s".repeat(2048);
    let reply = refusal(
        "",
        &object(&format!(r#"{{"state":"{longest}"}}"#)),
        &client(),
    );
    assert_eq!(reply.state, Some(longest));
}

// Whom the request is about.

const FRED: &str = "epGEcGfc6LQMmKTqffWW2g";
const GINGER: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

fn alias_id(text: &str) -> AliasId {
    text.parse().expect("an ID")
}

fn hint(aud: &Client) -> IdTokenHint {
    IdTokenHint {
        aud: aud.id,
        sub: alias_id(FRED),
        sid: None,
        iat: 1,
        exp: 2,
    }
}

/// A request with this `claims`.
fn with_claims(claims: &str) -> Result<AuthorizationRequest, ErrorCode> {
    let encoded: String = claims.bytes().map(|it| format!("%{it:02X}")).collect();
    parse(&format!("scope=openid&claims={encoded}")).map_err(|it| it.code)
}

fn subjects(claims: &str) -> Result<Option<Vec<AliasId>>, ErrorCode> {
    with_claims(claims).map(|it| it.subjects().map(<[_]>::to_vec))
}

#[test]
fn an_id_token_hint_makes_the_request_one_about_its_user() {
    let request = parse("scope=openid").expect("a sound request");
    assert_eq!(request.subjects(), None);
    let about = request.by_hint(Some(&hint(&client())), &client());
    let about = about.expect("our own hint");
    assert_eq!(about.subjects(), Some(&[alias_id(FRED)][..]));
}

#[test]
fn a_hint_that_is_not_ours_or_another_clients_is_an_invalid_request() {
    for hint in [None, Some(hint(&public_client()))] {
        let request = parse("scope=openid").expect("a sound request");
        let refused = request.by_hint(hint.as_ref(), &client());
        assert_eq!(
            refused.map_err(|it| it.code),
            Err(ErrorCode::InvalidRequest)
        );
    }
}

#[test]
fn a_sub_with_a_value_in_claims_means_the_same_as_a_hint() {
    let one = Ok(Some(vec![alias_id(FRED)]));
    for claims in [
        format!(r#"{{"id_token":{{"sub":{{"value":"{FRED}"}}}}}}"#),
        format!(r#"{{"id_token":{{"sub":{{"essential":true,"values":["{FRED}"]}}}}}}"#),
        format!(r#"{{"userinfo":{{"sub":{{"value":"{FRED}"}}}}}}"#),
        format!(
            r#"{{"id_token":{{"sub":{{"values":["{GINGER}","{FRED}"]}}}},
                "userinfo":{{"sub":{{"value":"{FRED}"}}}}}}"#
        ),
    ] {
        assert_eq!(subjects(&claims), one, "{claims}");
    }
    let both = format!(r#"{{"id_token":{{"sub":{{"values":["{FRED}","{GINGER}"]}}}}}}"#);
    assert_eq!(
        subjects(&both),
        Ok(Some(vec![alias_id(FRED), alias_id(GINGER)]))
    );
    for anybody in [
        "{}",
        r#"{"id_token":{"sub":null}}"#,
        r#"{"id_token":{"sub":{}}}"#,
    ] {
        assert_eq!(subjects(anybody), Ok(None), "{anybody}");
    }
}

#[test]
fn a_sub_that_is_none_of_ours_is_an_invalid_request() {
    let nine = vec![format!("\"{FRED}\""); 9].join(",");
    for sub in [
        r#"{"value":"somebody"}"#.to_owned(),
        r#"{"value":7}"#.to_owned(),
        r#"{"value":null}"#.to_owned(),
        r#"{"values":[]}"#.to_owned(),
        format!(r#"{{"values":["{FRED}","somebody"]}}"#),
        format!(r#"{{"values":[{nine}]}}"#),
    ] {
        let claims = format!(r#"{{"id_token":{{"sub":{sub}}}}}"#);
        assert_eq!(subjects(&claims), Err(ErrorCode::InvalidRequest), "{sub}");
    }
    let two = format!(
        r#"{{"id_token":{{"sub":{{"value":"{FRED}"}}}},"userinfo":{{"sub":{{"value":"{GINGER}"}}}}}}"#
    );
    assert_eq!(subjects(&two), Err(ErrorCode::InvalidRequest));
}

#[test]
fn a_hint_and_claims_must_not_name_different_users() {
    let about = |sub: &str| {
        let claims = format!(r#"{{"id_token":{{"sub":{{"values":["{sub}"]}}}}}}"#);
        let request = with_claims(&claims).expect("a sound request");
        request.about(alias_id(FRED)).map_err(|it| it.code)
    };
    assert!(about(FRED).is_ok_and(|it| it.subjects() == Some(&[alias_id(FRED)])));
    assert_eq!(about(GINGER), Err(ErrorCode::InvalidRequest));
}

// How the user authenticates, and what the ID token says of it.

const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

fn asked(extra: &str) -> Result<AskedClaims, ErrorCode> {
    parse(&format!("scope=openid{extra}"))
        .map(|it| it.asked_claims)
        .map_err(|it| it.code)
}

#[test]
fn r18_acr_and_amr_are_asked_for_by_acr_values_or_claims() {
    let claims = |acr, amr| AskedClaims { acr, amr };
    assert_eq!(asked(""), Ok(claims(false, false)));
    assert_eq!(asked("&acr_values="), Ok(claims(false, false)));
    for values in [PASSWORD, "1+2", "phr+phrh", "%22"] {
        let extra = format!("&acr_values={values}");
        assert_eq!(asked(&extra), Ok(claims(true, true)), "{values}");
    }
    for (text, expected) in [
        (r#"{"id_token":{"acr":null}}"#, claims(true, false)),
        (
            r#"{"id_token":{"amr":{"essential":true}}}"#,
            claims(false, true),
        ),
        (
            r#"{"id_token":{"acr":{},"amr":null,"name":null}}"#,
            claims(true, true),
        ),
        (
            r#"{"userinfo":{"acr":null,"amr":null}}"#,
            claims(false, false),
        ),
        (
            r#"{"id_token":{"auth_time":{"essential":true}}}"#,
            claims(false, false),
        ),
    ] {
        assert_eq!(
            with_claims(text).map(|it| it.asked_claims),
            Ok(expected),
            "{text}"
        );
    }
}

#[test]
fn an_essential_acr_that_nobody_can_meet_is_told_and_a_voluntary_one_is_not() {
    let acr = |asked: &str| {
        let request = with_claims(&format!(r#"{{"id_token":{{"acr":{asked}}}}}"#));
        request.map(|it| it.asked_claims.acr)
    };
    let unmet = Err(ErrorCode::UnmetAuthenticationRequirements);
    for (asked, expected) in [
        (r#"{"essential":true,"values":["phr"]}"#, unmet),
        (r#"{"essential":true,"value":"phr"}"#, unmet),
        (r#"{"essential":true,"values":[]}"#, unmet),
        (r#"{"essential":true,"value":1}"#, unmet),
        (r#"{"essential":true}"#, Ok(true)),
        (r#"{"values":["phr"]}"#, Ok(true)),
        (r#"{"essential":false,"value":"phr"}"#, Ok(true)),
    ] {
        assert_eq!(acr(asked), expected, "{asked}");
    }
    let met = format!(r#"{{"essential":true,"values":["phr","{PASSWORD}"]}}"#);
    assert_eq!(acr(&met), Ok(true));
    let elsewhere = with_claims(r#"{"userinfo":{"acr":{"essential":true,"value":"phr"}}}"#);
    assert!(elsewhere.is_ok());
}

// Wishes, and guesses.

#[test]
fn a_login_hint_is_an_address_or_nothing() {
    let hint = |text: &str| {
        let request = parse(&format!("scope=openid&login_hint={text}"));
        request.map(|it| it.login_hint).map_err(|it| it.code)
    };
    let fred = "fred@example.com".parse().ok();
    assert_eq!(hint("Fred%40Example.com"), Ok(fred));
    let long = format!("{}@example.com", "x".repeat(243));
    for text in ["fred", "%2B1+555+0100", "%3Cb%3E%40x", "", long.as_str()] {
        assert_eq!(hint(text), Ok(None), "{text}");
    }
    let longest = &long[1..];
    assert_eq!(longest.len(), 254);
    assert_eq!(hint(longest), Ok(longest.parse().ok()));
}

#[test]
fn display_and_locales_are_wishes_whatever_they_say() {
    for extra in [
        "display=page",
        "display=popup",
        "display=touch",
        "display=wap",
        "display=hologram",
        "ui_locales=de-CH+en",
        "ui_locales=se",
        "ui_locales=%2A+-+x_y+%C3%B6",
        "claims_locales=se",
        "claims_locales=%22",
    ] {
        assert_eq!(code(&format!("scope=openid&{extra}")), Ok(()), "{extra}");
    }
}

#[test]
fn unknown_and_empty_parameters_are_ignored() {
    assert_eq!(
        code("scope=openid&foo=1&foo=2&state=&nonce=&prompt=&request=&channels="),
        Ok(())
    );
}

#[test]
fn a_fault_in_client_or_redirect_uri_is_a_page() {
    let uri = "redirect_uri=https%3A%2F%2Fexample.com%2Falias-callback";
    let page = |query: &str| {
        let params = Params::parse(query);
        requested_client(&params).and_then(|_| requested_callback(&params, &client()).map(|_| ()))
    };
    let id = "client_id=bjOB6HV7cTKtxvfr2k2ucg";
    assert_eq!(page(&format!("{id}&{uri}")), Ok(()));
    assert_eq!(page(uri), Err(PageError::MissingClient));
    assert_eq!(
        page(&format!("client_id=&{uri}")),
        Err(PageError::MissingClient)
    );
    assert_eq!(
        page(&format!("client_id=nobody&{uri}")),
        Err(PageError::UnknownClient)
    );
    assert_eq!(page(&format!("{id}&{id}&{uri}")), Err(PageError::Repeated));
    assert_eq!(
        page(&format!("client_id=%GG&{uri}")),
        Err(PageError::Malformed)
    );
    assert_eq!(page(id), Err(PageError::MissingRedirectUri));
    assert_eq!(page(&format!("{id}&{uri}&{uri}")), Err(PageError::Repeated));
    assert_eq!(
        page(&format!("{id}&{uri}%2F")),
        Err(PageError::UnregisteredRedirectUri)
    );
    assert_eq!(page(&format!("{id}&{uri}%00")), Err(PageError::Malformed));
}

#[test]
fn a_state_is_returned_exactly_unless_it_is_repeated_or_cannot_be_decoded() {
    let state = |query: &str| AuthorizationRequest::state(&Params::parse(query));
    assert_eq!(state("state=a%26b%3D+%C3%B6"), Some("a&b= ö".to_owned()));
    assert_eq!(state("state=&state=x"), Some("x".to_owned()));
    assert_eq!(state("state=x&state=x"), None);
    assert_eq!(state("state=%FF"), None);
}

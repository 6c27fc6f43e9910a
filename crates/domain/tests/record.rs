//! What is kept of a request while its user is asked: all of its meaning, in bounded room (R29, R31).

use alias_domain::{
    AuthorizationRequest, Client, ClientChange, ErrorCode, PageError, Params, Reply, RequestError,
    RequestRecord, requested_callback,
    testing::sample::{REDIRECT_URI, client},
};

fn parsed(extra: &str) -> Result<(AuthorizationRequest, Reply), RequestError> {
    let query = format!("response_type=code&redirect_uri={REDIRECT_URI}&{extra}");
    let (params, client) = (Params::parse(&query), client());
    let callback = requested_callback(&params, &client).expect("a registered URI");
    let reply = Reply::requested(&params, callback.clone());
    AuthorizationRequest::parse(&params, &client, callback).map(|request| (request, reply))
}

fn record(extra: &str) -> RequestRecord {
    let (request, reply) = parsed(extra).expect("a sound request");
    RequestRecord::new(&request, &reply)
}

fn json(record: &RequestRecord) -> String {
    serde_json::to_string(record).expect("JSON")
}

fn changed(change: ClientChange) -> Client {
    let mut changed = client();
    changed.change(change).expect("a sound change");
    changed
}

#[test]
fn a_kept_request_means_what_it_meant() {
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    for extra in [
        "scope=openid",
        "scope=openid+nickname+offline_access&state=a%22b%5C&nonce=%E2%82%AC&response_mode=form_post",
        "scope=openid+contact&channels=product_updates&include_granted_channels=true",
        "scope=openid&include_granted_scopes=true&channels=notifications",
        "scope=openid&include_granted_scopes=true&channels=nobodys",
        "scope=openid&include_granted_scopes=true&include_granted_channels=perhaps",
        "scope=openid&prompt=none",
        "scope=openid&prompt=login+consent+select_account&max_age=9223372036854775807",
        "scope=openid&login_hint=fred@example.com&acr_values=1&claims=%7B%22id_token%22:%7B%22amr%22:null%7D%7D",
        "scope=openid&claims=%7B%22id_token%22:%7B%22sub%22:%7B%22value%22:%22RIpbfh4fpqMpHn2C7WxrKQ%22%7D%7D%7D",
        &format!("scope=openid&code_challenge={challenge}&code_challenge_method=S256"),
    ] {
        let read: RequestRecord = serde_json::from_str(&json(&record(extra))).expect(extra);
        assert_eq!(
            read.restored(&client()),
            Ok(parsed(extra).expect(extra)),
            "{extra}"
        );
    }
}

#[test]
fn what_means_nothing_is_not_kept() {
    let long = "x".repeat(10_000);
    for name in ["ui_locales", "claims_locales", "display", "utm_source"] {
        let extra = format!("scope=openid+{long}&{name}={long}");
        assert_eq!(record(&extra), record("scope=openid"), "{name}");
    }
}

#[test]
fn what_is_kept_is_no_longer_than_its_bound_and_the_longest_is_refused() {
    let (state, nonce) = ("s".repeat(2048), "n".repeat(512));
    let usual = format!("scope=openid+contact&channels=notifications&state={state}&nonce={nonce}");
    assert!(json(&record(&usual)).len() <= RequestRecord::MAX_BYTES);
    // Each of these takes two bytes.
    let longer = format!("scope=openid&state={}", "%22".repeat(2048));
    let refused = parsed(&longer).map_err(|it| it.code);
    assert_eq!(refused, Err(ErrorCode::InvalidRequest));
    let fits = format!("scope=openid&state={}", "%22".repeat(1900));
    assert!(json(&record(&fits)).len() <= RequestRecord::MAX_BYTES);
}

#[test]
fn r31_a_channel_withdrawn_since_is_no_longer_asked_for() {
    let kept = record("scope=openid+contact&channels=notifications+product_updates");
    let withdrawn = changed(ClientChange {
        channels: Some(vec![("notifications".to_owned(), "News".to_owned())]),
        ..ClientChange::default()
    });
    let (request, _) = kept.restored(&withdrawn).expect("still registered");
    let effective = request.effective(&withdrawn, None).expect("no refusal");
    let channels = withdrawn.channel_list(&effective);
    assert_eq!(channels.as_deref(), Some("notifications"));
    // Declared again, it is new, and nobody asked for it.
    let (request, _) = kept
        .restored(&{
            let mut again = withdrawn;
            let all = client().channels.into_iter();
            let all = all.map(|it| (it.name.to_string(), it.description));
            let change = ClientChange {
                channels: Some(all.collect()),
                ..ClientChange::default()
            };
            again.change(change).expect("a sound change");
            again
        })
        .expect("still registered");
    let effective = request.effective(&client(), None).expect("no refusal");
    assert_eq!(effective.channels().map(|it| it.len()), Some(1));
}

#[test]
fn r29_a_redirect_uri_that_is_no_longer_registered_is_not_redirected_to() {
    let moved = changed(ClientChange {
        redirect_uris: Some(vec!["https://example.com/elsewhere".to_owned()]),
        ..ClientChange::default()
    });
    let restored = record("scope=openid").restored(&moved);
    assert_eq!(restored, Err(PageError::UnregisteredRedirectUri));
}

#[test]
fn a_scope_that_a_newer_node_kept_counts_for_nothing() {
    let newer = json(&record("scope=openid+nickname")).replace("openid ", "openid birthday ");
    let read: RequestRecord = serde_json::from_str(&newer).expect("readable");
    assert_eq!(read, record("scope=openid+nickname"));
}

//! What a client's request to sign a user out may do (RP-Initiated Logout 1.0), what a client sees
//! of a session, and how long it is tried to tell one that a session ended.

use alias_domain::{
    Aftermath, BackchannelLogout, Client, Digest, Hinted, IdTokenClaims, IdTokenHint, LogoutFault,
    LogoutRequest, LogoutStep, LogoutTokenClaims, LogoutUri, Params, RedirectUri, Secret, Session,
    SessionAlias, SessionId, SigningAlgorithm, User, UserClaims, UserId,
    flows::{Logout, LogoutRefusal, Present, Provider, SignedOut, Visitor},
    logout_step,
    ports::{
        Clients, Failure, Grants, IdTokens, Interactions, MockBackchannel, Passwords, Recorded,
        SessionStart, Sessions, StoreError, Users,
    },
    testing::{
        MemoryStore, TestIdTokens, TestPasswords, provider,
        sample::{self, NOON, client, public_client, session},
    },
};
use chrono::TimeDelta;
use pollster::block_on;
use uuid::Uuid;

const BYE: &str = "https://example.com/bye";

fn parsed(query: &str) -> Result<LogoutRequest, LogoutFault> {
    LogoutRequest::parse(&Params::parse(query))
}

/// The sample's client with places to go after signing out.
fn with_places(places: &[&str]) -> Client {
    let place = |it: &&str| RedirectUri::register(it, client().kind).expect("a URI");
    Client {
        post_logout_redirect_uris: places.iter().map(place).collect(),
        ..client()
    }
}

fn hint(aud: &Client, sid: Option<SessionAlias>) -> IdTokenHint {
    IdTokenHint {
        aud: aud.id,
        sub: sample::standing().alias_id,
        sid: sid.map(|it| it.to_string()),
        iat: 0,
        exp: 1,
    }
}

#[test]
fn a_parameter_that_is_known_stands_there_once_and_can_be_read() {
    for name in [
        "id_token_hint",
        "client_id",
        "post_logout_redirect_uri",
        "state",
        "logout_hint",
        "ui_locales",
    ] {
        let faulty = |query: String| parsed(&query).err();
        let twice = format!("{name}=a&{name}=a");
        assert_eq!(faulty(twice), Some(LogoutFault::Repeated), "{name}");
        for broken in ["%FF", "%GG", "a%00", "a%0Ab"] {
            let fault = faulty(format!("{name}={broken}"));
            assert_eq!(fault, Some(LogoutFault::Malformed), "{name}={broken}");
        }
        assert_eq!(faulty(format!("{name}=")), None, "empty is absent");
    }
    assert_eq!(parsed("x=1&x=2&y=%FF"), Ok(LogoutRequest::default()));
}

#[test]
fn the_hint_and_client_id_name_one_client_or_the_request_is_at_fault() {
    let (one, other) = (client(), public_client());
    let (one_id, other_id) = (one.id.to_string(), other.id.to_string());
    let named = |sent: bool, said: Option<&str>, read: Option<&Client>| {
        let request = LogoutRequest {
            id_token_hint: sent.then(|| "a token".to_owned()),
            client_id: said.map(str::to_owned),
            ..LogoutRequest::default()
        };
        request.named_client(read.map(|it| hint(it, None)).as_ref())
    };
    assert_eq!(named(false, None, None), Ok(None));
    assert_eq!(named(false, Some(&one_id), None), Ok(Some(one.id)));
    assert_eq!(named(true, None, Some(&one)), Ok(Some(one.id)));
    assert_eq!(named(true, Some(&one_id), Some(&one)), Ok(Some(one.id)));
    let disagree = named(true, Some(&other_id), Some(&one));
    assert_eq!(disagree, Err(LogoutFault::Disagreement));
    // A hint that cannot be read is not as good as none.
    assert_eq!(named(true, None, None), Err(LogoutFault::Hint));
    assert_eq!(named(true, Some(&one_id), None), Err(LogoutFault::Hint));
    let malformed = named(false, Some("nobody"), None);
    assert_eq!(malformed, Err(LogoutFault::UnknownClient));
}

#[test]
fn the_way_back_is_a_registered_uri_byte_for_byte() {
    let client = with_places(&[BYE, "https://example.com/adieu?from=alias"]);
    let fault = |uri: &str| {
        let request = LogoutRequest {
            post_logout_redirect_uri: Some(uri.to_owned()),
            ..LogoutRequest::default()
        };
        request
            .way_back(Some(&client))
            .map(|it| it.map(|it| it.address()))
    };
    assert_eq!(fault(BYE), Ok(Some(BYE.to_owned())));
    for other in [
        "https://example.com/bye/",
        "https://example.com/bye?foo=bar",
        "https://example.com/bye#x",
        "https://example.com:443/bye",
        "https://EXAMPLE.com/bye",
        "https://example.com/b%79e",
        "http://example.com/bye",
        "https://example.com/adieu",
        "https://example.com.evil.example/bye",
        "https://evil.example/",
        "//evil.example/",
        "/bye",
        sample::REDIRECT_URI,
        "javascript:alert(1)",
    ] {
        assert_eq!(fault(other), Err(LogoutFault::UnregisteredUri), "{other}");
    }
}

#[test]
fn r29_only_the_port_of_a_public_clients_loopback_address_may_differ_in_a_way_back() {
    let way_back = |registered: &str, requested: &str, of: Client| {
        let place = RedirectUri::register(registered, of.kind).expect("a URI");
        let client = Client {
            post_logout_redirect_uris: vec![place],
            ..of
        };
        let query = format!("post_logout_redirect_uri={requested}&state=s");
        let request = parsed(&query).expect("sound");
        let way_back = request.way_back(Some(&client));
        way_back.map(|it| it.map(|it| it.address()))
    };
    let refused = Err(LogoutFault::UnregisteredUri);
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let registered = format!("http://{host}/bye");
        let requested = format!("http://{host}:49152/bye");
        let gone = way_back(&registered, &requested, public_client());
        assert_eq!(gone, Ok(Some(format!("{requested}?state=s"))));
        assert_eq!(way_back(&registered, &requested, client()), refused);
        let elsewhere = format!("http://{host}:49152/adieu");
        assert_eq!(way_back(&registered, &elsewhere, public_client()), refused);
        let evil = format!("http://{host}.evil.example/bye");
        assert_eq!(way_back(&registered, &evil, public_client()), refused);
    }
}

#[test]
fn without_a_client_a_uri_leads_nowhere_and_without_a_uri_nothing_does() {
    let request = parsed(&format!("post_logout_redirect_uri={BYE}&state=s")).expect("sound");
    assert_eq!(request.way_back(None), Err(LogoutFault::NoClient));
    let request = parsed("state=s").expect("sound");
    assert_eq!(request.way_back(None), Ok(None));
    assert_eq!(request.way_back(Some(&with_places(&[BYE]))), Ok(None));
}

#[test]
fn the_state_goes_with_the_user_exactly_and_nothing_else_does() {
    let address = |place: &str, state: Option<&str>| {
        let request = LogoutRequest {
            post_logout_redirect_uri: Some(place.to_owned()),
            state: state.map(str::to_owned),
            ..LogoutRequest::default()
        };
        let way_back = request.way_back(Some(&with_places(&[place])));
        way_back.ok().flatten().map(|it| it.address())
    };
    let query = "https://example.com/bye?a=1";
    for (place, state, expected) in [
        (BYE, None, BYE.to_owned()),
        (BYE, Some("s"), format!("{BYE}?state=s")),
        (query, None, query.to_owned()),
        (query, Some("s"), format!("{query}&state=s")),
        (
            "https://example.com/?",
            Some("s"),
            "https://example.com/?state=s".to_owned(),
        ),
    ] {
        assert_eq!(address(place, state), Some(expected), "{place} {state:?}");
    }
    let odd = "a~%&#\"<>\\{} ü";
    let sent = address(BYE, Some(odd)).expect("an address");
    let query = sent.split_once('?').map(|it| Params::parse(it.1));
    let query = query.expect("a query");
    assert_eq!(query.one("state"), Ok(Some(odd)));
    assert_eq!(query.to_query(&["iss"]), "");
}

/// The session of the `number`th user.
fn session_of(number: u128) -> Session {
    Session {
        id: SessionId::from_uuid(Uuid::from_u128(number)),
        user: User {
            id: UserId::from_uuid(Uuid::from_u128(number)),
            email: format!("{number}@example.com").parse().expect("an address"),
            ..sample::user()
        },
        ..session()
    }
}

#[test]
fn a_hint_that_names_somebody_who_is_signed_in_here_is_enough() {
    let [one, two, three] = [1, 2, 3].map(session_of);
    let hinted = |sid: Option<SessionAlias>, user: Option<&Session>| Hinted {
        hint: hint(&client(), sid),
        user: user.map(|it| it.user.id),
    };
    let seen = |it: &Session, client: &Client| Some(SessionAlias::of(it.id, client.id));
    let plain = hinted(None, Some(&one));
    let deleted = hinted(None, None);
    let by_session = hinted(seen(&two, &client()), Some(&two));
    let another_session = hinted(seen(&session_of(9), &client()), Some(&one));
    let another_clients = hinted(seen(&one, &public_client()), Some(&one));
    let all = [&one, &two, &three];
    let ask = |signed_in: &[&Session]| LogoutStep::Ask(signed_in.iter().map(|it| it.id).collect());
    for (hinted, signed_in, expected) in [
        (None, &all[..], ask(&all)),
        (None, &all[..1], ask(&all[..1])),
        (None, &[], LogoutStep::Nobody),
        (Some(&plain), &all, LogoutStep::End(one.id)),
        (Some(&plain), &all[1..], ask(&all[1..])),
        (Some(&plain), &[], LogoutStep::Nobody),
        (Some(&deleted), &all, ask(&all)),
        // With a `sid` that very session is meant.
        (Some(&by_session), &all, LogoutStep::End(two.id)),
        (Some(&by_session), &all[..1], ask(&all[..1])),
        (Some(&another_session), &all, ask(&all)),
        (Some(&another_clients), &all, ask(&all)),
    ] {
        let step = logout_step(hinted, None, signed_in);
        assert_eq!(step, expected, "{hinted:?} {signed_in:?}");
    }
}

#[test]
fn a_logout_hint_says_whom_to_ask_about_and_signs_out_nobody() {
    let [one, two] = [1, 2].map(session_of);
    let asked = |hint: &str| logout_step(None, Some(hint), &[&one, &two]);
    assert_eq!(asked("2@Example.com"), LogoutStep::Ask(vec![two.id]));
    for unknown in ["3@example.com", "", "2", "%00"] {
        assert_eq!(asked(unknown), LogoutStep::Ask(vec![one.id, two.id]));
    }
}

#[test]
fn two_clients_cannot_tell_by_a_sid_that_they_share_a_session() {
    let aliases = [client().id, public_client().id].map(|it| SessionAlias::of(session().id, it));
    assert_ne!(aliases[0], aliases[1]);
    let next = SessionId::from_uuid(Uuid::from_u128(1));
    assert_ne!(SessionAlias::of(next, client().id), aliases[0]);
    let session = session().id.to_string();
    assert!(aliases.iter().all(|it| it.to_string() != session));
}

#[test]
fn r18_only_a_client_that_is_registered_for_it_gets_a_sid() {
    let mut standing = sample::standing();
    assert_eq!(standing.session_alias(), None);
    let uri: LogoutUri = "https://example.com/logout".parse().expect("a URI");
    for session_required in [false, true] {
        let uri = uri.clone();
        standing.client.backchannel_logout = Some(BackchannelLogout {
            uri,
            session_required,
        });
        let seen = SessionAlias::of(session().id, client().id);
        assert_eq!(standing.session_alias(), Some(seen));
    }
    standing.authorization.session_id = None;
    assert_eq!(standing.session_alias(), None, "made by an older version");
}

#[test]
fn a_back_channel_is_https_or_stays_on_the_machine() {
    for uri in [
        "https://example.com/logout",
        "https://example.com:8443/?logout=backchannel",
        "https://10.0.0.1/",
        "http://127.0.0.1:9000/logout",
        "http://[::1]/logout",
        "http://localhost/logout",
    ] {
        assert!(uri.parse::<LogoutUri>().is_ok(), "{uri}");
    }
    for uri in [
        "",
        "/logout",
        "example.com/logout",
        "https:///logout",
        "https:logout",
        "http://example.com/logout",
        "http://127.0.0.1.evil.example/",
        "https://user@example.com/",
        "https://example.com/#logout",
        "com.example.app:/logout",
        "ftp://example.com/",
        "https://exa mple.com/",
    ] {
        assert!(uri.parse::<LogoutUri>().is_err(), "{uri}");
    }
}

/// A browser at which Fred, and perhaps Ginger, is signed in.
struct Scene {
    provider: Provider,
    client: Client,
    tokens: Vec<Digest>,
}

fn ginger() -> User {
    User {
        id: UserId::from_uuid(Uuid::from_u128(2)),
        email: "ginger@example.com".parse().expect("an address"),
        ..sample::user()
    }
}

impl Scene {
    fn of(users: &[User]) -> Self {
        let store = MemoryStore::default();
        let client = Client {
            backchannel_logout: sample::notice().client.backchannel_logout,
            ..with_places(&[BYE])
        };
        let mut tokens = Vec::new();
        let story = async {
            store.insert_client(&client, &[]).await?;
            let secret = Secret::new("x".to_owned());
            let password = TestPasswords.hash(&secret).await.expect("a hash");
            for user in users {
                let added = store.insert_user(user, &password).await?;
                added.expect("a free address");
                let start = SessionStart {
                    id: SessionId::from_uuid(user.id.uuid()),
                    user: user.id,
                    token: Digest::of(user.email.as_str().as_bytes()),
                    password: None,
                    presented: vec![],
                    auth_time: NOON,
                    expires_at: session().expires_at,
                };
                tokens.push(start.token);
                store.start_session(&start).await?;
            }
            if users.contains(&sample::user()) {
                store.open_interaction(&sample::interaction()).await?;
                let mut decision = sample::decision();
                decision.session = SessionId::from_uuid(sample::user().id.uuid());
                let recorded = store.record_decision(&decision, NOON).await?;
                assert_eq!(recorded, Recorded::Issued);
            }
            Ok::<(), StoreError>(())
        };
        block_on(story).expect("the store answers");
        Self {
            provider: provider(store),
            client,
            tokens,
        }
    }

    fn present(&self) -> Present {
        let visitor = Visitor {
            bearer: None,
            cookies: self.tokens.clone(),
            browsers: vec![Digest::of(b"browser")],
            source: None,
        };
        block_on(self.provider.present(&visitor, NOON)).expect("the store answers")
    }

    /// An ID token that the client was given for Fred.
    fn id_token(&self) -> String {
        let claims = IdTokenClaims {
            jti: "DCZ2_7Se3ziXdcdSscAL0w".to_owned(),
            iss: self.provider.issuer().to_owned(),
            aud: self.client.id,
            iat: 0,
            exp: 1,
            nonce: None,
            at_hash: String::new(),
            sub: sample::decision().alias_id,
            user: UserClaims::default(),
            auth_time: 0,
            acr: None,
            amr: None,
            sid: None,
        };
        let signed = block_on(TestIdTokens.sign(SigningAlgorithm::Rs256, &claims));
        signed.expect("a signature").expose().to_owned()
    }

    fn log_out(&self, query: &str) -> Logout {
        let (params, present) = (Params::parse(query), self.present());
        let outcome = self.provider.log_out(&params, &present);
        block_on(outcome).expect("nothing fails")
    }

    fn signed_in(&self) -> Vec<String> {
        let present = self.present();
        present
            .sessions()
            .map(|it| it.user.email.to_string())
            .collect()
    }

    /// Fred signs out at noon. Says how many seconds after that each try is made, and what comes of
    /// it: somebody looks every second of two days, and once more after a year, when whatever the
    /// store still holds is due.
    fn tries(&self, backchannel: &MockBackchannel) -> Vec<(i64, Aftermath)> {
        const DAY: i64 = 24 * 60 * 60;
        let story = async {
            let fred = SessionId::from_uuid(sample::user().id.uuid());
            self.provider.sign_out(fred).await?;
            let mut tries = Vec::new();
            for second in (0..2 * DAY).chain([365 * DAY]) {
                let now = NOON + TimeDelta::seconds(second);
                for notice in self.provider.due_notices(8, vec![], now).await? {
                    let told = self.provider.tell(&notice, backchannel, || now).await?;
                    tries.push((second, told.aftermath));
                }
            }
            Ok::<_, Failure>(tries)
        };
        block_on(story).expect("the provider answers")
    }
}

/// When a client that does not answer is told, in seconds: after pauses of 2, 8, 32 and so on, and
/// at last of 7 hours.
const TRIES: [i64; 11] = [0, 2, 10, 42, 170, 682, 2730, 10_922, 36_122, 61_322, 86_522];

/// A client that fails so many times, and would then take what it is told.
fn failing(times: usize) -> MockBackchannel {
    let mut backchannel = MockBackchannel::new();
    let fails = backchannel.expect_post_logout_token().times(times);
    fails.returning(|_, _| Ok(503));
    let takes = backchannel.expect_post_logout_token();
    takes.returning(|_, _| Ok(200));
    backchannel
}

const NOWHERE: SignedOut = SignedOut {
    way_back: None,
    fault: None,
};

#[test]
fn with_a_sound_hint_the_session_ends_at_once_and_others_stay() {
    let scene = Scene::of(&[sample::user(), ginger()]);
    let query = format!(
        "id_token_hint={}&post_logout_redirect_uri={BYE}&state=s",
        scene.id_token()
    );
    for _ in 0..2 {
        let outcome = scene.log_out(&query);
        let Logout::Done(SignedOut { way_back, fault }) = outcome else {
            // The second time nobody whom it names is there any more, and Ginger is asked.
            let Logout::Ask(ask) = outcome else {
                unreachable!()
            };
            assert_eq!(ask.sessions.len(), 1);
            continue;
        };
        assert_eq!(fault, None);
        let address = way_back.map(|it| it.address());
        assert_eq!(address, Some(format!("{BYE}?state=s")));
        assert_eq!(scene.signed_in(), ["ginger@example.com"]);
    }
    assert_eq!(scene.signed_in(), ["ginger@example.com"]);
}

#[test]
fn where_nobody_is_signed_in_it_ends_as_if_somebody_had_been() {
    let scene = Scene::of(&[]);
    let client_id = scene.client.id;
    let ends = |query: &str| match scene.log_out(query) {
        Logout::Done(end) => (end.way_back.map(|it| it.address()), end.fault),
        Logout::Ask(_) => unreachable!("there is nobody to ask"),
    };
    let bye = Some(BYE.to_owned());
    let uri = format!("post_logout_redirect_uri={BYE}");
    let hint = format!("id_token_hint={}", scene.id_token());
    assert_eq!(ends(&format!("{hint}&{uri}")), (bye.clone(), None));
    assert_eq!(ends(&format!("client_id={client_id}&{uri}")), (bye, None));
    assert_eq!(ends(&hint), (None, None));
    assert_eq!(ends(""), (None, None));
    assert_eq!(ends(&uri), (None, Some(LogoutFault::NoClient)));
}

#[test]
fn every_fault_asks_first_and_leads_nowhere() {
    let scene = Scene::of(&[sample::user()]);
    let hint = scene.id_token();
    let (id, uri) = (scene.client.id, format!("post_logout_redirect_uri={BYE}"));
    let other = public_client().id;
    let mut parts = hint.split('.');
    let claims = parts.nth(1).expect("claims");
    let unsigned = format!("none.{claims}.");
    let logout_token = {
        let claims =
            LogoutTokenClaims::new(scene.provider.issuer(), &sample::notice(), "jti", NOON);
        let signed = TestIdTokens.sign_logout(SigningAlgorithm::Rs256, &claims);
        block_on(signed).expect("a signature").expose().to_owned()
    };
    use LogoutFault as F;
    for (query, fault) in [
        (format!("id_token_hint={unsigned}&{uri}"), F::Hint),
        (format!("id_token_hint={hint}x&{uri}"), F::Hint),
        (format!("id_token_hint=guess&client_id={id}&{uri}"), F::Hint),
        (format!("id_token_hint={logout_token}&{uri}"), F::Hint),
        (
            format!("id_token_hint={hint}&client_id={other}&{uri}"),
            F::Disagreement,
        ),
        (format!("client_id={other}&{uri}"), F::UnknownClient),
        (format!("client_id=nobody&{uri}"), F::UnknownClient),
        (uri.clone(), F::NoClient),
        (format!("{uri}&state=s"), F::NoClient),
        (format!("id_token_hint={hint}&{uri}/"), F::UnregisteredUri),
        (
            format!("id_token_hint={hint}&{uri}%3Ffoo=bar"),
            F::UnregisteredUri,
        ),
        (format!("client_id={id}&{uri}/"), F::UnregisteredUri),
        (format!("id_token_hint={hint}&{uri}&{uri}"), F::Repeated),
        (
            format!("id_token_hint={hint}&id_token_hint={hint}&{uri}"),
            F::Repeated,
        ),
        (
            format!("id_token_hint={hint}&{uri}&state=s&state=s"),
            F::Repeated,
        ),
        (
            format!("id_token_hint={hint}&{uri}&state=%FF"),
            F::Malformed,
        ),
    ] {
        let Logout::Ask(ask) = scene.log_out(&query) else {
            unreachable!("{query}");
        };
        assert_eq!(ask.end.fault, Some(fault), "{query}");
        assert_eq!(ask.end.way_back, None, "{query}");
        assert_eq!(ask.query, "", "{query}");
        assert_eq!(scene.signed_in(), ["fred@example.com"], "{query}");
    }
}

#[test]
fn whoever_is_asked_answers_for_those_that_were_shown() {
    let everybody = [sample::user(), ginger()];
    let fred = SessionId::from_uuid(sample::user().id.uuid()).to_string();
    for (answer, left) in [
        ("none", &["fred@example.com", "ginger@example.com"][..]),
        (fred.as_str(), &["ginger@example.com"]),
        ("all", &[]),
    ] {
        let scene = Scene::of(&everybody);
        let query = format!(
            "client_id={}&post_logout_redirect_uri={BYE}",
            scene.client.id
        );
        let Logout::Ask(ask) = scene.log_out(&query) else {
            unreachable!("nobody is named");
        };
        let (params, present) = (Params::parse(&ask.query), scene.present());
        let done = scene
            .provider
            .answer_logout(ask.form.expose(), answer, &params, &present);
        let done = block_on(done).expect("nothing fails").expect("sound");
        assert_eq!(scene.signed_in(), left, "{answer}");
        let address = done.and_then(|it| it.way_back).map(|it| it.address());
        let expected = (answer != "none").then(|| BYE.to_owned());
        assert_eq!(address, expected, "{answer}");
    }
}

#[test]
fn an_answer_that_was_not_asked_for_ends_nothing() {
    let scene = Scene::of(&[sample::user(), ginger()]);
    let Logout::Ask(ask) = scene.log_out("logout_hint=fred@example.com") else {
        unreachable!("nobody is named");
    };
    let none = Params::parse("");
    let answered = |form: &str, answer: &str| {
        let present = scene.present();
        let done = scene.provider.answer_logout(form, answer, &none, &present);
        block_on(done).expect("nothing fails")
    };
    let gingers = SessionId::from_uuid(ginger().id.uuid()).to_string();
    for answer in [gingers.as_str(), "", "everybody"] {
        let refused = answered(ask.form.expose(), answer);
        assert_eq!(refused, Err(LogoutRefusal::NotShown), "{answer}");
    }
    assert_eq!(answered("guess", "all"), Err(LogoutRefusal::ForeignForm));
    assert_eq!(scene.signed_in().len(), 2);
    // All that were shown: Ginger was not.
    assert_eq!(answered(ask.form.expose(), "all"), Ok(Some(NOWHERE)));
    assert_eq!(scene.signed_in(), ["ginger@example.com"]);
}

#[test]
fn a_notice_that_never_arrives_is_tried_eleven_times_in_a_day_and_then_forgotten() {
    let backchannel = failing(TRIES.len());
    let tries = Scene::of(&[sample::user()]).tries(&backchannel);
    let times: Vec<i64> = tries.iter().map(|it| it.0).collect();
    assert_eq!(times, TRIES);
}

#[test]
fn a_notice_that_arrives_at_the_last_try_is_delivered_and_then_forgotten() {
    let backchannel = failing(TRIES.len() - 1);
    let tries = Scene::of(&[sample::user()]).tries(&backchannel);
    let end = (tries.len(), tries.last().map(|it| it.1));
    assert_eq!(end, (TRIES.len(), Some(Aftermath::Delivered)));
}

//! What happens next: R9, R14, R15, and for whom.

use alias_domain::{
    Access, AuthorizationRequest, ChannelId, Client, ErrorCode, Params, Scope, Session, Situation,
    Step, UserId, anticipate, decide,
    testing::sample::{self, NOON, client, public_client, session},
};
use chrono::TimeDelta;
use proptest::prelude::*;

struct Case {
    client: Client,
    session: Option<Session>,
    chosen: bool,
    here: bool,
    connection: Option<Access>,
    users: Option<Vec<UserId>>,
    /// Seconds since noon, when the session began.
    later: i64,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            client: client(),
            session: Some(session()),
            chosen: false,
            here: false,
            connection: Some(sample::everything()),
            users: None,
            later: 60,
        }
    }
}

impl Case {
    fn step(&self, extra: &str) -> Step {
        let uri = self.client.redirect_uris[0].as_str();
        let callback = self.client.callback(uri).expect("a registered URI");
        let query = format!("response_type=code&{extra}");
        let request = AuthorizationRequest::parse(&Params::parse(&query), &self.client, callback)
            .expect("a sound request");
        decide(
            &request,
            &Situation {
                client: &self.client,
                session: self.session.as_ref(),
                account_chosen: self.chosen,
                authenticated_here: self.here,
                connection: self.connection.as_ref(),
                users: self.users.as_deref(),
                now: NOON + TimeDelta::seconds(self.later),
            },
        )
    }
}

fn refusal(step: &Step) -> Option<ErrorCode> {
    match step {
        Step::Refuse(error) => Some(error.code),
        _ => None,
    }
}

fn asks(step: &Step) -> bool {
    matches!(step, Step::AskConsent(_))
}

#[test]
fn r9_what_was_granted_is_not_asked_for_again() {
    let step = Case::default().step("scope=openid+nickname");
    assert_eq!(step, Step::Issue(Access::openid().with(Scope::Nickname)));
}

#[test]
fn r9_a_scope_or_channel_that_is_not_granted_is_asked_for() {
    let granted = Access::openid().with_contact([ChannelId(1)].into());
    let case = Case {
        connection: Some(granted),
        ..Case::default()
    };
    assert!(asks(&case.step("scope=openid+nickname")));
    assert!(asks(
        &case.step("scope=openid+contact&channels=product_updates")
    ));
    assert!(!asks(
        &case.step("scope=openid+contact&channels=notifications")
    ));
    let unconnected = Case {
        connection: None,
        ..Case::default()
    };
    assert!(asks(&unconnected.step("scope=openid")));
}

#[test]
fn r9_prompt_consent_asks_though_all_is_granted() {
    assert!(asks(&Case::default().step("scope=openid&prompt=consent")));
}

#[test]
fn r9_a_public_client_on_the_users_device_is_always_asked_for() {
    let pkce =
        "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let case = Case {
        client: public_client(),
        ..Case::default()
    };
    assert!(asks(&case.step(&format!("scope=openid&{pkce}"))));
    let step = case.step(&format!("scope=openid&prompt=none&{pkce}"));
    assert_eq!(refusal(&step), Some(ErrorCode::ConsentRequired));
}

#[test]
fn r14_prompt_none_never_shows_a_page() {
    let nobody = Case {
        session: None,
        connection: None,
        ..Case::default()
    };
    let step = nobody.step("scope=openid&prompt=none");
    assert_eq!(refusal(&step), Some(ErrorCode::LoginRequired));
    let unconnected = Case {
        connection: None,
        ..Case::default()
    };
    let step = unconnected.step("scope=openid&prompt=none");
    assert_eq!(refusal(&step), Some(ErrorCode::ConsentRequired));
    let step = Case::default().step("scope=openid&prompt=none");
    assert_eq!(step, Step::Issue(Access::openid()));
}

#[test]
fn r14_a_channel_that_only_the_merge_concerns_is_told_once_the_user_is_known() {
    let query = "scope=openid&include_granted_scopes=true&channels=nowhere";
    let nobody = Case {
        session: None,
        connection: None,
        ..Case::default()
    };
    assert_eq!(nobody.step(query), Step::Authenticate);
    assert_eq!(
        refusal(&Case::default().step(query)),
        Some(ErrorCode::InvalidChannel)
    );
}

#[test]
fn r15_prompt_login_asks_again_once_in_each_interaction() {
    assert_eq!(
        Case::default().step("scope=openid&prompt=login"),
        Step::Authenticate
    );
    let here = Case {
        here: true,
        chosen: true,
        ..Case::default()
    };
    assert_eq!(
        here.step("scope=openid&prompt=login"),
        Step::Issue(Access::openid())
    );
}

#[test]
fn r15_an_authentication_older_than_max_age_is_renewed() {
    let aged = |seconds, here| Case {
        later: seconds,
        here,
        ..Case::default()
    };
    let fresh = Step::Issue(Access::openid());
    assert_eq!(aged(60, false).step("scope=openid&max_age=60"), fresh);
    assert_eq!(
        aged(61, false).step("scope=openid&max_age=60"),
        Step::Authenticate
    );
    assert_eq!(aged(61, true).step("scope=openid&max_age=60"), fresh);
    assert_eq!(
        aged(0, false).step("scope=openid&max_age=0"),
        Step::Authenticate
    );
    assert_eq!(aged(0, true).step("scope=openid&max_age=0"), fresh);
    let step = aged(61, false).step("scope=openid&max_age=60&prompt=none");
    assert_eq!(refusal(&step), Some(ErrorCode::LoginRequired));
    assert_eq!(
        aged(i64::from(i32::MAX), false).step("scope=openid&max_age=9223372036854775807"),
        fresh
    );
}

#[test]
fn r15_an_authentication_in_the_future_never_satisfies_max_age() {
    for seconds in [-1, -3600, -3 * 365 * 86_400] {
        let ahead = |here| Case {
            later: seconds,
            here,
            ..Case::default()
        };
        for max_age in ["5", "86400", "9223372036854775807"] {
            let query = format!("scope=openid&max_age={max_age}");
            assert_eq!(ahead(false).step(&query), Step::Authenticate, "{seconds}");
            let step = ahead(false).step(&format!("{query}&prompt=none"));
            assert_eq!(refusal(&step), Some(ErrorCode::LoginRequired));
            let done = Step::Issue(Access::openid());
            assert_eq!(
                ahead(true).step(&query),
                done,
                "having done so satisfies it"
            );
        }
    }
}

#[test]
fn r15_select_account_asks_until_an_account_is_chosen() {
    let query = "scope=openid&prompt=select_account";
    assert_eq!(Case::default().step(query), Step::ChooseAccount);
    let chosen = Case {
        chosen: true,
        ..Case::default()
    };
    assert_eq!(chosen.step(query), Step::Issue(Access::openid()));
    let nobody = Case {
        session: None,
        connection: None,
        ..Case::default()
    };
    assert_eq!(nobody.step(query), Step::Authenticate);
}

// The user whom the request is about (OIDC Core 3.1.2.1, 3.1.2.2).

fn somebody_else() -> UserId {
    UserId::from_uuid(session().id.uuid())
}

#[test]
fn a_request_about_the_user_who_is_there_goes_on() {
    let case = Case {
        users: Some(vec![somebody_else(), sample::user().id]),
        ..Case::default()
    };
    for extra in ["", "&prompt=none"] {
        let step = case.step(&format!("scope=openid{extra}"));
        assert_eq!(step, Step::Issue(Access::openid()), "{extra}");
    }
}

#[test]
fn a_request_about_a_user_who_is_not_there_asks_for_them() {
    for users in [vec![], vec![somebody_else()]] {
        let case = Case {
            users: Some(users),
            ..Case::default()
        };
        assert_eq!(case.step("scope=openid"), Step::Authenticate);
        let step = case.step("scope=openid&prompt=none");
        assert_eq!(refusal(&step), Some(ErrorCode::LoginRequired));
        let nobody = Case {
            session: None,
            connection: None,
            ..case
        };
        assert_eq!(nobody.step("scope=openid"), Step::Authenticate);
    }
}

#[test]
fn an_answer_as_somebody_else_is_refused() {
    for here in [true, false] {
        let case = Case {
            users: Some(vec![somebody_else()]),
            chosen: true,
            here,
            ..Case::default()
        };
        for extra in [
            "",
            "&prompt=login",
            "&prompt=select_account",
            "&prompt=consent",
        ] {
            let step = case.step(&format!("scope=openid{extra}"));
            assert_eq!(refusal(&step), Some(ErrorCode::LoginRequired), "{extra}");
        }
    }
}

proptest! {
    /// OIDC Core 3.1.2.2: never a token, nor a screen, for a different user.
    #[test]
    fn nothing_is_issued_or_shown_to_another_user_than_the_one_asked_for(
        signed_in: bool, chosen: bool, here: bool, connected: bool, unknown: bool,
        prompt in prop::sample::select(vec![
            "", "none", "login", "consent", "select_account", "login consent select_account",
        ]),
        max_age in prop::option::of(0u32..120),
        scope in prop::sample::select(vec!["openid", "openid contact", "openid nickname"]),
    ) {
        let case = Case {
            session: signed_in.then(session),
            chosen: chosen && signed_in,
            here: here && chosen && signed_in,
            connection: connected.then(sample::everything),
            users: Some(if unknown { vec![] } else { vec![somebody_else()] }),
            ..Case::default()
        };
        let max_age = max_age.map_or_else(String::new, |it| format!("&max_age={it}"));
        let step = case.step(&format!("scope={scope}&prompt={prompt}{max_age}").replace(' ', "+"));
        prop_assert!(!matches!(step, Step::Issue(_) | Step::AskConsent(_)), "{step:?}");
    }
}

fn sound(client: &Client, extra: &str) -> AuthorizationRequest {
    let callback = client.callback(client.redirect_uris[0].as_str());
    let params = Params::parse(&format!("response_type=code&scope=openid+{extra}"));
    let request = AuthorizationRequest::parse(&params, client, callback.expect("registered"));
    request.expect("a sound request")
}

#[test]
fn r13_a_request_without_wishes_is_anticipated() {
    let nickname = Access::openid().with(Scope::Nickname);
    let contact = Access::openid().with_contact([ChannelId(1)].into());
    for (extra, access) in [
        ("", Access::openid()),
        ("nickname", nickname.clone()),
        ("nickname&prompt=none", nickname),
        ("contact&channels=notifications", contact),
    ] {
        let anticipated = anticipate(&sound(&client(), extra), &client());
        assert_eq!(anticipated, Some(access), "{extra}");
    }
}

#[test]
fn what_depends_on_more_than_the_grant_is_not_anticipated() {
    for extra in [
        "&prompt=login",
        "&prompt=consent",
        "&prompt=select_account",
        "&max_age=99999",
        "&include_granted_scopes=true",
        "contact&channels=notifications&include_granted_channels=true",
    ] {
        let anticipated = anticipate(&sound(&client(), extra), &client());
        assert_eq!(anticipated, None, "{extra}");
    }
    let about_fred = sound(&client(), "").about(sample::standing().alias_id);
    let about_fred = about_fred.expect("it was about anybody");
    assert_eq!(anticipate(&about_fred, &client()), None);
}

#[test]
fn r9_a_client_that_others_could_pose_as_is_not_anticipated() {
    let pkce =
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let native = public_client();
    assert_eq!(anticipate(&sound(&native, pkce), &native), None);
}

//! When a clock is believed.

use alias_domain::{
    ClockDoubt, ClockReading, ClockTrust, Digest, Params, Response, Secret, TokenRequest,
    flows::{ConsentAnswer, Outcome, SignIn, Verdict, Visitor},
    ports::{Clients, Passwords, Users},
    testing::{
        MemoryStore, TestPasswords, provider,
        sample::{self, NOON},
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};

/// So many minutes after noon, by a clock that is off by so many minutes.
fn reading(minutes: i64, off: i64) -> ClockReading {
    let passed = TimeDelta::minutes(minutes);
    ClockReading {
        wall: NOON + passed + TimeDelta::minutes(off),
        uptime: TimeDelta::days(3) + passed,
    }
}

fn hours_before_noon(hours: i64) -> Option<DateTime<Utc>> {
    Some(NOON - TimeDelta::hours(hours))
}

const DAY: i64 = 24 * 60;

/// Whether the clock is believed at each of these minutes, and how far ahead it is where it is not.
#[track_caller]
fn check(newest: Option<DateTime<Utc>>, readings: &[(i64, i64, Option<i64>)]) {
    let (minute, off, _) = readings[0];
    let mut trust = ClockTrust::new(newest, reading(minute, off));
    for &(minute, off, ahead) in readings {
        let now = reading(minute, off);
        let expected = ahead.map_or(Ok(now.wall), |it| Err(TimeDelta::minutes(it)));
        let found = trust.check(now).map_err(|it| match it {
            ClockDoubt::Jumped { ahead } => ahead,
            ClockDoubt::Idle { idle } => idle - ClockTrust::IDLE,
        });
        assert_eq!(found, expected, "minute {minute}, off by {off}");
    }
}

#[test]
fn a_clock_that_runs_is_believed() {
    check(
        None,
        &[
            (0, 0, None),
            (1, 0, None),
            (2, 0, None),
            (30 * DAY, 0, None),
        ],
    );
    check(hours_before_noon(0), &[(0, 0, None), (1, 0, None)]);
    check(hours_before_noon(-1), &[(0, 0, None), (1, 0, None)]);
}

#[test]
fn a_clock_that_was_adjusted_by_no_more_than_clocks_may_differ_is_believed() {
    check(
        None,
        &[(0, 0, None), (1, 1, None), (2, 0, None), (3, -1, None)],
    );
}

#[test]
fn a_clock_that_jumps_ahead_is_not_believed_until_it_is_set_back() {
    let days = 400 * DAY;
    check(
        None,
        &[
            (0, 0, None),
            (1, days, Some(days)),
            (2, days, Some(days)),
            (3, 0, None),
            (4, 2, Some(2)),
        ],
    );
}

#[test]
fn a_clock_that_jumped_ahead_and_ran_for_a_day_is_believed() {
    check(
        None,
        &[
            (0, 0, None),
            (1, 120, Some(120)),
            (DAY, 120, Some(120)),
            (DAY + 1, 120, None),
            (DAY + 2, 120, None),
        ],
    );
}

#[test]
fn a_clock_that_jumps_again_begins_its_day_anew() {
    check(
        None,
        &[
            (0, 0, None),
            (1, 120, Some(120)),
            (DAY, 240, Some(240)),
            (DAY + 1, 240, Some(240)),
            (2 * DAY - 1, 240, Some(240)),
            (2 * DAY, 240, None),
        ],
    );
}

#[test]
fn a_clock_that_is_set_back_is_believed_and_so_is_its_way_forth() {
    check(
        None,
        &[
            (0, 0, None),
            (1, -60, None),
            (2, -60, None),
            (3, 0, None),
            (4, 60, Some(60)),
        ],
    );
    // Once it ran so for a day, that is where it is.
    check(
        None,
        &[
            (0, 0, None),
            (1, -60, None),
            (DAY + 1, -60, None),
            (DAY + 2, 0, Some(60)),
        ],
    );
}

#[test]
fn a_sleep_is_no_jump() {
    check(None, &[(0, 0, None), (3 * DAY, 0, None)]);
}

#[test]
fn a_process_that_starts_far_from_what_its_store_knows_believes_the_clock_after_a_day() {
    let (ahead, newest) = (399 * DAY, hours_before_noon(400 * 24));
    check(
        newest,
        &[
            (0, 0, Some(ahead)),
            (1, 0, Some(ahead)),
            (DAY - 1, 0, Some(ahead)),
            (DAY, 0, None),
        ],
    );
    // Or as soon as it is set to where it may be.
    check(
        newest,
        &[
            (0, 0, Some(ahead)),
            (1, -400 * DAY, None),
            (2, -400 * DAY, None),
        ],
    );
    check(hours_before_noon(24), &[(0, 0, None)]);
}

#[test]
fn what_is_wrong_with_a_clock_is_told_apart() {
    let mut trust = ClockTrust::new(hours_before_noon(72), reading(0, 0));
    let idle = Err(ClockDoubt::Idle {
        idle: TimeDelta::hours(72),
    });
    assert_eq!(trust.check(reading(0, 0)), idle);
    assert_eq!(trust.check(reading(1, 0)), idle);
    let jumped = trust.check(reading(2, 120));
    let ahead = TimeDelta::hours(50);
    assert_eq!(jumped, Err(ClockDoubt::Jumped { ahead }));
}

/// Clients refuse a token that is dated ahead of their clock, be it by a fraction of a second: PyJWT,
/// joserfc and java-jwt grant no leeway (RFC 7519 4.1.6).
#[test]
fn no_time_of_a_token_is_rounded_up() -> Result<(), Box<dyn std::error::Error>> {
    pollster::block_on(async {
        let (client, fred) = (sample::client(), sample::user());
        let password = Secret::new("correct horse".to_owned());
        let store = MemoryStore::default();
        store.insert_client(&client, &[]).await?;
        let hash = TestPasswords.hash(&password).await?;
        store.insert_user(&fred, &hash).await??;
        let alias = provider(store);
        let now = NOON + TimeDelta::milliseconds(999);
        let pending = std::future::pending();
        let signed_in = alias.sign_in(fred.email.as_str(), &password, &[], pending, now);
        let SignIn::Done(session) = signed_in.await? else {
            return Err("Fred cannot sign in".into());
        };
        let browser = Visitor {
            bearer: None,
            cookies: vec![session.token.digest()],
            browsers: vec![Digest::of(b"Fred's browser")],
            source: None,
        };
        let query = format!(
            "response_type=code&scope=openid&client_id={}&redirect_uri={}",
            client.id,
            sample::REDIRECT_URI
        );
        let Outcome::Ask(ask) = alias
            .authorize(&Params::parse(&query), &browser, now)
            .await?
        else {
            return Err("nobody asked Fred".into());
        };
        let answer = ConsentAnswer {
            verdict: Verdict::AllowAll,
            scopes: Vec::new(),
            channels: Vec::new(),
        };
        let present = alias.present(&browser, now).await?;
        let form = ask.form.expose();
        let answered = alias.answer(ask.interaction, form, answer, &present, now);
        let Ok(Outcome::Respond(Response::Redirect(location))) = answered.await? else {
            return Err("the answer was refused".into());
        };
        let (_, callback) = location.expose().split_once('?').ok_or("no query")?;
        let code = Params::parse(callback)
            .one("code")?
            .ok_or("no code")?
            .to_owned();
        let exchange = TokenRequest::Code {
            code: Secret::new(code),
            redirect_uri: sample::REDIRECT_URI.to_owned(),
            verifier: None,
        };
        let tokens = alias.tokens(&client, exchange, now).await??;
        let id_token = tokens.id_token.ok_or("no ID token")?;
        let hint = alias.hint(id_token.expose()).ok_or("no ID token of ours")?;
        let noon = NOON.timestamp();
        assert_eq!((hint.iat, hint.exp), (noon, noon + 1800));
        let claims = id_token.expose().split('.').nth(1).ok_or("no claims")?;
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims)?)?;
        assert!(
            claims.contains(&format!("\"auth_time\":{noon}")),
            "{claims}"
        );
        Ok(())
    })
}

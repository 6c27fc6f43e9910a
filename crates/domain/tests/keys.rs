//! How keys turn over.

use std::collections::BTreeMap;

use alias_domain::{
    IdTokenClaims, KeyAlgorithm, KeyStage, Lead, Lifetimes, NotRotated, ScheduledKey, Secret,
    SigningAlgorithm, key_schedule, key_succession, ports::StoredKey, testing::sample::NOON,
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

const EDDSA: KeyAlgorithm = KeyAlgorithm::Signing(SigningAlgorithm::EdDsa);

fn at(seconds: i64) -> DateTime<Utc> {
    NOON + TimeDelta::seconds(seconds)
}

/// A key that was made and is active so many seconds after noon.
fn key(kid: &str, algorithm: &str, created: i64, active: i64) -> StoredKey {
    StoredKey {
        kid: kid.to_owned(),
        algorithm: algorithm.to_owned(),
        sealed: String::new(),
        created_at: at(created),
        active_from: at(active),
    }
}

fn stages(keys: &[StoredKey], now: DateTime<Utc>) -> Vec<KeyStage> {
    let schedule = key_schedule(keys, &Lifetimes::default(), now);
    schedule.into_iter().map(|it| it.stage).collect()
}

#[test]
fn a_key_is_published_then_active_then_retiring_then_remembered_then_retired() {
    use KeyStage::{Active, Published, Remembered, Retired, Retiring};
    let keys = [
        key("a", "RS256", 0, 0),
        key("b", "RS256", 1000, 1600),
        key("c", "RS256", 2000, 2600),
    ];
    // An ID token lives 30 minutes; the clocks of two nodes may differ by one.
    let [first, second] = [1600, 2600].map(|it| at(it + 1800 + 60));
    let retiring = |until| Retiring { until };
    // A session lasts 14 days.
    let [gone, last] = [1600, 2600].map(|it| at(it + 14 * 86_400 + 60));
    let remembered = |until| Remembered { until };
    for (now, expected) in [
        (at(0), [Active, Published, Published]),
        (at(1599), [Active, Published, Published]),
        (at(1600), [retiring(first), Active, Published]),
        (at(2600), [retiring(first), retiring(second), Active]),
        (first, [remembered(gone), retiring(second), Active]),
        (second, [remembered(gone), remembered(last), Active]),
        (gone, [Retired, remembered(last), Active]),
        (last, [Retired, Retired, Active]),
    ] {
        assert_eq!(stages(&keys, now), expected, "{now}");
    }
}

#[test]
fn what_is_left_of_a_key_is_remembered_for_as_long_as_the_key_was_and_makes_nothing() {
    let keys = [
        key("a", "RS256-public", 0, 0),
        key("b", "RS256", 1000, 1600),
        key("c", "ES256", 1000, 1600),
    ];
    let until = at(1600 + 14 * 86_400 + 60);
    // Also by a clock by which it would be active: its private half is gone.
    for now in [
        at(0),
        at(1600),
        at(1600 + 1860),
        until - TimeDelta::milliseconds(1),
    ] {
        assert_eq!(
            stages(&keys, now)[0],
            KeyStage::Remembered { until },
            "{now}"
        );
        assert_eq!(stages(&keys, now)[1], KeyStage::Active, "{now}");
    }
    assert_eq!(stages(&keys, until)[0], KeyStage::Retired);
    let long = Lifetimes {
        id_token: TimeDelta::days(30),
        ..Lifetimes::default()
    };
    let stage = key_schedule(&keys, &long, until)[0].stage;
    assert!(matches!(stage, KeyStage::Remembered { .. }));
}

#[test]
fn each_algorithm_turns_over_by_itself() {
    let keys = [
        key("a", "RS256", 0, 0),
        key("b", "ES256", 0, 0),
        key("c", "RS256", 10, 20),
    ];
    let until = at(20 + 1800 + 60);
    let expected = [
        KeyStage::Retiring { until },
        KeyStage::Active,
        KeyStage::Active,
    ];
    assert_eq!(stages(&keys, at(20)), expected);
}

#[test]
fn r23_a_sealing_key_stays_until_a_replaced_refresh_token_cannot_be_retried_any_more() {
    let keys = [key("1", "A256GCM", 0, 0), key("x", "A256GCM", 10, 20)];
    let until = at(20 + 60) + TimeDelta::days(90) + TimeDelta::hours(1);
    let just_before = until - TimeDelta::milliseconds(1);
    assert_eq!(stages(&keys, just_before)[0], KeyStage::Retiring { until });
    assert_eq!(stages(&keys, until)[0], KeyStage::Retired);
}

#[test]
fn a_sealing_key_stays_as_long_as_whatever_lives_longest() {
    let keys = [key("1", "A256GCM", 0, 0), key("x", "A256GCM", 10, 20)];
    let short = TimeDelta::minutes(1);
    let brief = Lifetimes {
        auth_code: short,
        user_token: short,
        id_token: short,
        refresh_token: short,
        refresh_grace: short,
        session: short,
    };
    let long = TimeDelta::days(400);
    for (lifetimes, longest) in [
        (brief, Lifetimes::INTERACTION),
        (
            Lifetimes {
                auth_code: long,
                ..brief
            },
            long,
        ),
        (
            Lifetimes {
                user_token: long,
                ..brief
            },
            long,
        ),
        (
            Lifetimes {
                refresh_token: long,
                ..brief
            },
            long + short,
        ),
        (
            Lifetimes {
                session: long,
                ..brief
            },
            long,
        ),
        (
            Lifetimes {
                id_token: long,
                ..brief
            },
            Lifetimes::INTERACTION,
        ),
    ] {
        let until = at(20 + 60) + longest;
        let schedule = key_schedule(&keys, &lifetimes, at(20));
        let stage = schedule.first().map(|it| it.stage);
        assert_eq!(stage, Some(KeyStage::Retiring { until }), "{lifetimes:?}");
    }
}

#[test]
fn a_newer_node_s_algorithm_is_left_alone() {
    let keys = [key("a", "ML-DSA-65", 0, 0), key("b", "EdDSA", 0, 0)];
    let schedule = key_schedule(&keys, &Lifetimes::default(), at(0));
    let known: Vec<_> = schedule
        .iter()
        .map(|it| (it.key.kid.as_str(), it.algorithm))
        .collect();
    assert_eq!(known, [("b", EDDSA)]);
}

#[test]
fn a_new_key_comes_after_the_newest_of_its_algorithm_and_is_used_after_the_lead() {
    let keys = [
        key("a", "EdDSA", 0, 0),
        key("b", "EdDSA", 10, 20),
        key("c", "RS256", 30, 40),
    ];
    let place = key_succession(&keys, EDDSA, Lead::default(), at(100)).expect("nothing waits");
    assert_eq!(place.after, "b");
    assert_eq!(place.created_at, at(100));
    assert_eq!(place.active_from, at(100 + 600));
}

#[test]
fn a_key_that_waits_is_named_with_its_time_and_gets_no_successor() {
    let keys = [key("a", "EdDSA", 0, 0), key("b", "EdDSA", 10, 20)];
    let refused = key_succession(&keys, EDDSA, Lead::default(), at(19)).expect_err("b waits");
    assert_eq!(
        refused.to_string(),
        "the EdDSA key b waits to become active at 2020-06-30T12:00:20Z: rotate after that"
    );
    assert!(key_succession(&keys, EDDSA, Lead::default(), at(20)).is_ok());
    let none = key_succession(&keys, KeyAlgorithm::Sealing, Lead::default(), at(20));
    assert_eq!(none, Err(NotRotated::NoKey(KeyAlgorithm::Sealing)));
}

#[test]
fn where_no_key_is_active_yet_the_oldest_serves_until_a_successor_is_active() {
    use KeyStage::{Active, Published, Retiring};
    let hours = 3600;
    let until = at(600 + 1800 + 60);
    for (keys, now, expected) in [
        // First made by a clock that was ahead, by a little or by years.
        (vec![key("a", "RS256", 45, 45)], 0, vec![Active]),
        (
            vec![key(
                "a",
                "RS256",
                3 * 365 * 24 * hours,
                3 * 365 * 24 * hours,
            )],
            0,
            vec![Active],
        ),
        // Rotated by that clock, too.
        (
            vec![
                key("a", "RS256", 2 * hours, 2 * hours),
                key("b", "RS256", 3 * hours, 3 * hours + 600),
            ],
            0,
            vec![Active, Published],
        ),
        // Rotated since the clock is right: the new one is known everywhere before it is used.
        (
            vec![
                key("a", "RS256", 2 * hours, 2 * hours),
                key("b", "RS256", 2 * hours + 1, 600),
            ],
            599,
            vec![Active, Published],
        ),
        (
            vec![
                key("a", "RS256", 2 * hours, 2 * hours),
                key("b", "RS256", 2 * hours + 1, 600),
            ],
            600,
            vec![Retiring { until }, Active],
        ),
        // One that is active by its time needs nobody's help.
        (
            vec![
                key("a", "RS256", 0, 0),
                key("b", "RS256", 2 * hours, 2 * hours),
            ],
            0,
            vec![Active, Published],
        ),
    ] {
        assert_eq!(stages(&keys, at(now)), expected, "{keys:?}");
    }
}

#[test]
fn a_key_of_a_clock_that_was_ahead_does_not_hold_up_a_rotation_and_never_comes_back() {
    let years = 3 * 365 * 86_400;
    for ahead in [45, 7200, years] {
        let first = key("a", "EdDSA", ahead, ahead);
        let waiting = key("w", "EdDSA", ahead + 10, ahead + 610);
        let made_right = key("r", "EdDSA", -1000, -1000);
        let mut cases = vec![vec![first.clone()]];
        if ahead > 661 {
            cases.push(vec![first, waiting.clone()]);
            cases.push(vec![made_right, waiting]);
        }
        for mut keys in cases {
            let serves = keys[0].clone();
            let place = key_succession(&keys, EDDSA, Lead::default(), at(0)).expect("none waits");
            assert_eq!(place.active_from, at(600));
            let next = StoredKey {
                kid: "n".to_owned(),
                created_at: place.created_at,
                active_from: place.active_from,
                ..serves.clone()
            };
            assert!(keys.iter().all(|it| it.created_at < next.created_at));
            let refused = |keys: &[StoredKey]| {
                key_succession(keys, EDDSA, Lead::default(), at(1)).map(|it| it.active_from)
            };
            keys.push(next);
            let waits = NotRotated::Waits {
                algorithm: EDDSA,
                kid: "n".to_owned(),
                active_from: at(600),
            };
            assert_eq!(refused(&keys), Err(waits), "once is enough");
            let active = |now| {
                let schedule = key_schedule(&keys, &Lifetimes::default(), at(now));
                let active = schedule.iter().filter(|it| it.stage == KeyStage::Active);
                active.map(|it| it.key.kid.clone()).collect::<Vec<_>>()
            };
            assert_eq!(active(599), [serves.kid]);
            for later in [600, ahead - 1, ahead, ahead + 610, 2 * years] {
                assert_eq!(active(later.max(600)), ["n"], "{later}");
            }
        }
    }
}

#[test]
fn a_key_that_waits_for_long_gives_way_to_one_that_is_needed_soon() {
    let keys = [key("a", "EdDSA", 0, 0), key("b", "EdDSA", 10, 610)];
    let soon = Lead::new(TimeDelta::seconds(2)).expect("long enough");
    let place = key_succession(&keys, EDDSA, soon, at(20)).expect("b is not needed");
    assert_eq!((place.after, place.active_from), ("b", at(22)));
    let refused = key_succession(&keys, EDDSA, soon, at(610 - 62));
    assert!(
        matches!(refused, Err(NotRotated::Waits { .. })),
        "b is as quick"
    );
}

#[test]
fn a_clock_that_was_set_back_makes_no_key_that_is_older_than_the_newest() {
    let keys = [key("a", "EdDSA", 100, 0)];
    let place = key_succession(&keys, EDDSA, Lead::default(), at(0)).expect("nothing waits");
    assert!(place.created_at > at(100));
    assert_eq!(place.active_from, at(600));
}

#[test]
fn a_key_set_is_kept_for_half_the_lead_and_five_minutes_at_most() {
    for (lead, max_age) in [(2, 1), (3, 1), (60, 30), (600, 300), (86_400, 300)] {
        let lead = Lead::new(TimeDelta::seconds(lead)).expect("long enough");
        assert_eq!(lead.max_age(), max_age);
    }
    assert_eq!(Lead::new(TimeDelta::milliseconds(1999)), None);
}

/// Computed with Python's `hashlib`.
#[test]
fn r18_at_hash_is_the_left_half_of_the_hash_of_the_algorithm() {
    let token = Secret::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y".to_owned());
    for (algorithm, expected) in [
        (SigningAlgorithm::Rs256, "77QmUPtjPfzWtF2AnpK9RQ"),
        (SigningAlgorithm::Es256, "77QmUPtjPfzWtF2AnpK9RQ"),
        (
            SigningAlgorithm::EdDsa,
            "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM",
        ),
    ] {
        assert_eq!(IdTokenClaims::at_hash(algorithm, &token), expected);
    }
}

/// A moment in the life of a service on several nodes, whose clocks differ by half a minute each.
#[derive(Clone, Debug)]
struct Moment {
    /// Seconds since the one before.
    gap: i64,
    /// By how many seconds the clock of the node is off.
    skew: i64,
    algorithm: KeyAlgorithm,
    act: Act,
}

#[derive(Clone, Debug)]
enum Act {
    /// With this lead, in seconds.
    Rotate(i64),
    /// Signs or seals something that lives as long as it can.
    Make,
    /// Removes what is retired.
    Tidy,
}

fn history() -> impl Strategy<Value = Vec<Moment>> {
    let act = prop_oneof![
        prop_oneof![2..50_i64, 2..2000_i64].prop_map(Act::Rotate),
        Just(Act::Make),
        Just(Act::Make),
        Just(Act::Tidy),
    ];
    let moment = (
        prop_oneof![0..5_i64, 0..50_i64, 0..3000_i64, 0..5_000_000_i64],
        -30..=30_i64,
        prop::sample::select(KeyAlgorithm::ALL.to_vec()),
        act,
    );
    let moment = moment.prop_map(|(gap, skew, algorithm, act)| Moment {
        gap,
        skew,
        algorithm,
        act,
    });
    prop::collection::vec(moment, 1..60)
}

/// What several nodes share, and what they have made.
struct Nodes {
    keys: Vec<StoredKey>,
    /// The IDs of keys, and when the last thing ends that each made.
    made: BTreeMap<String, DateTime<Utc>>,
}

impl Nodes {
    /// The first keys were made by a clock that was ahead by so many seconds, or not.
    fn new(ahead: i64) -> Self {
        let first = |it: &KeyAlgorithm| key(it.name(), it.name(), ahead - 30, ahead - 30);
        Self {
            keys: KeyAlgorithm::ALL.iter().map(first).collect(),
            made: BTreeMap::new(),
        }
    }

    /// The keys that are active by a clock.
    fn active(&self, algorithm: KeyAlgorithm, local: DateTime<Utc>) -> Vec<&str> {
        let schedule = key_schedule(&self.keys, &Lifetimes::default(), local);
        let active = |it: &ScheduledKey<'_>| it.stage == KeyStage::Active;
        let active = schedule.into_iter().filter(active);
        let of_its_kind = active.filter(|it| it.algorithm == algorithm);
        of_its_kind.map(|it| it.key.kid.as_str()).collect()
    }

    fn is_honoured(&self, kid: &str, local: DateTime<Utc>) -> bool {
        let schedule = key_schedule(&self.keys, &Lifetimes::default(), local);
        let mut kept = schedule.iter().filter(|it| it.stage != KeyStage::Retired);
        kept.any(|it| it.key.kid == kid)
    }

    fn rotate(&mut self, kid: String, algorithm: KeyAlgorithm, lead: i64, local: DateTime<Utc>) {
        let lead = Lead::new(TimeDelta::seconds(lead)).expect("long enough");
        let Ok(place) = key_succession(&self.keys, algorithm, lead, local) else {
            return;
        };
        let next = StoredKey {
            kid,
            algorithm: algorithm.to_string(),
            sealed: String::new(),
            created_at: place.created_at,
            active_from: place.active_from,
        };
        self.keys.push(next);
        self.keys.sort_by_key(|it| (it.created_at, it.kid.clone()));
    }

    fn make(&mut self, algorithm: KeyAlgorithm, now: DateTime<Utc>, local: DateTime<Utc>) {
        let lifetimes = Lifetimes::default();
        let life = match algorithm {
            KeyAlgorithm::Signing(_) | KeyAlgorithm::Verifying(_) => lifetimes.id_token,
            KeyAlgorithm::Sealing => lifetimes.refresh_token + lifetimes.refresh_grace,
        };
        let kids = self.active(algorithm, local).into_iter().map(str::to_owned);
        let made: Vec<_> = kids.map(|kid| (kid, now + life)).collect();
        self.made.extend(made);
    }

    fn tidy(&mut self, local: DateTime<Utc>) {
        let kept = |it: &StoredKey| self.is_honoured(&it.kid, local);
        self.keys = self.keys.iter().filter(|it| kept(it)).cloned().collect();
    }
}

proptest! {
    #[test]
    fn there_is_one_active_key_at_every_moment_and_what_it_made_is_honoured_while_it_lives(
        ahead in prop_oneof![Just(0), 0..100_i64, 0..10_000_i64, 0..100_000_000_i64],
        history in history(),
    ) {
        let mut nodes = Nodes::new(ahead);
        let mut now = NOON;
        for (number, Moment { gap, skew, algorithm, act }) in history.into_iter().enumerate() {
            now += TimeDelta::seconds(gap);
            let local = now + TimeDelta::seconds(skew);
            for algorithm in KeyAlgorithm::ALL {
                prop_assert_eq!(nodes.active(algorithm, local).len(), 1);
            }
            match act {
                Act::Rotate(lead) => nodes.rotate(number.to_string(), algorithm, lead, local),
                Act::Make => nodes.make(algorithm, now, local),
                Act::Tidy => nodes.tidy(local),
            }
            for (kid, end) in nodes.made.iter().filter(|(_, end)| now < **end) {
                prop_assert!(nodes.is_honoured(kid, local), "{kid} is not honoured until {end}");
            }
        }
        // To the last moment, also where the clock is ahead by as much as it may.
        for (kid, end) in nodes.made.iter().filter(|(_, end)| now < **end) {
            let local = *end + TimeDelta::milliseconds(30_000 - 1);
            prop_assert!(nodes.is_honoured(kid, local), "{kid} is not honoured until {end}");
        }
    }
}

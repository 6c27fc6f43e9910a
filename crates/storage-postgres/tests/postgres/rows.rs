//! Storage grows with live authorizations, not with tokens.

use alias_domain::{
    Lifetimes, RequestedScope, Rotate, Rotation,
    ports::{Authorizations, Store},
    testing::sample::{self, NOON},
};

use crate::fixture::{Fixture, approved, wait};

/// How many rows each table has.
fn rows(fixture: &Fixture) -> Option<String> {
    let count = "SELECT (xpath('//count/text()', query_to_xml(string_agg(
            format('SELECT count(*) FROM %I', relname), ' UNION ALL '), false, false, '')))::text
        FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    fixture.database.ask(count)
}

#[test]
fn refreshing_adds_no_row() {
    let fixture = approved();
    let lifetimes = Lifetimes::default();
    wait(fixture.redeem(&sample::redemption(), &lifetimes, NOON)).expect("the store answers");
    let before = rows(&fixture);
    for generation in 1..=100 {
        let rotation = Rotation {
            authorization: sample::new_authorization().id,
            client_id: sample::client().id,
            generation,
            scope: RequestedScope::Everything,
        };
        let rotated = wait(fixture.rotate(&rotation, &lifetimes, NOON));
        assert!(matches!(rotated, Ok(Some((_, Rotate::Granted { .. })))));
    }
    assert_eq!(rows(&fixture), before);
}

#[test]
fn a_sweep_looks_at_all_that_is_due() {
    let fixture = approved();
    let lifetimes = Lifetimes::default();
    wait(fixture.redeem(&sample::redemption(), &lifetimes, NOON)).expect("the store answers");
    let more = "INSERT INTO authorizations
        SELECT (json_populate_record(a, json_build_object('id', gen_random_uuid()))).*
        FROM authorizations a, generate_series(1, 9)";
    fixture.database.execute(more);
    let later = NOON + lifetimes.auth_code;
    assert_eq!(wait(fixture.sweep(later, 2)), Ok(0), "nothing has ended");
    let due = format!("SELECT count(*) FROM authorizations WHERE sweep_at <= '{later}'");
    assert_eq!(fixture.database.ask(&due).as_deref(), Some("0"));
}

/// So the next version of the row fits on its own page, and no index has to know.
#[test]
fn a_refresh_writes_no_column_that_an_index_has() {
    let fixture = approved();
    let indexed = "SELECT string_agg(DISTINCT a.attname, ' ' ORDER BY a.attname)
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = 'authorizations'::regclass";
    assert_eq!(
        fixture.database.ask(indexed).as_deref(),
        Some("client_id id sweep_at user_id")
    );
}

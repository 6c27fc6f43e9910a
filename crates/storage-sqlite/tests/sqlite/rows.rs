//! Storage grows with live authorizations, not with tokens.

use alias_domain::{
    Lifetimes, RequestedScope, Rotate, Rotation,
    ports::Authorizations,
    testing::sample::{self, NOON},
};
use pollster::FutureExt as _;
use rusqlite::Connection;

use crate::fixture::approved;

/// The pages of the file and the rows of its tables.
fn size(database: &Connection) -> (u32, u32) {
    let count = |query: &str| {
        database
            .query_row(query, [], |row| row.get(0))
            .expect("a count")
    };
    let names = "SELECT group_concat('SELECT count(*) AS c FROM ' || name, ' UNION ALL ')
         FROM sqlite_schema WHERE type = 'table'";
    let all: String = database
        .query_row(names, [], |row| row.get(0))
        .expect("tables");
    (
        count("PRAGMA page_count"),
        count(&format!("SELECT sum(c) FROM ({all})")),
    )
}

#[test]
fn refreshing_adds_no_row_and_no_page() {
    let fixture = approved();
    let lifetimes = Lifetimes::default();
    let redeemed = fixture
        .redeem(&sample::redemption(), &lifetimes, NOON)
        .block_on();
    redeemed.expect("the store answers");
    let before = size(&fixture.raw());
    for generation in 1..=200 {
        let rotation = Rotation {
            authorization: sample::new_authorization().id,
            client_id: sample::client().id,
            generation,
            scope: RequestedScope::Everything,
        };
        let rotated = fixture.rotate(&rotation, &lifetimes, NOON).block_on();
        assert!(matches!(rotated, Ok(Some((_, Rotate::Granted { .. })))));
    }
    assert_eq!(size(&fixture.raw()), before);
}

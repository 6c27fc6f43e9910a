//! What a statement must not anticipate, though no step of a port leads there alone.

use alias_domain::{
    Client, Digest, Lifetimes, Params, Redeem, Response,
    flows::{Outcome, Visitor},
    ports::{Authorizations, Clients},
    testing::{provider, sample},
};
use alias_storage_postgres::PostgresStore;

use crate::fixture::{approved, parsed, wait};

#[test]
fn r30_a_channel_that_another_node_withdrew_just_now_gets_no_code() {
    let fixture = approved();
    let node = wait(PostgresStore::open(&parsed(&fixture.database), 2)).expect("it is current");
    let alias = provider(node);
    let visitor = Visitor {
        bearer: None,
        cookies: vec![Digest::of(b"a session token")],
        browsers: vec![Digest::of(b"a browser")],
        source: None,
    };
    let asked = Params::parse(&format!(
        "response_type=code&client_id={}&redirect_uri={}&scope=openid+contact&channels=notifications",
        sample::client().id,
        sample::REDIRECT_URI,
    ));
    let withdrawn = Client {
        channels: Vec::new(),
        ..sample::client()
    };
    wait(async {
        let outcome = alias.authorize(&asked, &visitor, sample::NOON).await;
        let had_a_code = |it: &Outcome| match it {
            Outcome::Respond(Response::Redirect(location)) => location.expose().contains("?code="),
            _ => false,
        };
        assert!(outcome.is_ok_and(|it| had_a_code(&it)), "it was granted");
        // The node still knows the client as it was, unless it was half a second late.
        let updated = fixture.update_client(&sample::client(), &withdrawn).await;
        assert_eq!(updated, Ok(true));
        let outcome = alias.authorize(&asked, &visitor, sample::NOON).await;
        assert!(outcome.is_ok_and(|it| !had_a_code(&it)));
    });
    // That of the fixture, and that of the first request.
    let count = fixture.database.ask("SELECT count(*) FROM authorizations");
    assert_eq!(count.as_deref(), Some("2"));
}

#[test]
fn r25_a_code_of_two_who_are_not_connected_is_refused_and_not_spent() {
    let fixture = approved();
    // Disconnecting removes the authorization too.
    fixture
        .database
        .execute("UPDATE connections SET scopes = NULL");
    let before = wait(fixture.standing(sample::new_authorization().id));
    let lifetimes = Lifetimes::default();
    let redeemed = wait(fixture.redeem(&sample::redemption(), &lifetimes, sample::NOON));
    let verdict = redeemed.map(|it| it.map(|(_, verdict)| verdict));
    assert_eq!(verdict, Ok(Some(Redeem::Refused)));
    let after = wait(fixture.standing(sample::new_authorization().id));
    assert_eq!(after, before);
}

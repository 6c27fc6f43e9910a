//! A whole grant, replayed without a runtime: request, sign-in, consent, exchange, refresh and
//! revocation, on an in-memory store, with the time passed in.
//!
//! Run it with `cargo run -p alias-domain --example replay_a_grant`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use alias_domain::{
    Digest, Params, RequestedScope, Response, Revocation, Scope, Secret, TokenRequest,
    flows::{ConsentAnswer, Outcome, SignIn, Verdict, Visitor},
    ports::{Clients, Passwords, Users},
    testing::{
        MemoryStore, TestPasswords, provider,
        sample::{self, NOON},
    },
};
use chrono::TimeDelta;

fn main() -> Result<(), Box<dyn Error>> {
    pollster::block_on(replay())
}

async fn replay() -> Result<(), Box<dyn Error>> {
    let (client, fred) = (sample::client(), sample::user());
    let password = Secret::new("correct horse".to_owned());
    let store = MemoryStore::default();
    store.insert_client(&client, &[]).await?;
    store
        .insert_user(&fred, &TestPasswords.hash(&password).await?)
        .await??;
    let alias = provider(store);

    // Fred signs in, and arrives with the client's request.
    let SignIn::Done(session) = alias
        .sign_in(
            "fred@example.com",
            &password,
            &[],
            std::future::pending(),
            NOON,
        )
        .await?
    else {
        return Err("Fred cannot sign in".into());
    };
    let browser = Visitor {
        bearer: None,
        cookies: vec![session.token.digest()],
        browsers: vec![Digest::of(b"Fred's browser")],
        source: None,
    };
    let request = Params::parse(&format!(
        "response_type=code&client_id={}&redirect_uri={}&state=s\
         &scope=openid+offline_access+contact+nickname&channels=notifications+product_updates",
        client.id,
        sample::REDIRECT_URI,
    ));
    let Outcome::Ask(ask) = alias.authorize(&request, &browser, NOON).await? else {
        return Err("nobody asked Fred".into());
    };

    // He allows messages, but of one kind only.
    let owned = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    let answer = ConsentAnswer {
        verdict: Verdict::AllowSelected,
        scopes: owned(&["offline_access", "contact"]),
        channels: owned(&["notifications"]),
    };
    let present = alias.present(&browser, NOON).await?;
    let outcome = alias
        .answer(ask.interaction, ask.form.expose(), answer, &present, NOON)
        .await?;
    let Ok(Outcome::Respond(Response::Redirect(location))) = outcome else {
        return Err("the answer was refused".into());
    };
    let (_, callback) = location.expose().split_once('?').ok_or("no query")?;
    let code = Params::parse(callback)
        .one("code")?
        .ok_or("no code")?
        .to_owned();

    // The client exchanges its code, and refreshes an hour later.
    let exchange = TokenRequest::Code {
        code: Secret::new(code),
        redirect_uri: sample::REDIRECT_URI.to_owned(),
        verifier: None,
    };
    let tokens = alias.tokens(&client, exchange, NOON).await??;
    println!("exchanged: {} / {:?}", tokens.scope, tokens.channels);
    let refresh = TokenRequest::Refresh {
        refresh_token: tokens.refresh_token.ok_or("no refresh token")?,
        scope: RequestedScope::Everything,
    };
    let later = NOON + TimeDelta::hours(1);
    let tokens = alias.tokens(&client, refresh, later).await??;
    println!("refreshed: {} / {:?}", tokens.scope, tokens.channels);

    // Fred takes the messages back, and it bites at once.
    let contact = Revocation::Scope(Scope::Contact);
    alias.revoke(fred.id, client.id, &contact, later).await??;
    let worth = alias
        .introspect(&client, &tokens.access_token, later)
        .await?;
    let worth = worth.ok_or("the token died")?;
    println!("revoked:   {} / {:?}", worth.scope, worth.channels);
    assert_eq!(worth.scope, "openid offline_access");
    Ok(())
}

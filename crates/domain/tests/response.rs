//! The authorization response, in either mode (RFC 6749 4.1.2, RFC 9207, OAuth 2.0 Form Post
//! Response Mode).

use alias_domain::{
    Callback, Client, ErrorCode, Params, RedirectUri, Reply, RequestError, Response, ResponseMode,
    Secret,
    testing::sample::{self, client},
};
use proptest::prelude::*;

const ISSUER: &str = "https://projectalias.com";

fn callback(uri: &str) -> Callback {
    let registered = RedirectUri::register(uri, client().kind);
    let client = Client {
        redirect_uris: registered.into_iter().collect(),
        ..client()
    };
    client.callback(uri).expect("a registered URI")
}

/// What a response says at the client, by name, and the address that it goes to.
fn told(response: &Response) -> (String, Vec<(String, String)>) {
    match response {
        Response::Redirect(location) => {
            let (address, query) = location.expose().split_once('?').expect("a query");
            let params = Params::parse(query);
            let names = query.split('&').filter_map(|it| it.split('=').next());
            let fields = names.map(|name| {
                let value = params.one(name).ok().flatten().unwrap_or_default();
                (name.to_owned(), value.to_owned())
            });
            (address.to_owned(), fields.collect())
        }
        Response::Post(form) => {
            let fields = form.fields.iter();
            let fields = fields.map(|(name, it)| ((*name).to_owned(), it.expose().to_owned()));
            (form.callback.as_str().to_owned(), fields.collect())
        }
    }
}

fn reply(mode: ResponseMode, state: Option<&str>) -> Reply {
    Reply {
        callback: callback(sample::REDIRECT_URI),
        mode,
        state: state.map(str::to_owned),
    }
}

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = pairs
        .iter()
        .map(|(name, it)| ((*name).to_owned(), (*it).to_owned()));
    owned.collect()
}

#[test]
fn both_modes_say_the_same() {
    let code = Secret::new("8amd".to_owned());
    let denied = RequestError::new(ErrorCode::AccessDenied, "the user said no");
    for mode in ResponseMode::ALL {
        let granted = told(&reply(mode, Some("s")).code(&code, ISSUER));
        let expected = [("code", "8amd"), ("state", "s"), ("iss", ISSUER)];
        assert_eq!(
            granted,
            (sample::REDIRECT_URI.to_owned(), fields(&expected))
        );

        let refused = told(&reply(mode, None).error(&denied, ISSUER));
        let expected = [
            ("error", "access_denied"),
            ("error_description", "the user said no"),
            ("iss", ISSUER),
        ];
        assert_eq!(
            refused,
            (sample::REDIRECT_URI.to_owned(), fields(&expected))
        );
    }
}

#[test]
fn a_callbacks_own_query_stays_in_the_address() {
    let uri = "https://example.com/cb?dummy1=lorem&dummy2=ipsum";
    let reply = |mode| Reply {
        callback: callback(uri),
        mode,
        state: None,
    };
    let code = Secret::new("8amd".to_owned());
    let Response::Redirect(location) = reply(ResponseMode::Query).code(&code, ISSUER) else {
        unreachable!("it is a query");
    };
    assert!(location.expose().starts_with(&format!("{uri}&code=8amd&")));
    let (address, _) = told(&reply(ResponseMode::FormPost).code(&code, ISSUER));
    assert_eq!(address, uri);
}

proptest! {
    #[test]
    fn any_state_comes_back_exactly_in_both_modes(state in "\\PC{1,60}") {
        let code = Secret::new("8amd".to_owned());
        for mode in ResponseMode::ALL {
            let (_, told) = told(&reply(mode, Some(&state)).code(&code, ISSUER));
            prop_assert_eq!(&told[1], &("state".to_owned(), state.clone()));
        }
    }
}

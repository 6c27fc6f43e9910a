//! What a client may declare.

use alias_domain::{
    ChannelId, Client, ClientChange, ClientError, ClientKind, Email, EmailError, LogoutUri,
    Nickname, Registration, SecretPlace,
    testing::sample::{NOON, REDIRECT_URI, client, public_client, resource_server},
};
use proptest::prelude::*;

fn declare(channels: &[(&str, &str)]) -> Result<Client, ClientError> {
    let owned =
        |(name, description): &(&str, &str)| ((*name).to_owned(), (*description).to_owned());
    let mut client = client();
    client.change(ClientChange {
        channels: Some(channels.iter().map(owned).collect()),
        ..ClientChange::default()
    })?;
    Ok(client)
}

#[test]
fn meta_is_declared_by_nobody() {
    assert_eq!(
        declare(&[("_meta", "Mine")]),
        Err(ClientError::ReservedChannel)
    );
}

#[test]
fn a_malformed_or_repeated_channel_is_refused_by_name() {
    let name = |name: &str| name.to_owned();
    assert_eq!(
        declare(&[("News", "x")]),
        Err(ClientError::ChannelName(name("News")))
    );
    assert_eq!(
        declare(&[("news", " ")]),
        Err(ClientError::ChannelDescription(name("news")))
    );
    let twice = declare(&[("news", "x"), ("news", "y")]);
    assert_eq!(twice, Err(ClientError::RepeatedChannel(name("news"))));
}

#[test]
fn a_client_declares_at_most_a_hundred_channels() {
    let names: Vec<String> = (0..=Client::MOST_CHANNELS)
        .map(|it| format!("c{it}"))
        .collect();
    let channels: Vec<(&str, &str)> = names.iter().map(|it| (it.as_str(), "x")).collect();
    assert!(declare(&channels[1..]).is_ok());
    assert_eq!(declare(&channels), Err(ClientError::TooManyChannels));
}

#[test]
fn r30_what_stays_declared_keeps_its_id_and_what_is_new_gets_a_fresh_one() {
    let changed = declare(&[("events", "x"), ("notifications", "Said anew")]);
    let channels = changed.expect("a sound change").channels;
    let ids: Vec<(&str, ChannelId)> = channels
        .iter()
        .map(|it| (it.name.as_str(), it.id))
        .collect();
    assert_eq!(
        ids,
        [("events", ChannelId(3)), ("notifications", ChannelId(1))]
    );
}

#[test]
fn r16_channels_are_listed_in_the_order_of_the_latest_declaration() {
    let changed = declare(&[("product_updates", "x"), ("notifications", "y")]);
    let both = alias_domain::Access::openid().with_contact([ChannelId(1), ChannelId(2)].into());
    let list = changed.expect("a sound change").channel_list(&both);
    assert_eq!(list.as_deref(), Some("product_updates notifications"));
}

#[test]
fn r30_what_a_client_may_do_depends_on_its_kind_alone() {
    for (kind, has_secret, introspects, refreshes, holds_tokens) in [
        (ClientKind::Confidential, true, true, true, true),
        (ClientKind::Public, false, false, false, true),
        (ClientKind::ResourceServer, true, true, false, false),
    ] {
        let client = Client { kind, ..client() };
        let sent = has_secret.then_some(SecretPlace::Header);
        assert!(client.authenticated(sent, true).is_ok(), "{kind}");
        assert_eq!(
            client.authenticated(sent, false).is_ok(),
            !has_secret,
            "{kind}"
        );
        assert_eq!(client.kind.has_secret(), has_secret, "{kind}");
        assert_eq!(client.may_introspect(), introspects, "{kind}");
        assert_eq!(client.may_refresh(), refreshes, "{kind}");
        assert_eq!(client.may_hold_tokens(), holds_tokens, "{kind}");
    }
}

#[test]
fn a_resource_server_may_know_of_every_token_and_any_other_client_of_its_own() {
    let (own, other) = (client().id, public_client().id);
    for (client, knows_own, knows_other) in [
        (client(), true, false),
        (public_client(), false, true),
        (resource_server(), true, true),
    ] {
        assert_eq!(client.may_know(own), knows_own, "{}", client.name);
        assert_eq!(client.may_know(other), knows_other, "{}", client.name);
    }
}

#[test]
fn a_resource_server_has_nothing_that_users_connect_to() {
    let register = |parts: ClientChange| {
        let registration = Registration {
            name: "Messages".to_owned(),
            kind: ClientKind::ResourceServer,
            redirect_uris: parts.redirect_uris.unwrap_or_default(),
            post_logout_redirect_uris: parts.post_logout_redirect_uris.unwrap_or_default(),
            backchannel_logout: parts.backchannel_logout.unwrap_or_default(),
            channels: parts.channels.unwrap_or_default(),
            ..Registration::default()
        };
        Client::register(resource_server().id, registration, NOON)
    };
    let plain = register(ClientChange::default()).expect("nothing is missing");
    assert_eq!(plain.kind, ClientKind::ResourceServer);
    let uris = || Some(vec![REDIRECT_URI.to_owned()]);
    let with_uris = ClientChange {
        redirect_uris: uris(),
        ..ClientChange::default()
    };
    let with_uris_after = ClientChange {
        post_logout_redirect_uris: uris(),
        ..ClientChange::default()
    };
    let with_back_channel = ClientChange {
        backchannel_logout: Some(Some(("https://example.com/logout".to_owned(), false))),
        ..ClientChange::default()
    };
    let with_channels = ClientChange {
        channels: Some(vec![("news".to_owned(), "News".to_owned())]),
        ..ClientChange::default()
    };
    for (parts, what) in [
        (with_uris, "redirect URIs"),
        (with_uris_after, "post-logout redirect URIs"),
        (with_back_channel, "back-channel logout URI"),
        (with_channels, "channels"),
    ] {
        let refused = ClientError::NotOfResourceServer(what);
        assert!(refused.to_string().contains(what));
        assert_eq!(plain.clone().change(parts.clone()), Err(refused.clone()));
        assert_eq!(register(parts), Err(refused));
    }
}

#[test]
fn a_uri_that_is_named_twice_is_registered_once() {
    let uri = |it: &str| format!("https://example.com/{it}");
    let mut client = client();
    let named = Some(vec![uri("a"), uri("b"), uri("a")]);
    let changed = client.change(ClientChange {
        redirect_uris: named.clone(),
        post_logout_redirect_uris: named,
        ..ClientChange::default()
    });
    assert_eq!(changed, Ok(()));
    for uris in [&client.redirect_uris, &client.post_logout_redirect_uris] {
        let uris: Vec<&str> = uris.iter().map(|it| it.as_str()).collect();
        assert_eq!(uris, [uri("a"), uri("b")]);
    }
}

#[test]
fn a_port_that_no_address_has_is_refused_wherever_a_uri_is_given() {
    let uri = || "https://example.com:99999/".to_owned();
    let refused = |change| client().change(change).expect_err("a refusal").to_string();
    let changes = [
        ClientChange {
            redirect_uris: Some(vec![uri()]),
            ..ClientChange::default()
        },
        ClientChange {
            post_logout_redirect_uris: Some(vec![uri()]),
            ..ClientChange::default()
        },
        ClientChange {
            backchannel_logout: Some(Some((uri(), false))),
            ..ClientChange::default()
        },
    ];
    for (change, named) in changes.into_iter().zip([
        "a redirect URI",
        "post-logout redirect URI",
        "a back-channel logout URI",
    ]) {
        let refused = refused(change);
        assert!(refused.contains(named), "{refused}");
        assert!(refused.contains("65535 at most"), "{refused}");
    }
    assert!(uri().parse::<LogoutUri>().is_ok(), "it may be stored");
}

#[test]
fn a_back_channel_logout_uri_has_a_host_that_can_be_looked_up_and_is_as_short_as_a_redirect_uri() {
    for uri in [
        "https://*.example/".to_owned(),
        "https://client.example/*".to_owned(),
        "https://evil;script-src.example/".to_owned(),
        format!("https://{}.example/", "a".repeat(3000)),
        format!("https://client.example/{}", "a".repeat(1024)),
    ] {
        assert!(LogoutUri::register(&uri).is_err(), "{uri}");
        assert!(uri.parse::<LogoutUri>().is_ok(), "it may be stored: {uri}");
    }
    assert!(LogoutUri::register("https://[2001:db8::1]:8443/logout?by=alias").is_ok());
}

#[test]
fn any_other_client_needs_a_redirect_uri() {
    let emptied = ClientChange {
        redirect_uris: Some(Vec::new()),
        ..ClientChange::default()
    };
    for mut client in [client(), public_client()] {
        assert_eq!(
            client.change(emptied.clone()),
            Err(ClientError::NoRedirectUri)
        );
    }
}

proptest! {
    #[test]
    fn what_is_read_as_an_email_address_or_nickname_is_read_again(text in "\\PC{0,20}@\\PC{1,130}") {
        if let Ok(email) = text.parse::<Email>() {
            prop_assert_eq!(email.as_str().parse::<Email>(), Ok(email));
        }
        if let Ok(nickname) = text.parse::<Nickname>() {
            prop_assert_eq!(nickname.as_str().parse::<Nickname>(), Ok(nickname));
        }
    }
}

#[test]
fn an_address_is_the_same_however_it_is_encoded() {
    let one = "j\u{fc}rgen@xn--bcher-kva.example";
    for typed in [
        "j\u{fc}rgen@b\u{fc}cher.example",
        "ju\u{308}rgen@bu\u{308}cher.example",
        "J\u{dc}RGEN@B\u{dc}CHER.Example",
        " ju\u{308}rgen@XN--BCHER-KVA.example\n",
        "j\u{fc}rgen@b\u{fc}cher\u{3002}example",
        "j\u{fc}rgen@b\u{fc}\u{ad}cher.exam\u{200b}ple",
    ] {
        let email: Email = typed.parse().expect(typed);
        assert_eq!(email.as_str(), one, "{typed}");
    }
    for ascii in [
        "a@localhost",
        "a@[127.0.0.1]",
        "a@x_y.example",
        "a@-x-.example",
    ] {
        assert_eq!(ascii.parse::<Email>().expect(ascii).as_str(), ascii);
    }
}

#[test]
fn a_host_that_cannot_be_one_is_no_address() {
    for typed in [
        "a@example..com",
        "a@example.com.",
        "a@.example",
        "a@xn--",
        "a@xn--\u{fc}",
        "a@exa#mple.com",
        "a@exa%6Dple.com",
        "a@[127.0.0.1",
        &format!("a@{}.example", "x".repeat(64)),
    ] {
        assert!(typed.parse::<Email>().is_err(), "{typed}");
    }
}

#[test]
fn nobody_is_given_an_address_with_what_cannot_be_seen_and_a_stored_one_is_read() {
    for unseen in [
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200d}',
        '\u{200f}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2800}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{fff9}',
        '\u{e0041}',
    ] {
        let text = format!("fr{unseen}ed@example.com");
        let refused = Email::register(&text).expect_err(&text);
        assert_eq!(refused, EmailError::Unseen(unseen));
        let named = format!("U+{:04X}", u32::from(unseen));
        assert!(refused.to_string().contains(&named), "{refused}");
        assert_eq!(text.parse::<Email>().expect(&text).as_str(), text);
    }
    for text in [
        "j\u{fc}rgen@example.com",
        "\u{9db4}@example.com",
        "a+b.c@localhost",
    ] {
        assert!(Email::register(text).is_ok(), "{text}");
    }
}

#[test]
fn what_stands_in_the_brackets_of_an_address_is_an_ip_address() {
    for text in [
        "amy@[]",
        "amy@[example.com]",
        "amy@[127.0.0]",
        "amy@[::1]",
        "amy@[ipv6:]",
    ] {
        assert_eq!(Email::register(text), Err(EmailError::Literal), "{text}");
        assert!(text.parse::<Email>().is_ok(), "it may be stored: {text}");
    }
    for text in ["amy@[127.0.0.1]", "amy@[IPv6:2001:DB8::1]"] {
        assert!(Email::register(text).is_ok(), "{text}");
    }
}

#[test]
fn an_ip_address_in_the_brackets_of_an_address_is_registered_in_one_spelling() {
    let plain = Email::register("amy@[IPv6:2001:db8::1]").expect("an address");
    assert_eq!(plain.respelled(), None);
    for text in [
        "amy@[IPv6:2001:0DB8:0000:0000:0000:0000:0000:0001]",
        "amy@[ipv6:2001:db8:0:0::1]",
    ] {
        assert_eq!(Email::register(text).as_ref(), Ok(&plain), "{text}");
        let typed: Email = text.parse().expect(text);
        assert_ne!(typed, plain, "one of an earlier day is found by it: {text}");
        assert_eq!(typed.respelled().as_ref(), Some(&plain), "{text}");
    }
}

#[test]
fn a_name_of_which_nothing_is_seen_is_refused() {
    for unseen in [
        "\u{200b}",
        " \u{2060}\u{feff} ",
        "\u{3164}",
        "\u{2800}\u{2800}",
    ] {
        assert!(Nickname::register(unseen).is_err(), "{unseen:?}");
        let change = ClientChange {
            name: Some(unseen.to_owned()),
            ..ClientChange::default()
        };
        assert_eq!(client().change(change), Err(ClientError::Name));
    }
    for seen in [
        "Fred",
        "\u{1f469}\u{200d}\u{1f680}",
        "\u{645}\u{6cc}\u{200c}\u{6a9}\u{646}",
    ] {
        assert!(Nickname::register(seen).is_ok(), "{seen}");
    }
}

#[test]
fn an_address_that_grows_in_lower_case_is_measured_as_it_is_stored() {
    assert!(
        format!("{}@x.org", "\u{130}".repeat(120))
            .parse::<Email>()
            .is_err()
    );
}

#[test]
fn a_name_that_turns_the_direction_of_a_text_is_refused() {
    let name = Some("Alias\u{202E}moc.elpmaxe".to_owned());
    let change = ClientChange {
        name,
        ..ClientChange::default()
    };
    assert_eq!(client().change(change), Err(ClientError::Name));
}

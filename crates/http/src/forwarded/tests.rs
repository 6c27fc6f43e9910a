use actix_web::http::header::HeaderValue;

use super::*;

/// A proxy of ours, and the network of the others.
const PEER: &str = "10.0.0.1";
const TRUSTED: &str = "10.0.0.0/8, 2001:db8:aaaa::/48";

fn client_of(peer: &str, sent: &[(HeaderName, &str)]) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in sent {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header");
        headers.append(name.clone(), value);
    }
    let proxies: TrustedProxies = TRUSTED.parse().expect("networks");
    let peer = peer.parse().expect("an address");
    proxies.client(peer, &headers).to_string()
}

#[test]
fn a_stranger_is_not_believed() {
    for peer in ["192.0.2.1", "2001:db8::1"] {
        let sent = [
            (X_FORWARDED_FOR, "198.51.100.1"),
            (FORWARDED, "for=198.51.100.1"),
        ];
        assert_eq!(client_of(peer, &sent), peer);
    }
}

#[test]
fn x_forwarded_for_names_the_client_from_the_right() {
    for (line, client) in [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("192.0.2.1, 2001:db8:aaaa::5, 10.0.0.2", "192.0.2.1"),
        ("192.0.2.1,,10.0.0.2,", "192.0.2.1"),
        // What a stranger says of somebody else is not read.
        ("198.51.100.1, 192.0.2.1", "192.0.2.1"),
        ("unknown, 192.0.2.1", "192.0.2.1"),
        ("<script>, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        // All of them proxies: one of them asks for itself.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        // No address where one is needed.
        ("unknown", PEER),
        ("192.0.2.1, unknown", PEER),
        ("192.0.2.1, _hidden, 10.0.0.2", PEER),
        ("192.0.2.1, 10.0.0.2, x", PEER),
        ("192.0.2", PEER),
        ("192.0.2.1:", PEER),
        ("192.0.2.1:123456", PEER),
        ("192.0.2.1:http", PEER),
        ("[2001:db8::1", PEER),
        ("2001:db8::1]", PEER),
        ("[192.0.2.1]", PEER),
        ("[2001:db8::1]4711", PEER),
        ("[]", PEER),
        ("192.0.2.1 10.0.0.2", PEER),
        ("192.0.2.1é", PEER),
        ("", PEER),
        (" , ", PEER),
    ] {
        assert_eq!(
            client_of(PEER, &[(X_FORWARDED_FOR, line)]),
            client,
            "{line}"
        );
    }
}

#[test]
fn forwarded_names_the_client_from_the_right() {
    for (line, client) in [
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1"),
        ("proto=https; for=192.0.2.1", "192.0.2.1"),
        ("for=\"192.0.2.1\"", "192.0.2.1"),
        ("for=\"192.0.2.1:4711\"", "192.0.2.1"),
        ("for=\"192.0.2.1:_port\"", "192.0.2.1"),
        ("for=\"[2001:db8::1]\"", "2001:db8::1"),
        ("FOR=\"[2001:DB8::1]:4711\"", "2001:db8::1"),
        ("for=\"192.0.2.\\1\"", "192.0.2.1"),
        ("for=192.0.2.1, for=10.0.0.2", "192.0.2.1"),
        ("for=192.0.2.1,,for=10.0.0.2;", "192.0.2.1"),
        ("for=unknown, for=192.0.2.1", "192.0.2.1"),
        ("for=192.0.2.1;host=\"a,b;c=\\\"\"", "192.0.2.1"),
        ("for=10.0.0.3", "10.0.0.3"),
        // No address where one is needed.
        ("for=unknown", PEER),
        ("for=_hidden", PEER),
        ("for=192.0.2.1, for=_SEVKISEK, for=10.0.0.2", PEER),
        ("for=192.0.2.1, proto=https", PEER),
        ("host=id.example.com", PEER),
        // Malformed.
        ("for=192.0.2.1;for=192.0.2.1", PEER),
        ("for=192.0.2.1:4711", PEER),
        ("for=[2001:db8::1]", PEER),
        ("for=\"2001:db8::1\"", PEER),
        ("for =192.0.2.1", PEER),
        ("for= 192.0.2.1", PEER),
        ("for=", PEER),
        ("for", PEER),
        ("192.0.2.1", PEER),
        ("for=\"192.0.2.1", PEER),
        ("for=\", for=192.0.2.1", PEER),
        ("for=\"192.0.2.1\"x", PEER),
        ("=192.0.2.1", PEER),
        ("", PEER),
    ] {
        assert_eq!(client_of(PEER, &[(FORWARDED, line)]), client, "{line}");
    }
}

#[test]
fn the_last_of_many_headers_is_the_nearest_hop() {
    let sent = [
        (X_FORWARDED_FOR, "198.51.100.1"),
        (X_FORWARDED_FOR, "192.0.2.1, 10.0.0.3"),
        (X_FORWARDED_FOR, "10.0.0.2"),
    ];
    assert_eq!(client_of(PEER, &sent), "192.0.2.1");
    let sent = [
        (FORWARDED, "for=\"broken"),
        (FORWARDED, "for=192.0.2.1"),
        (FORWARDED, "for=10.0.0.2"),
    ];
    assert_eq!(client_of(PEER, &sent), "192.0.2.1");
    let sent = [(FORWARDED, "for=192.0.2.1"), (FORWARDED, "for=\"broken")];
    assert_eq!(client_of(PEER, &sent), PEER);
}

#[test]
fn two_headers_count_if_they_agree() {
    for (x_forwarded_for, forwarded, client) in [
        ("192.0.2.1", "for=192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "for=\"[2001:db8:0::1]:80\"", "2001:db8::1"),
        ("192.0.2.1, 10.0.0.2", "for=192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "for=192.0.2.2", PEER),
        ("192.0.2.1", "for=unknown", PEER),
        ("unknown", "for=192.0.2.1", PEER),
        ("", "for=192.0.2.1", "192.0.2.1"),
    ] {
        let sent = [(X_FORWARDED_FOR, x_forwarded_for), (FORWARDED, forwarded)];
        assert_eq!(
            client_of(PEER, &sent),
            client,
            "{x_forwarded_for} {forwarded}"
        );
    }
}

#[test]
fn a_peer_that_comes_as_ipv4_in_ipv6_is_known() {
    let sent = [(X_FORWARDED_FOR, "192.0.2.1")];
    assert_eq!(client_of("::ffff:10.0.0.1", &sent), "192.0.2.1");
    assert_eq!(client_of("::ffff:192.0.2.9", &sent), "192.0.2.9");
}

#[test]
fn proxies_are_addresses_and_networks_between_commas() {
    for (text, read) in [
        ("", ""),
        (" ", ""),
        ("10.0.0.1", "10.0.0.1/32"),
        ("10.0.0.0/8,::1", "10.0.0.0/8, ::1/128"),
        (" 10.0.0.0/8 , fd00::/8 ", "10.0.0.0/8, fd00::/8"),
    ] {
        let proxies: TrustedProxies = text.parse().expect("proxies");
        assert_eq!(proxies.to_string(), read, "{text}");
    }
}

#[test]
fn what_names_no_proxy_is_refused_with_its_reason() {
    for (text, reason) in [
        ("proxy.example", "\"proxy.example\" is no IP address"),
        ("10.0.0.1,", "\"\" is no IP address"),
        ("10.0.0.0/33", "\"10.0.0.0/33\" is no IP address"),
        ("10.0.0.1:80", "\"10.0.0.1:80\" is no IP address"),
        (
            "10.0.0.1/8",
            "10.0.0.1/8 is an address within a network; write 10.0.0.0/8",
        ),
        ("0.0.0.0/0", "0.0.0.0/0 trusts everybody"),
        ("10.0.0.1, ::/0", "::/0 trusts everybody"),
        (
            "::ffff:10.0.0.1",
            "::ffff:10.0.0.1/128 is IPv4 written as IPv6",
        ),
    ] {
        let refused = text.parse::<TrustedProxies>().expect_err(text).to_string();
        assert!(refused.starts_with(reason), "{refused}");
    }
}

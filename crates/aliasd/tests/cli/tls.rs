use std::os::unix::fs::PermissionsExt;

use reqwest::tls::TlsInfo;

use crate::{
    authority::{Authority, Signed},
    sandbox::{Sandbox, ready_to_serve},
};

/// Ready to serve `https` with this certificate.
fn with_certificate(signed: &Signed) -> Sandbox {
    let mut sandbox = ready_to_serve();
    sandbox
        .set("ALIAS_ISSUER", "https://localhost:8443")
        .set("ALIAS_HTTP__TLS__CERTIFICATE", "tls.pem")
        .set("ALIAS_HTTP__TLS__KEY", "tls.key");
    install(&sandbox, signed);
    sandbox
}

fn install(sandbox: &Sandbox, signed: &Signed) {
    sandbox.write("tls.pem", &signed.certificate);
    let key = sandbox.write("tls.key", &signed.key);
    let for_its_owner = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(key, for_its_owner).expect("rights to set");
}

/// The certificate that a new connection is shown, to a client that trusts this authority alone.
async fn shown(authority: &Authority, address: &str) -> Option<Vec<u8>> {
    let client = reqwest::Client::builder()
        .tls_certs_only([authority.root()])
        .resolve("localhost", address.parse().expect("an address"))
        .tls_info(true)
        .no_proxy()
        .build()
        .expect("a client");
    let port = address.rsplit(':').next().expect("a port");
    let url = format!("https://localhost:{port}/.well-known/openid-configuration");
    let response = client.get(url).send().await.expect("an answer");
    let info: &TlsInfo = response.extensions().get().expect("TLS");
    let certificate = info.peer_certificate().map(<[u8]>::to_vec);
    let discovery: serde_json::Value = response.json().await.expect("JSON");
    assert_eq!(discovery["issuer"], "https://localhost:8443");
    certificate
}

#[tokio::test]
async fn a_certificate_is_renewed_without_a_restart_and_a_broken_one_changes_nothing() {
    let authority = Authority::new();
    let (first, second) = (authority.sign("localhost"), authority.sign("localhost"));
    let sandbox = with_certificate(&first);
    let (mut running, announced) = sandbox.start(&["serve"]);
    let address = announced["listening"].as_str().expect("an address");
    assert_eq!(shown(&authority, address).await, Some(first.der));

    install(&sandbox, &second);
    running.signal("HUP");
    running.logs("the certificate was renewed");
    let renewed = Some(second.der);
    assert_eq!(shown(&authority, address).await, renewed);

    sandbox.write("tls.pem", &authority.sign("localhost").certificate);
    running.signal("HUP");
    let line = running.logs("the certificate cannot be renewed");
    let error = line["fields"]["error"].as_str().expect("a reason");
    assert_eq!(
        error,
        "http.tls.key tls.key: the key does not fit the certificate in tls.pem"
    );
    assert_eq!(shown(&authority, address).await, renewed);
    running.stop().succeeded();
}

#[tokio::test]
async fn metrics_tell_when_the_certificate_expires() {
    let mut sandbox = with_certificate(&Authority::new().sign("localhost"));
    sandbox.set("ALIAS_HTTP__INTERNAL_LISTEN", "127.0.0.1:0");
    let (running, announced) = sandbox.start(&["serve"]);
    let internal = announced["internal"].as_str().expect("an address");
    let answer = reqwest::get(format!("http://{internal}/metrics")).await;
    let metrics = answer.expect("an answer").text().await.expect("a body");
    let name = "alias_tls_certificate_expiry_timestamp_seconds ";
    let expiry = metrics.lines().find_map(|it| it.strip_prefix(name));
    let expiry: f64 = expiry.expect("there").parse().expect("a number");
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("a clock");
    let hours = (expiry - now.as_secs_f64()) / 3600.0;
    assert!((23.0..=24.0).contains(&hours), "{hours}");
    running.stop().succeeded();
}

#[tokio::test]
async fn plain_http_gets_no_answer_where_tls_is_spoken() {
    let sandbox = with_certificate(&Authority::new().sign("localhost"));
    let (running, announced) = sandbox.start(&["serve"]);
    let address = announced["listening"].as_str().expect("an address");
    assert!(
        reqwest::get(format!("http://{address}/livez"))
            .await
            .is_err()
    );
    running.stop().succeeded();
}

#[test]
fn sighup_ends_no_service_without_a_certificate() {
    let sandbox = ready_to_serve();
    let (mut running, _) = sandbox.start(&["serve"]);
    running.signal("HUP");
    running.logs("SIGHUP: looking for another certificate");
    running.stop().succeeded();
}

#[test]
fn serve_names_the_setting_and_file_of_what_is_no_certificate_or_key() {
    let authority = Authority::new();
    let (signed, other) = (authority.sign("localhost"), authority.sign("localhost"));
    let torn = &signed.certificate[..signed.certificate.len() / 2];
    for (certificate, key, refusal) in [
        (
            "",
            &*signed.key,
            "http.tls.certificate tls.pem: no certificate in PEM",
        ),
        (torn, &signed.key, "http.tls.certificate tls.pem: "),
        (
            &signed.certificate,
            "hunter2",
            "http.tls.key tls.key: no private key in PEM",
        ),
        (
            &signed.certificate,
            &other.key,
            "http.tls.key tls.key: the key does not fit the certificate in tls.pem",
        ),
    ] {
        let sandbox = with_certificate(&signed);
        sandbox.write("tls.pem", certificate);
        sandbox.write("tls.key", key);
        let refused = sandbox.run(&["serve"]).refused();
        assert!(refused.starts_with(refusal), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }
    for (missing, refusal) in [
        ("tls.pem", "http.tls.certificate tls.pem: No such file"),
        ("tls.key", "http.tls.key tls.key: No such file"),
    ] {
        let sandbox = with_certificate(&signed);
        std::fs::remove_file(sandbox.path().join(missing)).expect("a file");
        let refused = sandbox.run(&["serve"]).refused();
        assert!(refused.starts_with(refusal), "{refused}");
    }
}

#[test]
fn a_certificate_needs_an_issuer_with_https() {
    let mut sandbox = with_certificate(&Authority::new().sign("localhost"));
    sandbox.set("ALIAS_ISSUER", "http://localhost:8080");
    for command in ["config", "serve"] {
        let refused = sandbox.run(&[command]).failed();
        assert_eq!(
            refused,
            "issuer (ALIAS_ISSUER): https is required where http.tls.certificate is set"
        );
    }
}

/// What a response says about asking by `https` alone.
fn hsts(response: &reqwest::Response) -> Option<&str> {
    let header = response.headers().get("strict-transport-security");
    header.and_then(|it| it.to_str().ok())
}

#[tokio::test]
async fn under_https_every_response_asks_browsers_to_stay_there_and_under_http_none() {
    let authority = Authority::new();
    let own_tls = with_certificate(&authority.sign("localhost"));
    let mut behind_a_proxy = ready_to_serve();
    behind_a_proxy.set("ALIAS_ISSUER", "https://id.example.com");
    let plain = ready_to_serve();
    for (sandbox, scheme, expected) in [
        (own_tls, "https", Some("max-age=31536000")),
        (behind_a_proxy, "http", Some("max-age=31536000")),
        (plain, "http", None),
    ] {
        let (running, announced) = sandbox.start(&["serve"]);
        let address = announced["listening"].as_str().expect("an address");
        let client = reqwest::Client::builder()
            .tls_certs_only([authority.root()])
            .resolve("localhost", address.parse().expect("an address"))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        let port = address.rsplit(':').next().expect("a port");
        for path in [
            "/sign-in",
            "/account",
            "/nonsense",
            "/oauth2/authorize",
            "/api/grants",
            "/.well-known/openid-configuration",
            "/livez",
        ] {
            let url = format!("{scheme}://localhost:{port}{path}");
            let response = client.get(url).send().await.expect("an answer");
            assert_eq!(hsts(&response), expected, "{scheme} {path}");
        }
        running.stop().succeeded();
    }
}

#[test]
fn a_certificate_that_clients_will_refuse_is_served_and_warned_of() {
    let authority = Authority::new();
    let expired = "the certificate has expired: renew http.tls.certificate";
    let another = "the certificate is for another host than the issuer names: look at \
                   http.tls.certificate";
    for (signed, warnings) in [
        (authority.sign_expired("localhost"), &[expired][..]),
        (authority.sign("id.example.com"), &[another]),
        (authority.sign("127.0.0.1"), &[another]),
        (authority.sign("localhost"), &[]),
    ] {
        let sandbox = with_certificate(&signed);
        let (mut running, _) = sandbox.start(&["serve"]);
        for warning in warnings {
            assert_eq!(running.logs(warning)["level"], "WARN");
        }
        let log = running.stop().succeeded().err;
        assert_eq!(log.matches("\"WARN\"").count(), warnings.len(), "{log}");
    }
    let (sandbox, renewed) = (
        with_certificate(&authority.sign("localhost")),
        authority.sign("id.example.com"),
    );
    let (mut running, _) = sandbox.start(&["serve"]);
    install(&sandbox, &renewed);
    running.signal("HUP");
    let line = running.logs(another);
    assert_eq!(line["fields"]["host"], "localhost");
    assert_eq!(line["fields"]["certificate"], "id.example.com");
    running.stop().succeeded();
}

//! Products that are registered by name, and their pages.

use std::{fs, path::Path};

use crate::sandbox::Sandbox;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/products");

/// The names of all products, as the table lists them.
fn products(sandbox: &Sandbox) -> Vec<String> {
    let table = sandbox.run(&["client", "products"]).succeeded().out;
    let rows = table.lines().filter(|it| it.starts_with("| ["));
    let names = rows.filter_map(|it| it.split('`').nth(1).map(str::to_owned));
    names.collect()
}

#[test]
fn the_pages_of_products_are_what_the_program_prints() {
    let sandbox = Sandbox::migrated();
    let mut pages: Vec<_> = products(&sandbox)
        .into_iter()
        .map(|name| (format!("{name}.md"), vec!["client", "products"], Some(name)))
        .collect();
    pages.push(("README.md".to_owned(), vec!["client", "products"], None));
    let mut there: Vec<_> = fs::read_dir(DOCS)
        .expect("the pages")
        .map(|it| {
            it.expect("a page")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    there.sort();
    let mut named: Vec<_> = pages.iter().map(|it| it.0.clone()).collect();
    named.sort();
    assert_eq!(there, named);
    for (page, words, name) in &pages {
        let words: Vec<&str> = words.iter().copied().chain(name.as_deref()).collect();
        let printed = sandbox.run(&words).succeeded().out;
        let kept = fs::read_to_string(Path::new(DOCS).join(page)).expect("a page");
        assert!(
            kept == printed,
            "docs/products/{page}: print it with aliasd {}",
            words.join(" ")
        );
    }
}

#[test]
fn a_product_is_registered_with_what_it_needs_and_its_lines_are_printed() {
    let sandbox = Sandbox::migrated();
    let create = ["client", "create", "--for", "python-social-auth"];
    let url = ["--url", "https://notes.example/"];
    let client = sandbox.json(&[&create[..], &url].concat());
    assert_eq!(client["name"], "Python Social Auth");
    assert_eq!(
        client["redirect_uris"][0],
        "https://notes.example/complete/oidc/"
    );
    assert_eq!(client["claims"]["preferred_username"], "nickname");
    let lines = &client["configuration"][0];
    assert_eq!(lines["file"], "settings.py");
    let text = lines["text"].as_str().expect("lines");
    for name in ["client_id", "client_secret"] {
        let value = client[name].as_str().expect("a text");
        assert!(text.contains(&format!("\"{value}\"")), "{name} in {text}");
    }
    let id = client["client_id"].as_str().expect("an ID");
    assert!(
        sandbox
            .json(&["client", "show", id])
            .get("configuration")
            .is_none()
    );
}

#[test]
fn every_product_can_be_registered_and_no_placeholder_is_left_in_its_lines() {
    let sandbox = Sandbox::migrated();
    for name in products(&sandbox) {
        let create = ["client", "create", "--for", &name];
        let url = ["--url", "https://notes.example"];
        let client = sandbox.json(&[&create[..], &url].concat());
        for lines in client["configuration"].as_array().expect("lines") {
            let text = lines["text"].as_str().expect("a text");
            for placeholder in [
                "<issuer>",
                "<client_id>",
                "<client_secret>",
                "<url>",
                "<random>",
            ] {
                assert!(!text.contains(placeholder), "{name}: {placeholder}");
            }
        }
    }
}

#[test]
fn a_product_whose_place_is_not_said_is_refused_with_what_to_say() {
    // Before there is a database: it is how the command is used.
    let ran = Sandbox::new().run(&["client", "create", "--for", "dex"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    assert!(ran.err.contains("--url https://"), "{}", ran.err);
}

#[test]
fn a_place_with_a_character_that_begins_a_comment_is_printed_as_a_value() {
    let sandbox = Sandbox::migrated();
    let create = ["client", "create", "--for", "grafana", "--url"];
    let client = sandbox.json(&[&create[..], &["https://n.example/a;b"]].concat());
    let text = client["configuration"][0]["text"].as_str().expect("lines");
    let line = r#"root_url = """https://n.example/a;b/""""#;
    assert!(text.lines().any(|it| it == line), "{text}");
}

#[test]
fn a_place_where_no_product_can_be_is_refused_with_the_option_and_the_reason() {
    let sandbox = Sandbox::migrated();
    for (url, reason) in [
        ("notes.example", "an absolute URL is expected"),
        ("https://", "an absolute URL is expected"),
        ("http://notes.example", "https is required"),
        ("ftp://notes.example", "https is required"),
        ("https://fred@notes.example", "user information"),
        ("https://notes.example:99999", "65535 at most"),
        ("https://notes.example/?a=1", "neither a query"),
        ("https://notes.example/#top", "nor a fragment"),
    ] {
        let create = ["client", "create", "--for", "oauth2-proxy", "--url", url];
        let ran = sandbox.run(&create);
        assert_eq!(ran.status, Some(2), "{url}: {}", ran.out);
        assert!(ran.err.contains("--url"), "{}", ran.err);
        assert!(ran.err.contains(reason), "{url}: {}", ran.err);
    }
    assert_eq!(sandbox.json(&["client", "list"]), serde_json::json!([]));
}

#[test]
fn an_empty_name_is_refused_for_a_product_as_for_any_client() {
    let sandbox = Sandbox::migrated();
    let create = ["client", "create", "--for", "oauth2-proxy"];
    let place = ["--url", "https://notes.example", "--name"];
    for name in ["", "\u{200b}"] {
        let refused = sandbox.run(&[&create[..], &place, &[name]].concat());
        assert!(refused.refused().starts_with("a client's name is"));
    }
    let named = sandbox.json(&[&create[..], &place, &["Notes"]].concat());
    assert_eq!(named["name"], "Notes");
}

#[test]
fn a_redirect_uri_that_the_product_needs_anyway_is_registered_once() {
    let sandbox = Sandbox::migrated();
    let uri = "https://notes.example/oauth2/callback";
    let create = ["client", "create", "--for", "oauth2-proxy", "--url"];
    let said = ["https://notes.example", "--redirect-uri", uri];
    let client = sandbox.json(&[&create[..], &said].concat());
    assert_eq!(client["redirect_uris"], serde_json::json!([uri]));
}

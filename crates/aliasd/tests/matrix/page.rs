//! Pages of `docs/clients`: what they tell a developer to do is what the matrix does.

use std::path::Path;

use crate::party::{Package, room};

/// The site of the pages' examples, where the party stands in a developer's mind.
const SITE: &str = "https://notes.example";

/// A page of the docs.
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn of(package: &Package) -> Self {
        let file = format!("../../docs/clients/{}.md", package.name);
        Self(read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file)))
    }

    /// The arguments of the command that registers the client, for a party at this address.
    pub(crate) fn registration(&self, base_url: &str) -> Vec<String> {
        let mut consoles = self.blocks(|language| language == "console");
        let command = consoles.next().expect("a console").replace("\\\n", " ");
        let command = command.strip_prefix("$ aliasd ").expect("the command");
        let words = command.split_whitespace();
        words
            .map(|it| it.trim_matches('\'').replace(SITE, base_url))
            .collect()
    }

    /// The blocks of code that configure the package.
    fn configuration(&self) -> impl Iterator<Item = &str> {
        self.blocks(|language| ["apache", "js", "python", "rust", "toml"].contains(&language))
    }

    fn blocks(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        // A page begins with text, so that every second piece is what stands between two fences.
        let pieces = self.0.split("```").skip(1).step_by(2);
        let blocks = pieces.filter_map(|piece| piece.split_once('\n'));
        blocks.filter_map(move |(language, block)| wanted(language).then_some(block))
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Without what differs by where lines stand.
fn unindented(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", line.trim()))
        .collect()
}

#[test]
fn pages_show_the_lines_that_the_parties_run_with() {
    for package in Package::ALL {
        let page = Page::of(package);
        let files = package.files.iter().map(|file| read(&room(file)));
        let run: Vec<_> = files.map(|it| unindented(&it)).collect();
        let mut shown = 0;
        for block in page.configuration() {
            let lines = unindented(block);
            let runs = run.iter().any(|it| it.contains(&lines));
            assert!(runs, "docs/clients/{}.md: {lines}", package.name);
            shown += 1;
        }
        assert_ne!(shown, 0, "{} shows no lines", package.name);
    }
}

#[test]
fn pages_name_the_version_that_is_installed() {
    let locks = [
        "package.json",
        "requirements.txt",
        "openidconnect/Cargo.lock",
    ];
    let locks = locks.map(|it| read(&room(it))).concat().to_lowercase();
    for package in Package::ALL.iter().filter(|it| it.registry != "Debian") {
        let installed = locks.split_once(package.locked).map(|it| it.1);
        let installed = installed.unwrap_or_else(|| panic!("{} is not locked", package.name));
        let version = installed.split(['"', '\n']).next().expect("a version");
        let named = format!("{} {version}", package.registry);
        assert!(
            Page::of(package).0.contains(&named),
            "docs/clients/{}.md does not say {named}",
            package.name
        );
    }
}

#[test]
fn pages_are_linked_from_the_page_on_clients() {
    let clients = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clients.md"));
    for package in Package::ALL {
        let link = format!("](clients/{}.md)", package.name);
        assert!(clients.contains(&link), "docs/clients.md has no {link}");
    }
}

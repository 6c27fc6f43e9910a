//! The page that goes through the standards, and the tests that it names.

use std::{fs, path::Path};

const PAGE: &str = include_str!("../../../../docs/standards.md");

/// The rows of its tables: section, requirement, where, tests.
fn rows() -> impl Iterator<Item = [&'static str; 4]> {
    let lines = PAGE.lines().filter_map(|it| it.strip_prefix("| "));
    let cells = lines.map(|it| it.trim_end_matches(" |").split(" | "));
    let rows = cells.filter_map(|it| it.collect::<Vec<_>>().try_into().ok());
    rows.filter(|row: &[&str; 4]| row[0] != "section")
}

fn tests([_, _, _, tests]: [&'static str; 4]) -> impl Iterator<Item = &'static str> {
    tests.split('`').skip(1).step_by(2)
}

/// All Rust below a folder.
fn code(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|it| it.expect("an entry").path());
    let texts = paths.map(|path| match path.extension() {
        _ if path.is_dir() => code(&path),
        Some(it) if it == "rs" => fs::read_to_string(&path).expect("UTF-8"),
        _ => String::new(),
    });
    texts.collect()
}

#[test]
fn each_test_that_the_page_names_exists() {
    let code = code(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    assert!(rows().count() > 90, "the tables are read");
    for name in rows().flat_map(tests) {
        assert!(code.contains(&format!("fn {name}(")), "{name}");
    }
}

#[test]
fn a_requirement_without_a_test_says_why() {
    const REASONS: [&str; 3] = ["**Not met**: ", "Does not apply: ", "For operators: "];
    for row in rows().filter(|it| tests(*it).next().is_none()) {
        let says_why = REASONS.iter().any(|it| row[2].starts_with(it));
        assert!(says_why, "{row:?}");
    }
}

//! What the files in `deploy` and the operators' page set can be set, and nothing is left out.

use std::{collections::BTreeSet, ffi::OsString, fs, path::PathBuf};

use super::settings::{SETTINGS, Setting, Settings};

fn read(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| unreachable!("{name}: {error}"))
}

/// A setting in a TOML file, whether it is commented out or not.
struct Line {
    key: String,
    text: String,
}

/// Every setting in the file. A comment that is one has no space before it.
fn lines(toml: &str) -> Vec<Line> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in toml.lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((name, _)) = line.split_once(" = ")
            && !name.contains(' ')
        {
            found.push(Line {
                key: format!("{section}{name}"),
                text: line.to_owned(),
            });
        }
    }
    found
}

fn keys() -> BTreeSet<String> {
    SETTINGS.iter().map(|it| it.key.to_owned()).collect()
}

fn setting(key: &str) -> &'static Setting {
    let found = SETTINGS.iter().find(|it| it.key == key);
    found.unwrap_or_else(|| unreachable!("{key} is no setting"))
}

/// The variables that a text names.
fn variables(text: &str) -> BTreeSet<&str> {
    let part = |c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let words = text.split(part);
    words
        .filter(|it| it.starts_with("ALIAS_") && *it != "ALIAS_CONFIG")
        .collect()
}

#[test]
fn the_configuration_file_has_every_setting_and_no_other() {
    let toml = read("deploy/aliasd.toml");
    let named = lines(&toml).into_iter().map(|it| it.key).collect();
    assert_eq!(keys(), named);
    for Line { key, text } in lines(&toml) {
        // Each on its own: some do not go together.
        let alone = match key.rsplit_once('.') {
            Some((section, _)) => format!("[{section}]\n{text}\n"),
            None => text.clone(),
        };
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), alone).expect("a file to write to");
        let read = Settings::layered(Some(file.path()), std::iter::empty());
        let read = read.unwrap_or_else(|error| unreachable!("{text}: {error}"));
        assert!(!read.is_default(&key), "{text}");
        if let Some(default) = setting(&key).default {
            let others = text.starts_with("url = \"postgres:");
            assert!(others || text.contains(&format!("\"{default}\"")), "{text}");
        }
    }
}

#[test]
fn every_variable_of_the_deployments_is_a_setting() {
    for name in [
        "deploy/compose.yaml",
        "deploy/Dockerfile",
        "deploy/aliasd.service",
        "deploy/aliasd.service.d/postgresql.conf",
        "docs/operating.md",
    ] {
        let text = read(name);
        let variables = variables(&text);
        assert!(!variables.is_empty(), "{name}");
        for variable in variables {
            // The value, too, tells a variable that a platform sets.
            let set = [(OsString::from(variable), OsString::from("tcp://x"))];
            let read = Settings::layered(None, set.into_iter());
            assert!(read.is_ok(), "{name}: {variable}");
        }
    }
}

#[test]
fn the_operators_page_has_every_setting_with_its_default() {
    let page = read("docs/operating.md");
    for setting in SETTINGS {
        let default = match setting.default {
            Some(default) => format!("`{default}`"),
            None => "none".to_owned(),
        };
        let row = format!("| `{}` | {default} |", setting.key);
        assert!(page.contains(&row), "{row}");
    }
}

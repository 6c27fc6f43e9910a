//! The document that lists the modules, and the tests that there are.

use std::{collections::BTreeSet, process::Command};

const DOCUMENT: &str = include_str!("../../../../docs/conformance.md");

/// The headings of the document's lists, what of the tests they stand for, and how many modules the
/// Foundation's plan has.
const PLANS: [(&str, &[&str], usize); 4] = [
    ("Basic OP and Form Post OP", &["basic", "form_post"], 38),
    ("Config OP", &["config"], 1),
    ("RP-Initiated Logout OP", &["rp_initiated_logout"], 11),
    ("Back-Channel Logout OP", &["back_channel_logout"], 2),
];

/// A line of a list: a module, what the suite is expected to say, and why.
struct Module {
    name: &'static str,
    expected: &'static str,
    why: &'static str,
}

fn modules(heading: &str) -> Vec<Module> {
    let section = DOCUMENT
        .split("\n### ")
        .find(|it| it.starts_with(&format!("{heading}\n")));
    let lines = section.expect("its heading").lines();
    let cells = lines.filter_map(|line| {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        let (expected, why) = rest.strip_suffix(" |")?.split_once(" |")?;
        let why = why.trim();
        Some(Module {
            name,
            expected,
            why,
        })
    });
    cells.collect()
}

/// The tests of this program that are named as modules are.
fn tests() -> BTreeSet<String> {
    let program = std::env::current_exe().expect("this program");
    let list = Command::new(program)
        .args(["--list", "--format=terse"])
        .output();
    let list = String::from_utf8(list.expect("its tests").stdout).expect("UTF-8");
    let tests = list.lines().filter_map(|it| it.strip_suffix(": test"));
    tests
        .filter(|it| it.contains("::oidcc_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_module_of_the_plans_has_a_test_of_its_name_and_no_test_has_another() {
    let mut listed = BTreeSet::new();
    for (heading, rooms, count) in PLANS {
        let modules = modules(heading);
        assert_eq!(modules.len(), count, "{heading}");
        for module in modules {
            let test = module.name.replace('-', "_");
            let is_new = |room| listed.insert(format!("{room}::{test}"));
            assert!(rooms.iter().all(is_new), "{} twice", module.name);
        }
    }
    assert_eq!(listed, tests());
}

#[test]
fn whatever_does_not_just_pass_has_a_reason() {
    for module in PLANS.iter().flat_map(|plan| modules(plan.0)) {
        let known = ["passed", "review", "skipped", "warning", "not run"];
        assert!(known.contains(&module.expected), "{}", module.name);
        let has_reason = !module.why.is_empty();
        assert_eq!(has_reason, module.expected != "passed", "{}", module.name);
    }
}

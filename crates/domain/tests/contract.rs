//! The in-memory store keeps the contract of every store.

use alias_domain::testing::MemoryStore;

alias_domain::contract_tests!(Box::new(MemoryStore::default()), |case| pollster::block_on(
    case
));

alias_domain::import_contract_tests!(Box::new(MemoryStore::default()), |case| {
    pollster::block_on(case)
});

#[test]
fn every_case_is_run() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/testing/contract");
    let read = |path| std::fs::read_to_string(path).expect("a source file");
    let listed = read(format!("{folder}/mod.rs").into());
    for file in std::fs::read_dir(folder).expect("the contract's folder") {
        let source = read(file.expect("a source file").path());
        let cases = source.lines().filter_map(|line| {
            let function = line.strip_prefix("pub ")?.trim_start_matches("async ");
            function.strip_prefix("fn ")?.split(['(', '<']).next()
        });
        // Not cases, but what they are told with.
        let tools = [
            "finish",
            "happens",
            "same",
            "number",
            "begun",
            "purged",
            "the_client_counts_for_nothing",
            "the_user_counts_for_nothing",
            "everybody_was_told",
        ];
        for case in cases.filter(|it| !tools.contains(it)) {
            assert!(
                listed.lines().any(|it| it.trim() == case),
                "{case} is not run"
            );
        }
    }
}

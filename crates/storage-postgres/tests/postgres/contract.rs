use crate::fixture::{fresh, run};

alias_domain::contract_tests!(fresh(), run);

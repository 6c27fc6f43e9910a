use crate::fixture::fresh;

alias_domain::contract_tests!(fresh(), |case| pollster::block_on(case));

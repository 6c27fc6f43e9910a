//! The laws, over random accesses and long random histories.

mod anticipated;
mod history;
mod judgements;

use proptest::prelude::*;

fn scope_list() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "openid",
            "offline_access",
            "contact",
            "nickname",
            "profile",
        ]),
        0..5,
    )
    .prop_map(|names| names.join(" "))
}

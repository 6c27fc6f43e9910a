//! Packages of the field against the running service, over its own TLS: each with its defaults and
//! the lines of its page in `docs/clients`, which is registered by the command of that page.
//! `.ci/matrix` installs the packages and runs this.
//!
//! | file | is |
//! |---|---|
//! | `clients` | what is shown of each package |
//! | `visit` | a person who signs in, refreshes and signs out |
//! | `party` | a relying party that runs |
//! | `page` | a page of `docs/clients` |
//! | a folder | the relying party on the package of that name |
//! | `package.json`, `requirements.txt` and what locks them | the versions that are installed |

#![expect(
    clippy::panic,
    reason = "what a test presupposes fails it, and says why"
)]

#[path = "../support/authority.rs"]
#[expect(dead_code, reason = "other targets look at more of a certificate")]
mod authority;
#[path = "../support/chromium.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod chromium;
mod clients;
mod page;
mod party;
#[path = "../support/running.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod running;
#[path = "../support/store.rs"]
mod store;
mod visit;

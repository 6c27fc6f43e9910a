//! The pages that people see: what each one shows, apart from how it comes about.
//!
//! Presentation alone: a page is a struct of plain strings, flags and lists, its template is checked
//! as it compiles, and nothing here knows the domain. Every human text stands in `text`, and the
//! stylesheet and the mark are among the [`assets`]. No page holds an inline style, and none
//! but [`FormPostPage`] a script, which its content security policy admits by its hash.
//!
//! Whatever a client or a user chose (names, descriptions, addresses) is escaped by the templates,
//! and set apart with `<bdi>`, so that a name written from right to left, or made to mislead, cannot
//! rearrange the sentence around it.

mod account;
mod assets;
mod choose_account;
mod consent;
mod error;
mod form_post;
mod moving_on;
mod permission;
mod sign_in;
mod sign_out;
mod text;

#[cfg(test)]
mod markup;
#[cfg(test)]
mod tests;

pub use account::{
    AccountLink, AccountPage, ConnectionView, Notice, NoticeAt, Place, RevocableChannel,
    RevocableScope, client_anchor,
};
pub use assets::{Asset, assets};
pub use choose_account::{ANOTHER_ACCOUNT, AccountChoice, ChooseAccountPage};
pub use consent::{ChannelChoice, ConsentPage, ScopeChoice};
pub use error::{ClientLink, ErrorCause, ErrorPage};
pub use form_post::{FormPostField, FormPostPage};
pub use moving_on::MovingOnPage;
pub use permission::ScopeKind;
pub use sign_in::SignInPage;
pub use sign_out::{EVERY_ACCOUNT, NO_ACCOUNT, SignOutFault, SignOutPage, SignedOutPage};

/// The language of the pages (BCP 47).
pub const LANGUAGE: &str = text::TEXT.language.tag;

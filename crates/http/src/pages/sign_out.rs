//! Signing out at a client's wish: asking, and the end of it.

use askama::Template;

use super::{AccountChoice, AccountLink, text::TEXT};

/// What the form sends as `sign_out` to sign out every account that it shows.
pub const EVERY_ACCOUNT: &str = "all";

/// What the form sends as `sign_out` to stay signed in.
pub const NO_ACCOUNT: &str = "none";

/// The page that asks whether, and who, is to be signed out.
#[derive(Template)]
#[template(path = "sign_out.html")]
pub struct SignOutPage {
    /// Where the form is posted.
    pub action: String,
    /// Ties the form to the browser that it was shown in.
    pub form_token: String,
    /// The name of the client that asks, if that is known.
    pub client_name: Option<String>,
    /// The accounts that may be signed out, at least one. Their values are what the form sends as
    /// `sign_out`.
    pub accounts: Vec<AccountChoice>,
    /// What is wrong with the client's request.
    pub fault: Option<SignOutFault>,
    /// What whoever runs this Alias finds that in the log by.
    pub request_id: Option<String>,
}

/// The page after signing out, where there is no other to go to.
#[derive(Template)]
#[template(path = "signed_out.html")]
pub struct SignedOutPage {
    /// The email addresses of the accounts that were just signed out, where that is to be said.
    pub signed_out: Vec<String>,
    /// The accounts that are still signed in at this browser.
    pub still: Vec<AccountLink>,
    /// Where one signs in.
    pub sign_in_url: String,
    /// What was wrong with the client's request.
    pub fault: Option<SignOutFault>,
    /// What whoever runs this Alias finds that in the log by.
    pub request_id: Option<String>,
}

/// What is wrong with a client's request to sign somebody out: it leads nowhere then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOutFault {
    /// A parameter is there more than once.
    Repeated,
    /// A parameter cannot be read.
    Malformed,
    /// The `state` is over the limit.
    LongState,
    /// The `id_token_hint` is not one that this service signed, or its key is gone.
    Hint,
    /// The `client_id` is not registered.
    UnknownClient,
    /// The `client_id` and the `id_token_hint` are of different clients.
    Disagreement,
    /// There is an address, and nothing says whose it is.
    NoClient,
    /// The `post_logout_redirect_uri` is not one that the client registered.
    UnregisteredUri,
}

impl SignOutFault {
    const fn words(self) -> &'static str {
        let faults = &TEXT.sign_out.faults;
        match self {
            Self::Repeated => faults.repeated,
            Self::Malformed => faults.malformed,
            Self::LongState => faults.long_state,
            Self::Hint => faults.hint,
            Self::UnknownClient => faults.unknown_client,
            Self::Disagreement => faults.disagreement,
            Self::NoClient => faults.no_client,
            Self::UnregisteredUri => faults.unregistered_uri,
        }
    }
}

impl SignOutPage {
    fn title(&self) -> &'static str {
        match self.accounts.len() {
            0 | 1 => TEXT.sign_out.title,
            _ => TEXT.sign_out.title_of_several,
        }
    }
}

impl SignedOutPage {
    fn title(&self) -> &'static str {
        match self.still.is_empty() {
            true => TEXT.sign_out.done,
            false => TEXT.sign_out.still,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::markup::{elements, render};

    fn account(value: &str) -> AccountChoice {
        AccountChoice {
            value: value.to_owned(),
            nickname: None,
            email: format!("{value}@example.org"),
        }
    }

    fn page(accounts: &[&str]) -> SignOutPage {
        SignOutPage {
            action: "/sign-out/confirm".to_owned(),
            form_token: "token".to_owned(),
            client_name: Some("The Corner Shop".to_owned()),
            accounts: accounts.iter().map(|it| account(it)).collect(),
            fault: None,
            request_id: None,
        }
    }

    /// What the buttons of a page send as `sign_out`.
    fn choices(page: &SignOutPage) -> Vec<String> {
        elements(&render(page), "button")
            .into_iter()
            .filter(|button| button.is("type", "submit") && button.is("name", "sign_out"))
            .filter_map(|button| button.attribute("value").map(str::to_owned))
            .collect()
    }

    #[test]
    fn one_account_is_signed_out_or_stays() {
        let page = page(&["ada"]);
        assert_eq!(choices(&page), ["ada", "none"]);
        assert!(render(&page).contains(">ada@example.org</bdi>"));
    }

    #[test]
    fn of_several_accounts_each_or_all_are_signed_out_or_stay() {
        let page = page(&["ada", "bob"]);
        assert_eq!(choices(&page), ["ada", "bob", "all", "none"]);
        let html = render(&page);
        assert!(html.contains("ada@example.org") && html.contains("bob@example.org"));
    }

    #[test]
    fn a_client_that_is_not_known_is_not_named() {
        let anonymous = SignOutPage {
            client_name: None,
            ..page(&["ada"])
        };
        assert!(!render(&anonymous).contains("The Corner Shop"));
        assert!(render(&page(&["ada"])).contains("The Corner Shop"));
    }

    #[test]
    fn whoever_is_still_signed_in_is_told() {
        let page = |still: &[&str]| SignedOutPage {
            signed_out: vec!["ada@example.org".to_owned()],
            still: still
                .iter()
                .map(|&email| AccountLink {
                    address: "/account?account=bob".to_owned(),
                    nickname: None,
                    email: email.to_owned(),
                })
                .collect(),
            sign_in_url: "/sign-in".to_owned(),
            fault: Some(SignOutFault::Hint),
            request_id: None,
        };
        let html = render(&page(&["bob@example.org"]));
        assert!(html.contains("bob@example.org"));
        assert!(elements(&html, "a")[0].is("href", "/account?account=bob"));
        assert!(html.contains("ada@example.org</bdi> is signed out."));
        let html = render(&page(&[]));
        assert!(html.contains(TEXT.sign_out.done) && html.contains(TEXT.sign_out.faults.hint));
    }
}

//! Choosing among the accounts that are signed in at this browser.

use askama::Template;

use super::text::TEXT;

/// What the form sends as `account` to use one that is not listed.
pub const ANOTHER_ACCOUNT: &str = "add";

/// The page on which a user says which account to go on with (`prompt=select_account`, R15).
#[derive(Template)]
#[template(path = "choose_account.html")]
pub struct ChooseAccountPage {
    /// An account was chosen that was signed out meanwhile, or an answer given for it.
    pub not_taken: bool,
    /// Where the form is posted.
    pub action: String,
    /// Ties the form to the browser that it was shown in.
    pub form_token: String,
    /// The name of the client that asked.
    pub client_name: String,
    /// The accounts signed in at this browser.
    pub accounts: Vec<AccountChoice>,
}

/// An account that can be chosen.
#[derive(Clone, Debug)]
pub struct AccountChoice {
    /// What the form sends as `account`. Never [`ANOTHER_ACCOUNT`].
    pub value: String,
    /// The user's nickname, if there is one.
    pub nickname: Option<String>,
    /// The user's email address.
    pub email: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::markup::{elements, render};

    fn account(value: &str, nickname: Option<&str>) -> AccountChoice {
        AccountChoice {
            value: value.to_owned(),
            nickname: nickname.map(str::to_owned),
            email: format!("{value}@example.org"),
        }
    }

    fn page() -> ChooseAccountPage {
        ChooseAccountPage {
            not_taken: false,
            action: "/choose".to_owned(),
            form_token: "token".to_owned(),
            client_name: "The Corner Shop".to_owned(),
            accounts: vec![account("ada", Some("Ada")), account("bob", None)],
        }
    }

    #[test]
    fn each_account_is_a_button_and_one_adds_another() {
        let html = render(&page());
        let values: Vec<_> = elements(&html, "button")
            .into_iter()
            .filter(|button| button.is("type", "submit") && button.is("name", "account"))
            .filter_map(|button| button.attribute("value"))
            .collect();
        assert_eq!(values, ["ada", "bob", "add"]);
    }

    #[test]
    fn an_account_shows_its_nickname_and_email() {
        let html = render(&page());
        assert!(html.contains(">Ada</bdi>") && html.contains(">ada@example.org</bdi>"));
    }

    #[test]
    fn an_account_without_a_nickname_shows_its_email_alone() {
        let html = render(&page());
        assert_eq!(html.matches("class=\"account-name\"").count(), 1);
    }
}

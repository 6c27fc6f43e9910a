//! Signing in.

use askama::Template;

use super::text::TEXT;

/// The page on which a user proves who they are. It says the same whether the user exists or not.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// Where the form is posted.
    pub action: String,
    /// Ties the form to the browser that it was shown in.
    pub form_token: String,
    /// The name of the client that asked, or `None` if the user signs in for their own account.
    pub client_name: Option<String>,
    /// What was typed as email before, shown again; empty at first.
    pub email: String,
    /// The last try had a wrong email or password. One message serves both.
    pub failed: bool,
    /// What whoever runs this Alias finds the last try in the log by, if it failed.
    pub request_id: Option<String>,
    /// An answer was given that did not count any more, for its account was signed out.
    pub not_taken: bool,
    /// The user is known already and is asked to prove it again.
    pub reauthenticate: bool,
}

impl SignInPage {
    fn title(&self) -> &'static str {
        if self.reauthenticate {
            TEXT.sign_in.title_again
        } else {
            TEXT.sign_in.title
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::markup::{elements, render};

    fn page() -> SignInPage {
        SignInPage {
            action: "/sign-in".to_owned(),
            form_token: "token".to_owned(),
            client_name: Some("The Corner Shop".to_owned()),
            email: String::new(),
            failed: false,
            request_id: None,
            not_taken: false,
            reauthenticate: false,
        }
    }

    fn field(html: &str, name: &str, attribute: &str) -> Option<String> {
        elements(html, "input")
            .into_iter()
            .find(|tag| tag.is("name", name))?
            .attribute(attribute)
            .map(str::to_owned)
    }

    #[test]
    fn email_and_password_are_fields_that_password_managers_know() {
        let html = render(&page());
        assert_eq!(
            ["email", "password"].map(|name| field(&html, name, "autocomplete")),
            ["username", "current-password"].map(|value| Some(value.to_owned()))
        );
    }

    #[test]
    fn the_form_goes_to_the_action() {
        assert!(elements(&render(&page()), "form")[0].is("action", "/sign-in"));
    }

    #[test]
    fn the_client_that_asked_is_named() {
        assert!(render(&page()).contains("<bdi class=\"name\">The Corner Shop</bdi>"));
    }

    #[test]
    fn without_a_client_none_is_named() {
        let html = render(&SignInPage {
            client_name: None,
            ..page()
        });
        assert!(!html.contains("<bdi"));
    }

    #[test]
    fn an_empty_form_begins_at_the_email() {
        let html = render(&page());
        assert_eq!(
            ["email", "password"].map(|name| field(&html, name, "autofocus").is_some()),
            [true, false]
        );
    }

    #[test]
    fn a_known_email_is_shown_again_and_the_form_begins_at_the_password() {
        let html = render(&SignInPage {
            email: "ada@example.org".to_owned(),
            ..page()
        });
        assert_eq!(
            field(&html, "email", "value").as_deref(),
            Some("ada@example.org")
        );
        assert_eq!(
            ["email", "password"].map(|name| field(&html, name, "autofocus").is_some()),
            [false, true]
        );
    }

    #[test]
    fn a_failure_is_announced_first_in_the_title() {
        let html = render(&SignInPage {
            failed: true,
            ..page()
        });
        assert!(html.contains("<title>Error: Sign in"));
    }

    #[test]
    fn a_failure_is_tied_to_both_fields_alike() {
        let html = render(&SignInPage {
            failed: true,
            ..page()
        });
        assert_eq!(
            ["email", "password"].map(|name| field(&html, name, "aria-describedby")),
            ["failed", "failed"].map(|value| Some(value.to_owned()))
        );
    }

    #[test]
    fn a_password_is_never_shown_again() {
        let html = render(&SignInPage {
            failed: true,
            ..page()
        });
        assert_eq!(field(&html, "password", "value"), None);
    }

    #[test]
    fn proving_it_again_has_a_heading_of_its_own() {
        let html = render(&SignInPage {
            reauthenticate: true,
            ..page()
        });
        assert!(html.contains("<h1>Confirm that it is you</h1>"));
    }
}

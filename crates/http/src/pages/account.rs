//! A user's own account: who is connected, with which permissions.

use askama::Template;

use super::{
    permission::{META, ScopeKind},
    text::TEXT,
};

/// The page on which a user sees and ends what they have granted.
#[derive(Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    /// Ties the forms to the browser that they were shown in.
    pub form_token: String,
    /// The user's email address.
    pub email: String,
    /// The user's nickname, if there is one.
    pub nickname: Option<String>,
    /// The connected clients.
    pub connections: Vec<ConnectionView>,
    /// What the last form on this page did.
    pub notice: Option<Notice>,
    /// Where the form that signs out is posted.
    pub sign_out_action: String,
}

/// A connected client.
#[derive(Clone, Debug)]
pub struct ConnectionView {
    /// The client's ID, as forms send it.
    pub client_id: String,
    /// The client's name.
    pub client_name: String,
    /// When it was connected, ready to be read.
    pub granted_at: String,
    /// What is granted, in canonical order.
    pub scopes: Vec<RevocableScope>,
    /// The channels granted, `_meta` first. Shown under [`ScopeKind::Contact`].
    pub channels: Vec<RevocableChannel>,
}

/// A granted scope.
#[derive(Clone, Copy, Debug)]
pub struct RevocableScope {
    /// Which one.
    pub kind: ScopeKind,
    /// It has a form that revokes it alone. `openid` has none: revoking it is disconnecting (R25).
    pub revocable: bool,
}

/// A granted channel.
#[derive(Clone, Debug)]
pub struct RevocableChannel {
    /// Its name, as forms send it.
    pub name: String,
    /// What the client says of it; may be empty. That of `_meta` is the pages' own.
    pub description: String,
    /// It has a form that revokes it alone. `_meta` has none (R25).
    pub revocable: bool,
}

/// What the last form on the account page did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A scope or a channel was revoked.
    Revoked,
    /// A client was disconnected.
    Disconnected,
}

impl Notice {
    fn words(self) -> &'static str {
        match self {
            Self::Revoked => TEXT.account.revoked,
            Self::Disconnected => TEXT.account.disconnected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::markup::{elements, forms, render};

    fn channel(name: &str, description: &str) -> RevocableChannel {
        RevocableChannel {
            name: name.to_owned(),
            description: description.to_owned(),
            revocable: name != META,
        }
    }

    fn page() -> AccountPage {
        let scope = |kind| RevocableScope {
            kind,
            revocable: kind != ScopeKind::OpenId,
        };
        AccountPage {
            form_token: "token".to_owned(),
            email: "ada@example.org".to_owned(),
            nickname: None,
            connections: vec![ConnectionView {
                client_id: "bjOB6HV7cTKtxvfr2k2ucg".to_owned(),
                client_name: "The Corner Shop".to_owned(),
                granted_at: "12 November 2026".to_owned(),
                scopes: vec![scope(ScopeKind::OpenId), scope(ScopeKind::Contact)],
                channels: vec![
                    channel("_meta", ""),
                    channel("notifications", "When an order is on its way"),
                ],
            }],
            notice: None,
            sign_out_action: "/sign-out".to_owned(),
        }
    }

    /// What each form to an action sends, token aside.
    fn sent(html: &str, action: &str) -> Vec<Vec<(String, String)>> {
        forms(html)
            .into_iter()
            .filter(|form| form.contains(&format!("action=\"{action}\"")))
            .map(|form| {
                elements(form, "input")
                    .into_iter()
                    .filter_map(|tag| Some((tag.attribute("name")?, tag.attribute("value")?)))
                    .filter(|(name, _)| *name != "form_token")
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            })
            .collect()
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn r25_what_can_be_revoked_alone_has_a_form_and_the_rest_has_none() {
        let client = ("client_id", "bjOB6HV7cTKtxvfr2k2ucg");
        assert_eq!(
            sent(&render(&page()), "/account/revoke"),
            [
                fields(&[client, ("scope", "contact")]),
                fields(&[client, ("channel", "notifications")]),
            ]
        );
    }

    #[test]
    fn r25_a_client_can_be_disconnected() {
        assert_eq!(
            sent(&render(&page()), "/account/disconnect"),
            [fields(&[("client_id", "bjOB6HV7cTKtxvfr2k2ucg")])]
        );
    }

    #[test]
    fn r27_meta_is_listed_among_the_channels() {
        assert!(render(&page()).contains(TEXT.permissions.meta.title));
    }

    #[test]
    fn every_button_that_revokes_is_named_after_what_it_revokes() {
        let html = render(&page());
        for button in elements(&html, "button") {
            if let Some(id) = button.attribute("id") {
                let named = button.attribute("aria-labelledby").unwrap_or("");
                let (own, other) = named.split_once(' ').unwrap_or((named, ""));
                assert!(own == id && !other.is_empty(), "{button:?}");
            }
        }
    }

    #[test]
    fn signing_out_is_a_form_of_its_own() {
        assert_eq!(sent(&render(&page()), "/sign-out"), [fields(&[])]);
    }

    #[test]
    fn without_connections_the_page_says_so() {
        let html = render(&AccountPage {
            connections: Vec::new(),
            ..page()
        });
        assert!(html.contains(TEXT.account.no_connections));
    }

    #[test]
    fn a_notice_is_announced() {
        let html = render(&AccountPage {
            notice: Some(Notice::Revoked),
            ..page()
        });
        assert!(html.contains(&format!("role=\"status\">{}", TEXT.account.revoked)));
    }
}

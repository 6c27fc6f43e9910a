//! A user's own account: who is connected, with which permissions.

use std::borrow::Borrow;

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
    /// What forms on this page did, and before which of the connections that is told.
    pub notices: Vec<(usize, NoticeAt)>,
    /// The other accounts that are signed in at this browser.
    pub others: Vec<AccountLink>,
    /// Where one signs in with another account.
    pub sign_in_url: String,
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
    pub since: String,
    /// When what is granted last changed, if it did.
    pub changed_at: Option<String>,
    /// What is granted, in canonical order.
    pub scopes: Vec<RevocableScope>,
    /// The channels granted, `_meta` first. Shown under [`ScopeKind::Contact`].
    pub channels: Vec<RevocableChannel>,
    /// What forms did about this client, and where within its block that is told: where what it is about
    /// stood.
    pub notices: Vec<(Place, NoticeAt)>,
    /// An address that leads to this client's block leads to its beginning, for no notice takes it.
    pub is_anchor: bool,
}

/// A granted scope.
#[derive(Clone, Copy, Debug)]
pub struct RevocableScope {
    /// Which one.
    pub kind: ScopeKind,
    /// The client gets something by it.
    pub serves: bool,
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

/// The account of another user who is signed in at this browser.
#[derive(Clone, Debug)]
pub struct AccountLink {
    /// Its page.
    pub address: String,
    /// The user's nickname, if there is one.
    pub nickname: Option<String>,
    /// The user's email address.
    pub email: String,
}

/// The ID of a client's block, or of what is told there, for the address that leads back to it.
#[must_use]
pub fn client_anchor(client_id: &str) -> String {
    format!("client-{client_id}")
}

/// What a form on the account page did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A scope or a channel was revoked.
    Revoked {
        /// What people call it.
        permission: String,
        /// Whose it was.
        client_name: String,
    },
    /// A client was disconnected.
    Disconnected {
        /// Which.
        client_name: String,
    },
    /// The client is not registered any more.
    UnknownClient,
}

/// A notice, and the ID by which an address leads to it.
#[derive(Clone, Debug)]
pub struct NoticeAt {
    /// The ID of its client's block, if it is the latest there.
    pub anchor: Option<String>,
    /// What.
    pub notice: Notice,
}

/// A place within a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before the scope with this index, or after the last.
    Scope(usize),
    /// Before the channel with this index, or after the last.
    Channel(usize),
}

/// How many of a list are shown without being unfolded.
const UNFOLDED: usize = 5;

/// The notices of a place.
fn at<P: Copy + PartialEq>(notices: &[(P, NoticeAt)], place: P) -> impl Iterator<Item = &NoticeAt> {
    let there = notices.iter().filter(move |it| it.0 == place);
    there.map(|it| &it.1)
}

impl AccountPage {
    fn notices_before(&self, index: impl Borrow<usize>) -> impl Iterator<Item = &NoticeAt> {
        at(&self.notices, *index.borrow())
    }

    /// The client whose block is the next, as forms send it.
    fn next(&self, index: impl Borrow<usize>) -> Option<&str> {
        let next = self.connections.get(index.borrow() + 1)?;
        Some(&next.client_id)
    }

    const fn folds(&self) -> bool {
        self.connections.len() > UNFOLDED
    }
}

impl ConnectionView {
    fn notices_before_scope(&self, index: impl Borrow<usize>) -> impl Iterator<Item = &NoticeAt> {
        at(&self.notices, Place::Scope(*index.borrow()))
    }

    fn notices_before_channel(&self, index: impl Borrow<usize>) -> impl Iterator<Item = &NoticeAt> {
        at(&self.notices, Place::Channel(*index.borrow()))
    }

    fn has_notice_among_channels(&self) -> bool {
        let mut places = self.notices.iter().map(|it| it.0);
        places.any(|it| matches!(it, Place::Channel(_)))
    }

    fn anchor(&self) -> Option<String> {
        self.is_anchor.then(|| client_anchor(&self.client_id))
    }

    const fn folds(&self) -> bool {
        self.channels.len() > UNFOLDED
    }
}

impl RevocableChannel {
    /// What people call it.
    fn title(&self) -> &str {
        match self.description.trim() {
            _ if self.name == META => TEXT.permissions.meta.title,
            "" => &self.name,
            _ => &self.description,
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
            serves: true,
            revocable: kind != ScopeKind::OpenId,
        };
        AccountPage {
            form_token: "token".to_owned(),
            email: "ada@example.org".to_owned(),
            nickname: None,
            connections: vec![ConnectionView {
                client_id: "bjOB6HV7cTKtxvfr2k2ucg".to_owned(),
                client_name: "The Corner Shop".to_owned(),
                since: "12 November 2026".to_owned(),
                changed_at: Some("14 November 2026".to_owned()),
                scopes: vec![scope(ScopeKind::OpenId), scope(ScopeKind::Contact)],
                channels: vec![
                    channel("_meta", ""),
                    channel("notifications", "When an order is on its way"),
                ],
                notices: Vec::new(),
                is_anchor: true,
            }],
            notices: Vec::new(),
            others: vec![AccountLink {
                address: "/account?account=bob".to_owned(),
                nickname: Some("Bob".to_owned()),
                email: "bob@example.org".to_owned(),
            }],
            sign_in_url: "/sign-in".to_owned(),
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
    fn r19_what_a_client_gets_nothing_by_is_not_listed_as_if_it_did() {
        let mut page = page();
        page.connections[0].scopes.push(RevocableScope {
            kind: ScopeKind::OfflineAccess,
            serves: false,
            revocable: true,
        });
        assert!(render(&page).contains(TEXT.permissions.offline_in_vain));
        page.connections[0].scopes[2].serves = true;
        assert!(!render(&page).contains(TEXT.permissions.offline_in_vain));
    }

    #[test]
    fn r25_a_client_can_be_disconnected() {
        assert_eq!(
            sent(&render(&page()), "/account/disconnect"),
            [fields(&[("client_id", "bjOB6HV7cTKtxvfr2k2ucg")])]
        );
    }

    #[test]
    fn the_form_says_what_stands_behind_its_client_so_that_its_end_is_told_there() {
        let mut page = page();
        page.connections.push(ConnectionView {
            client_id: "AAAAAAAAAAAAAAAAAAAAAQ".to_owned(),
            ..page.connections[0].clone()
        });
        let (first, second) = ("bjOB6HV7cTKtxvfr2k2ucg", "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(
            sent(&render(&page), "/account/disconnect"),
            [
                fields(&[("client_id", first), ("next", second)]),
                fields(&[("client_id", second)]),
            ]
        );
    }

    #[test]
    fn r27_meta_is_listed_among_the_channels() {
        assert!(render(&page()).contains(TEXT.permissions.meta.title));
    }

    #[test]
    fn every_button_says_in_a_sentence_what_it_does() {
        let html = render(&page());
        let spoken: Vec<_> = elements(&html, "button")
            .iter()
            .filter_map(|button| button.attribute("aria-label"))
            .collect();
        assert_eq!(
            spoken,
            [
                "Revoke “Send you messages” from The Corner Shop",
                "Revoke “When an order is on its way” from The Corner Shop",
                "Disconnect The Corner Shop",
            ]
        );
    }

    #[test]
    fn the_last_change_stands_beside_the_beginning() {
        let html = render(&page());
        assert!(html.contains("Connected since 12 November 2026"));
        assert!(html.contains("last changed 14 November 2026"));
    }

    #[test]
    fn the_other_accounts_of_the_browser_can_be_reached() {
        let html = render(&page());
        let links: Vec<_> = elements(&html, "a")
            .iter()
            .filter_map(|link| link.attribute("href"))
            .collect();
        assert_eq!(links, ["/account?account=bob", "/sign-in"]);
        assert!(html.contains("Bob") && html.contains("bob@example.org"));
    }

    /// The page with so many connections, each with so many channels.
    fn long(connections: usize, channels: usize) -> AccountPage {
        let mut page = page();
        let connection = &mut page.connections[0];
        let more = (1..channels).map(|it| channel(&format!("channel_{it}"), "About this"));
        connection.channels = [channel("_meta", "")].into_iter().chain(more).collect();
        page.connections = vec![page.connections[0].clone(); connections];
        page
    }

    #[test]
    fn long_lists_fold_and_short_ones_do_not() {
        let folds = |page: &AccountPage| elements(&render(page), "details").len();
        assert_eq!(folds(&long(5, 5)), 0);
        assert_eq!(folds(&long(1, 6)), 1);
        assert_eq!(folds(&long(6, 1)), 6);
    }

    #[test]
    fn what_was_done_is_unfolded_and_told_where_it_was_done() {
        let mut page = long(6, 8);
        let notice = NoticeAt {
            anchor: Some("client-shop".to_owned()),
            notice: Notice::Revoked {
                permission: "Bird walks".to_owned(),
                client_name: "The Corner Shop".to_owned(),
            },
        };
        page.connections[1].notices = vec![(Place::Channel(7), notice)];
        let html = render(&page);
        let open = elements(&html, "details")
            .iter()
            .filter(|it| it.has("open"))
            .count();
        assert_eq!(open, 2, "the connection and its channels");
        let (before, after) = html.split_once("id=\"client-shop\"").expect("a notice");
        assert_eq!(before.matches("value=\"channel_7\"").count(), 1);
        assert!(
            before.matches("value=\"channel_6\"").count() == 2,
            "{before}"
        );
        assert!(after.contains("value=\"channel_7\""));
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
    fn a_notice_names_service_and_permission_and_is_announced() {
        let shop = || "The Corner Shop".to_owned();
        for (notice, said) in [
            (
                Notice::Revoked {
                    permission: "Bird walks".to_owned(),
                    client_name: shop(),
                },
                "“<bdi>Bird walks</bdi>” is revoked. <bdi class=\"name\">The Corner Shop</bdi> can",
            ),
            (
                Notice::Disconnected {
                    client_name: shop(),
                },
                "<bdi class=\"name\">The Corner Shop</bdi> is disconnected.",
            ),
            (
                Notice::UnknownClient,
                "Nothing was changed: this service is not registered here any more",
            ),
        ] {
            let notice = NoticeAt {
                anchor: Some("client-shop".to_owned()),
                notice,
            };
            let html = render(&AccountPage {
                notices: vec![(0, notice)],
                ..page()
            });
            let start = "id=\"client-shop\" role=\"status\" tabindex=\"-1\">";
            assert!(html.contains(&format!("{start}{said}")), "{html}");
        }
    }
}

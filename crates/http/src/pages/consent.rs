//! Deciding what a client may do.

use std::borrow::Borrow;

use askama::Template;

use super::{
    permission::{META, ScopeKind},
    text::TEXT,
};

/// The page on which a user decides what to grant. It is the truth (R11): it shows the whole request,
/// what is granted already ticked, what is new unticked.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage {
    /// An answer was given that did not count any more.
    pub not_taken: bool,
    /// Where the form is posted.
    pub action: String,
    /// Ties the form to the browser that it was shown in.
    pub form_token: String,
    /// The name of the client that asks.
    pub client_name: String,
    /// The host of the redirect URI, shown so that people see where they go.
    pub client_host: String,
    /// The nickname of the account that answers, if there is one.
    pub nickname: Option<String>,
    /// Its email address.
    pub account: String,
    /// The scopes asked for, in canonical order.
    pub scopes: Vec<ScopeChoice>,
    /// The claims, beside `nickname`, that the nickname is told as (R35).
    pub nickname_claims: Vec<&'static str>,
    /// Where to choose another account, if that is possible.
    pub can_switch_account: Option<String>,
    /// Where what is allowed is taken back.
    pub account_url: String,
}

/// A scope that is asked for.
#[derive(Clone, Debug)]
pub struct ScopeChoice {
    /// Which one.
    pub kind: ScopeKind,
    /// It cannot be left out of an approval (`openid`, R10): shown ticked and disabled.
    pub required: bool,
    /// It is granted now: shown ticked. Otherwise it is marked as new, if something else is not.
    pub granted: bool,
    /// The client can make use of it.
    pub serves: bool,
    /// The channels asked for, `_meta` first. Shown only under [`ScopeKind::Contact`].
    pub channels: Vec<ChannelChoice>,
}

/// A channel that is asked for.
#[derive(Clone, Debug)]
pub struct ChannelChoice {
    /// Its name, as forms send it.
    pub name: String,
    /// What the client says of it; may be empty. That of `_meta` is the pages' own.
    pub description: String,
    /// It cannot be left out of `contact` (`_meta`, R10): shown ticked and disabled.
    pub required: bool,
    /// It is granted now: shown ticked. Otherwise it is marked as new, if something else is not.
    pub granted: bool,
}

impl ScopeChoice {
    /// What it means, and what it does not.
    fn about(&self) -> &'static str {
        match (self.kind, self.serves) {
            (ScopeKind::OfflineAccess, false) => TEXT.permissions.offline_in_vain,
            (kind, _) => kind.words().about,
        }
    }
}

/// What is said of a permission in a word or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    New,
    Granted,
    Required,
}

impl Tag {
    const fn class(self) -> &'static str {
        match self {
            Self::New => "tag tag-new",
            Self::Granted => "tag tag-granted",
            Self::Required => "always",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::New => TEXT.consent.new,
            Self::Granted => TEXT.consent.granted,
            Self::Required => TEXT.consent.required,
        }
    }
}

impl ConsentPage {
    fn has_claims(&self, scope: &ScopeChoice) -> bool {
        scope.kind == ScopeKind::Nickname && !self.nickname_claims.is_empty()
    }

    /// What is said of a permission. Where all is new, nothing has to be told apart.
    fn tags(&self, granted: impl Borrow<bool>, required: impl Borrow<bool>) -> Vec<Tag> {
        let something_is_granted = self.scopes.iter().any(|it| it.granted);
        let standing = match *granted.borrow() {
            true => Some(Tag::Granted),
            false => something_is_granted.then_some(Tag::New),
        };
        let required = required.borrow().then_some(Tag::Required);
        standing.into_iter().chain(required).collect()
    }

    /// Whether there is anything to choose: without, "selected" and "all" are the same.
    fn has_choice(&self) -> bool {
        self.scopes.iter().any(|it| !it.required)
    }

    /// Whether leaving a box unticked would take something back.
    fn can_take_back(&self) -> bool {
        self.scopes.iter().any(|scope| {
            (scope.granted && !scope.required)
                || scope
                    .channels
                    .iter()
                    .any(|channel| channel.granted && !channel.required)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::markup::{Tag, elements, input, label, render};

    fn channel(name: &str, description: &str, granted: bool) -> ChannelChoice {
        ChannelChoice {
            name: name.to_owned(),
            description: description.to_owned(),
            required: name == META,
            granted,
        }
    }

    fn scope(kind: ScopeKind, granted: bool, channels: Vec<ChannelChoice>) -> ScopeChoice {
        ScopeChoice {
            kind,
            required: kind == ScopeKind::OpenId,
            granted,
            serves: true,
            channels,
        }
    }

    /// A client that was allowed messages of one kind, and now asks for another and for the nickname.
    fn page() -> ConsentPage {
        let channels = vec![
            channel("_meta", "", true),
            channel("notifications", "When an order is on its way", true),
            channel("product_updates", "News about the range", false),
            channel("plain", " ", false),
        ];
        ConsentPage {
            not_taken: false,
            action: "/consent".to_owned(),
            form_token: "token".to_owned(),
            client_name: "The Corner Shop".to_owned(),
            client_host: "shop.example.com".to_owned(),
            nickname: Some("Ada".to_owned()),
            account: "ada@example.org".to_owned(),
            scopes: vec![
                scope(ScopeKind::OpenId, true, vec![]),
                scope(ScopeKind::Contact, true, channels),
                scope(ScopeKind::Nickname, false, vec![]),
            ],
            nickname_claims: Vec::new(),
            can_switch_account: None,
            account_url: "/account".to_owned(),
        }
    }

    fn new_client() -> ConsentPage {
        ConsentPage {
            scopes: vec![
                scope(ScopeKind::OpenId, false, vec![]),
                scope(ScopeKind::Contact, false, vec![channel("_meta", "", false)]),
            ],
            ..page()
        }
    }

    fn is_ticked(tag: &Tag<'_>) -> bool {
        tag.is("type", "checkbox") && tag.has("checked")
    }

    fn is_fixed(tag: &Tag<'_>) -> bool {
        is_ticked(tag) && tag.has("disabled")
    }

    #[test]
    fn r10_openid_is_ticked_and_disabled() {
        assert!(is_fixed(&input(&render(&new_client()), "scope", "openid")));
    }

    #[test]
    fn r11_a_new_scope_is_unticked() {
        assert!(!is_ticked(&input(&render(&page()), "scope", "nickname")));
    }

    #[test]
    fn r11_a_new_scope_is_marked_new() {
        let html = render(&page());
        let label = label(&html, &input(&html, "scope", "nickname"));
        assert!(label.contains(">new<") && !label.contains(">allowed before<"));
    }

    #[test]
    fn r11_a_granted_scope_is_ticked_and_can_be_unticked() {
        let html = render(&page());
        let contact = input(&html, "scope", "contact");
        assert!(is_ticked(&contact) && !is_fixed(&contact));
    }

    #[test]
    fn r11_a_granted_scope_is_marked_as_allowed_before() {
        let html = render(&page());
        let label = label(&html, &input(&html, "scope", "contact"));
        assert!(label.contains(">allowed before<") && !label.contains(">new<"));
    }

    #[test]
    fn r11_a_new_channel_is_unticked_and_marked_new() {
        let html = render(&page());
        let channel = input(&html, "channel", "product_updates");
        assert!(!is_ticked(&channel) && label(&html, &channel).contains(">new<"));
    }

    #[test]
    fn r11_a_granted_channel_is_ticked_and_marked_as_allowed_before() {
        let html = render(&page());
        let channel = input(&html, "channel", "notifications");
        assert!(is_ticked(&channel) && label(&html, &channel).contains(">allowed before<"));
    }

    #[test]
    fn r11_unticking_is_said_to_take_back_where_something_was_granted() {
        let told =
            [page(), new_client()].map(|page| render(&page).contains(TEXT.consent.take_back));
        assert_eq!(told, [true, false]);
    }

    #[test]
    fn r27_meta_is_shown_ticked_and_disabled() {
        assert!(is_fixed(&input(&render(&page()), "channel", "_meta")));
    }

    #[test]
    fn r27_meta_is_explained_by_the_page_itself() {
        let html = render(&page());
        assert!(html.contains(TEXT.permissions.meta.title));
        assert!(html.contains(TEXT.permissions.meta.about));
    }

    #[test]
    fn r10_channels_stand_within_contact_and_say_that_they_need_it() {
        let html = render(&page());
        let contact = html.find("value=\"contact\"");
        let hint = html.find("These count only if “Send you messages” above is ticked too.");
        let channel = html.find("value=\"_meta\"");
        assert!(contact.is_some() && contact < hint && hint < channel);
    }

    #[test]
    fn a_channel_is_called_by_its_description_and_its_name_stands_after_that() {
        let html = render(&page());
        let called = "<span id=\"channel-2-title\"><bdi>When an order is on its way</bdi></span>";
        let name = "</label> <code class=\"technical\"><bdi>notifications</bdi></code>";
        let (called, name) = (html.find(called), html.find(name));
        assert!(called.is_some() && called < name);
    }

    #[test]
    fn a_box_is_called_by_what_it_permits_alone() {
        let html = render(&page());
        for (field, title) in [
            (
                input(&html, "scope", "openid"),
                TEXT.permissions.openid.title,
            ),
            (
                input(&html, "scope", "contact"),
                TEXT.permissions.contact.title,
            ),
            (
                input(&html, "channel", "_meta"),
                TEXT.permissions.meta.title,
            ),
        ] {
            let id = field.attribute("aria-labelledby").expect("a name");
            assert!(
                html.contains(&format!("<span id=\"{id}\">{title}</span>")),
                "{field:?}"
            );
            let about = field.attribute("aria-describedby").expect("more words");
            assert!(about.split(' ').any(|it| it.ends_with("-about")), "{about}");
        }
    }

    #[test]
    fn new_is_said_only_where_something_else_is_not() {
        assert!(render(&page()).contains(">new<"));
        assert!(!render(&new_client()).contains(">new<"));
    }

    #[test]
    fn a_channel_that_would_not_count_says_so_and_how_it_does() {
        let html = render(&page());
        let ticks = html
            .matches("<div class=\"uncounted\" role=\"status\">")
            .count();
        assert_eq!(ticks, 3, "each that can be ticked");
        assert!(html.contains("<label for=\"scope-contact\">Tick “Send you messages” too</label>"));
    }

    #[test]
    fn where_nothing_can_be_chosen_one_button_allows() {
        let html = render(&ConsentPage {
            scopes: vec![scope(ScopeKind::OpenId, false, vec![])],
            ..page()
        });
        let buttons = elements(&html, "button");
        let values: Vec<_> = buttons
            .iter()
            .filter_map(|it| it.attribute("value"))
            .collect();
        assert_eq!(values, ["approve_all", "deny"]);
        assert!(!html.contains(TEXT.consent.all_is_more));
    }

    #[test]
    fn r19_what_a_client_cannot_get_is_not_offered_as_if_it_could() {
        let offline = ScopeChoice {
            serves: false,
            ..scope(ScopeKind::OfflineAccess, false, vec![])
        };
        let html = render(&ConsentPage {
            scopes: vec![offline],
            ..page()
        });
        assert!(html.contains(TEXT.permissions.offline_in_vain));
        assert!(!html.contains(TEXT.permissions.offline_access.about));
    }

    #[test]
    fn the_account_page_is_a_link() {
        let html = render(&page());
        let links = elements(&html, "a");
        assert!(
            links.iter().any(|it| it.is("href", "/account")),
            "{links:?}"
        );
    }

    #[test]
    fn a_channel_without_a_description_is_called_by_its_name() {
        let html = render(&page());
        let label = label(&html, &input(&html, "channel", "plain"));
        let title = "<span id=\"channel-4-title\"><bdi><code>plain</code></bdi></span>";
        assert!(label.starts_with(title), "{label}");
    }

    #[test]
    fn every_permission_is_explained() {
        let html = render(&ConsentPage {
            scopes: ScopeKind::ALL.map(|kind| scope(kind, false, vec![])).into(),
            ..page()
        });
        for kind in ScopeKind::ALL {
            assert!(html.contains(kind.words().about), "{kind:?}");
        }
    }

    #[test]
    fn r35_the_nickname_says_what_else_it_is_told_as() {
        let html = render(&ConsentPage {
            nickname_claims: vec!["name", "preferred_username"],
            ..page()
        });
        let nickname = input(&html, "scope", "nickname");
        let told =
            "It is told this name as <code>name</code> and <code>preferred_username</code>, too";
        assert!(html.contains(told), "{html}");
        let described = "scope-nickname-tags scope-nickname-about scope-nickname-claims";
        assert!(nickname.is("aria-describedby", described));
        assert!(!render(&page()).contains("It is told this name as"));
    }

    /// Enter presses the first button, so it must be the one that takes the boxes as they stand.
    #[test]
    fn the_decision_has_three_buttons_and_enter_allows_only_what_is_ticked() {
        let html = render(&page());
        let values: Vec<_> = elements(&html, "button")
            .into_iter()
            .filter(|button| button.is("type", "submit") && button.is("name", "decision"))
            .filter_map(|button| button.attribute("value"))
            .collect();
        assert_eq!(values, ["approve", "approve_all", "deny"]);
    }

    /// A button that stands out would be a nudge.
    #[test]
    fn the_three_buttons_look_alike() {
        let html = render(&page());
        assert!(
            elements(&html, "button")
                .iter()
                .all(|button| button.is("class", "button"))
        );
    }

    #[test]
    fn there_is_one_form() {
        assert_eq!(elements(&render(&page()), "form").len(), 1);
    }

    #[test]
    fn people_see_who_they_are_and_where_they_go() {
        let html = render(&page());
        let places = ["Ada", "ada@example.org", "shop.example.com"].map(|it| html.find(it));
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "names for people first"
        );
    }

    #[test]
    fn the_account_can_be_switched_where_that_is_possible() {
        let html = render(&ConsentPage {
            can_switch_account: Some("/switch?a=1&b=2".to_owned()),
            ..page()
        });
        assert!(elements(&html, "a")[0].is("href", "/switch?a=1&#38;b=2"));
    }

    #[test]
    fn the_account_cannot_be_switched_otherwise() {
        assert!(!render(&page()).contains(TEXT.consent.switch_account));
    }
}

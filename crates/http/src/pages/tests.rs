//! What holds for every page, whatever stands on it.

use std::collections::HashSet;

use super::{
    markup::{elements, forms, input, label, render, tags},
    *,
};

/// A name made to break out of wherever it is put.
const HOSTILE: &str = "\"'><script>alert(1)</script><h1>& متجر\u{202e}";

fn hostile() -> String {
    HOSTILE.to_owned()
}

fn longest_channel() -> String {
    "a".repeat(64)
}

/// Each page in its fullest form, with a hostile text wherever one can be.
fn every_page() -> Vec<(String, String)> {
    let mut pages = vec![
        ("sign in".to_owned(), render(&sign_in(true))),
        ("sign in again".to_owned(), render(&sign_in(false))),
        ("choose an account".to_owned(), render(&choose_account())),
        ("sign out".to_owned(), render(&sign_out(1))),
        ("sign out of several".to_owned(), render(&sign_out(2))),
        ("signed out".to_owned(), render(&signed_out())),
        ("consent".to_owned(), render(&consent())),
        ("account".to_owned(), render(&account())),
        ("moving on".to_owned(), render(&moving_on())),
    ];
    pages.extend(
        ErrorCause::ALL
            .into_iter()
            .map(|cause| (format!("{cause:?}"), render(&error(cause)))),
    );
    pages
}

/// And the one page that has a script.
fn every_document() -> Vec<(String, String)> {
    let mut pages = every_page();
    pages.push(("form post".to_owned(), render(&form_post())));
    pages
}

fn error(cause: ErrorCause) -> ErrorPage {
    ErrorPage {
        cause,
        client: Some(ClientLink {
            name: hostile(),
            address: Some(hostile()),
        }),
        again: Some(hostile()),
    }
}

fn form_post() -> FormPostPage {
    let field = |name| FormPostField {
        name,
        value: hostile(),
    };
    FormPostPage {
        action: hostile(),
        host: hostile(),
        fields: ["code", "state", "iss"].map(field).into(),
    }
}

fn moving_on() -> MovingOnPage {
    MovingOnPage {
        address: hostile(),
        host: hostile(),
    }
}

fn sign_in(failed: bool) -> SignInPage {
    SignInPage {
        request_id: Some(hostile()),
        not_taken: true,
        action: hostile(),
        form_token: hostile(),
        client_name: Some(hostile()),
        email: hostile(),
        failed,
        reauthenticate: !failed,
    }
}

fn choose_account() -> ChooseAccountPage {
    let account = AccountChoice {
        value: hostile(),
        nickname: Some(hostile()),
        email: hostile(),
    };
    ChooseAccountPage {
        not_taken: true,
        action: hostile(),
        form_token: hostile(),
        client_name: hostile(),
        accounts: vec![account.clone(), account],
    }
}

fn sign_out(accounts: usize) -> SignOutPage {
    let account = AccountChoice {
        value: hostile(),
        nickname: Some(hostile()),
        email: hostile(),
    };
    SignOutPage {
        action: hostile(),
        form_token: hostile(),
        client_name: Some(hostile()),
        accounts: vec![account; accounts],
        fault: Some(SignOutFault::UnregisteredUri),
        request_id: Some(hostile()),
    }
}

fn account_link() -> AccountLink {
    AccountLink {
        address: hostile(),
        nickname: Some(hostile()),
        email: hostile(),
    }
}

fn signed_out() -> SignedOutPage {
    SignedOutPage {
        signed_out: vec![hostile(), hostile()],
        still: vec![account_link()],
        sign_in_url: hostile(),
        fault: Some(SignOutFault::Hint),
        request_id: Some(hostile()),
    }
}

fn consent() -> ConsentPage {
    let channel = |name: String, description: String| ChannelChoice {
        required: name == "_meta",
        granted: false,
        name,
        description,
    };
    let channels = vec![
        channel("_meta".to_owned(), String::new()),
        channel(hostile(), hostile()),
        channel(longest_channel(), String::new()),
    ];
    ConsentPage {
        not_taken: true,
        action: hostile(),
        form_token: hostile(),
        client_name: hostile(),
        client_host: hostile(),
        nickname: Some(hostile()),
        account: hostile(),
        scopes: ScopeKind::ALL
            .map(|kind| ScopeChoice {
                kind,
                required: kind == ScopeKind::OpenId,
                granted: kind == ScopeKind::Nickname,
                serves: false,
                channels: channels.clone(),
            })
            .into(),
        nickname_claims: vec!["name", "preferred_username"],
        can_switch_account: Some(hostile()),
        account_url: hostile(),
    }
}

fn account() -> AccountPage {
    let channel = |name: String, description: String| RevocableChannel {
        revocable: name != "_meta",
        name,
        description,
    };
    let connection = ConnectionView {
        client_id: hostile(),
        client_name: hostile(),
        since: hostile(),
        changed_at: Some(hostile()),
        scopes: ScopeKind::ALL
            .map(|kind| RevocableScope {
                kind,
                serves: kind != ScopeKind::OfflineAccess,
                revocable: kind != ScopeKind::OpenId,
            })
            .into(),
        channels: vec![
            channel("_meta".to_owned(), String::new()),
            channel(hostile(), hostile()),
            channel(longest_channel(), String::new()),
        ],
        notices: Vec::new(),
        is_anchor: false,
    };
    let notice = |anchor: Option<&str>| NoticeAt {
        anchor: anchor.map(str::to_owned),
        notice: Notice::Revoked {
            permission: hostile(),
            client_name: hostile(),
        },
    };
    let noticed = ConnectionView {
        client_id: "AAAAAAAAAAAAAAAAAAAAAQ".to_owned(),
        notices: vec![
            (Place::Channel(1), notice(None)),
            (Place::Channel(1), notice(Some("client-shop"))),
        ],
        is_anchor: true,
        ..connection.clone()
    };
    let several = std::iter::repeat_n(connection, 5);
    AccountPage {
        form_token: hostile(),
        email: hostile(),
        nickname: Some(hostile()),
        connections: several.chain([noticed]).collect(),
        notices: vec![(0, notice(None)), (6, notice(None))],
        others: vec![account_link()],
        sign_in_url: hostile(),
        sign_out_action: hostile(),
    }
}

#[test]
fn a_page_has_one_main_heading() {
    for (page, html) in every_document() {
        assert_eq!(elements(&html, "h1").len(), 1, "{page}");
    }
}

#[test]
fn a_page_names_its_language() {
    for (page, html) in every_document() {
        assert!(elements(&html, "html")[0].is("lang", "en"), "{page}");
    }
}

#[test]
fn a_page_has_a_title_before_the_name_of_the_service() {
    for (page, html) in every_document() {
        let title = html
            .split_once("<title>")
            .and_then(|(_, rest)| rest.split_once(" · Alias</title>"))
            .map(|(title, _)| title);
        assert!(title.is_some_and(|title| !title.is_empty()), "{page}");
    }
}

#[test]
fn hostile_text_stays_text() {
    for (page, html) in every_page() {
        assert!(elements(&html, "script").is_empty(), "{page}: {html}");
    }
}

#[test]
fn the_page_that_posts_an_answer_has_its_own_script_alone() {
    let html = render(&form_post());
    let code: Vec<_> = tags(&html)
        .into_iter()
        .filter(|it| it.is_inline_code())
        .collect();
    assert_eq!(code.len(), 1, "{code:?}");
    assert!(html.contains(&format!("<script>{}</script>", FormPostPage::SCRIPT)));
}

#[test]
fn each_cause_of_an_error_page_has_words_of_its_own() {
    let pages: Vec<String> = ErrorCause::ALL
        .into_iter()
        .map(|cause| render(&error(cause)))
        .collect();
    for between in [["<h1>", "</h1>"], ["<p class=\"lead\">", "</p>"]] {
        let phrase = |html: &String| {
            let rest = html.split_once(between[0]).expect("it is there").1;
            rest.split_once(between[1]).expect("it ends").0.to_owned()
        };
        let phrases: HashSet<String> = pages.iter().map(phrase).collect();
        assert_eq!(phrases.len(), pages.len(), "{phrases:?}");
    }
}

#[test]
fn hostile_text_is_shown_as_it_is() {
    let html = render(&consent());
    let shown =
        "&#34;&#39;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#60;h1&#62;&#38; متجر\u{202e}";
    assert!(html.contains(&format!("<h1><bdi class=\"name\">{shown}</bdi> asks")));
}

#[test]
fn a_page_holds_no_script_and_no_style_of_its_own() {
    for (page, html) in every_page() {
        for tag in tags(&html) {
            assert!(!tag.is_inline_code(), "{page}: {tag:?}");
        }
    }
}

#[test]
fn what_is_opened_is_closed_in_order() {
    const VOID: [&str; 4] = ["meta", "link", "img", "input"];
    for (page, html) in every_document() {
        let mut open = Vec::new();
        for tag in tags(&html) {
            match tag.name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{page}"),
                None if VOID.contains(&tag.name) => {}
                None => open.push(tag.name),
            }
        }
        assert!(open.is_empty(), "{page}: {open:?}");
    }
}

#[test]
fn an_id_stands_once() {
    for (page, html) in every_document() {
        let mut seen = HashSet::new();
        for tag in tags(&html) {
            if let Some(id) = tag.attribute("id") {
                assert!(seen.insert(id), "{page}: {id}");
            }
        }
    }
}

#[test]
fn a_reference_leads_to_an_element() {
    for (page, html) in every_document() {
        let tags = tags(&html);
        let ids: HashSet<_> = tags.iter().filter_map(|tag| tag.attribute("id")).collect();
        for tag in &tags {
            for reference in ["for", "aria-labelledby", "aria-describedby"] {
                for id in tag.attribute(reference).unwrap_or("").split_whitespace() {
                    assert!(ids.contains(id), "{page}: {reference}={id}");
                }
            }
        }
    }
}

#[test]
fn a_field_that_people_fill_in_has_a_label() {
    for (page, html) in every_document() {
        for field in elements(&html, "input") {
            if !field.is("type", "hidden") {
                assert!(!label(&html, &field).is_empty(), "{page}");
            }
        }
    }
}

#[test]
fn a_form_posts() {
    for (page, html) in every_document() {
        for form in elements(&html, "form") {
            assert!(form.is("method", "post"), "{page}: {form:?}");
        }
    }
}

#[test]
fn a_form_carries_its_token() {
    for (page, html) in every_page() {
        for form in forms(&html) {
            let tokens = form.matches("<input type=\"hidden\" name=\"form_token\"");
            assert_eq!(tokens.count(), 1, "{page}: {form}");
        }
    }
}

#[test]
fn only_consent_has_a_decision() {
    for (page, html) in every_document() {
        assert_eq!(
            html.contains("name=\"decision\""),
            page == "consent",
            "{page}"
        );
    }
}

#[test]
fn every_file_that_a_page_links_to_is_an_asset() {
    let paths: HashSet<_> = assets().iter().map(|asset| asset.path).collect();
    for (page, html) in every_document() {
        let linked = elements(&html, "link")
            .into_iter()
            .filter_map(|tag| tag.attribute("href"));
        let shown = elements(&html, "img")
            .into_iter()
            .filter_map(|tag| tag.attribute("src"));
        for path in linked.chain(shown) {
            assert!(paths.contains(path), "{page}: {path}");
        }
    }
}

#[test]
fn the_stylesheet_asks_for_nothing_else() {
    let stylesheet = assets()
        .iter()
        .find(|asset| asset.path.ends_with(".css"))
        .expect("there is a stylesheet");
    let text = String::from_utf8_lossy(stylesheet.bytes);
    assert!(!text.contains("url(") && !text.contains("@import"));
}

#[test]
fn a_channel_of_the_longest_name_can_be_ticked() {
    assert!(!input(&render(&consent()), "channel", &longest_channel()).has("disabled"));
}

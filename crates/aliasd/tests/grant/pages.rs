//! What people meet on the pages, in a browser without JavaScript where it need not have any.

use fantoccini::Locator;
use serde_json::{Value, json};

use crate::{
    chromium::Chromium,
    page::{PASSWORD, QUERY, REDIRECT_URI, text},
    running::Running,
};

/// A service with a client that declares these channels, and a user, who is signed in.
struct Visit {
    alias: Running,
    chromium: Chromium,
    client_id: String,
}

const FRED: &str = "fred@example.com";

impl Visit {
    async fn begin(javascript: bool, options: &[&str]) -> Self {
        let alias = Running::serve();
        let create = [
            "client",
            "create",
            "--name",
            "Fieldnotes",
            "--redirect-uri",
            REDIRECT_URI,
        ];
        let client = alias.cli(&[&create, options].concat(), "");
        add_user(&alias, FRED, "Fred");
        let visit = Self {
            client_id: text(&client, "client_id"),
            chromium: Chromium::open(javascript).await,
            alias,
        };
        visit.sign_in(FRED).await;
        visit
    }

    async fn sign_in(&self, email: &str) {
        self.goto("/sign-in").await;
        self.chromium.fill("input[name=email]", email).await;
        self.chromium.fill("input[name=password]", PASSWORD).await;
        self.chromium.press("form button[type=submit]").await;
    }

    async fn goto(&self, path: &str) {
        let address = format!("{}{path}", self.alias.issuer);
        self.chromium.goto(&address).await;
    }

    /// Goes to the consent page of a request.
    async fn asks(&self, query: &str) {
        let id = &self.client_id;
        self.goto(&format!(
            "/oauth2/authorize?{query}&client_id={id}&prompt=consent"
        ))
        .await;
        assert!(self.chromium.address().await.ends_with("/consent"));
    }

    async fn is_shown(&self, selector: &str) -> bool {
        let found = self.chromium.window.find(Locator::Css(selector)).await;
        let found = found.unwrap_or_else(|_| panic!("no {selector}"));
        found.is_displayed().await.expect("an answer")
    }

    /// The left edge, the top, the width and the height of what a selector finds.
    async fn place(&self, selector: &str) -> (f64, f64, f64, f64) {
        let found = self.chromium.window.find(Locator::Css(selector)).await;
        let found = found.unwrap_or_else(|_| panic!("no {selector}"));
        found.rectangle().await.expect("a place")
    }

    async fn evaluated(&self, script: &str) -> Value {
        let answer = self.chromium.window.execute(script, vec![]).await;
        answer.expect("it runs")
    }
}

fn add_user(alias: &Running, email: &str, nickname: &str) {
    let create = [
        "user",
        "create",
        "--email",
        email,
        "--nickname",
        nickname,
        "--password-stdin",
    ];
    alias.cli(&create, PASSWORD);
}

const CHANNELS: [&str; 4] = [
    "--channel",
    "notifications=When somebody answers",
    "--channel",
    "product_updates=What is new",
];

#[actix_web::test]
async fn a_channel_that_does_not_count_says_so_and_counts_after_one_click() {
    let visit = Visit::begin(false, &CHANNELS).await;
    visit.asks(QUERY).await;
    let channel = "input[name=channel][value=notifications]";
    let note = ".permission:has(> [value=notifications]) > .uncounted p";
    assert!(!visit.is_shown(note).await);
    visit.chromium.tick(channel).await;
    assert!(visit.is_shown(note).await, "said where it is seen");
    assert!(visit.chromium.shown(note).await.contains("does not count"));
    visit.chromium.tick(&format!("{note} label")).await;
    assert!(
        visit
            .chromium
            .is_ticked("input[name=scope][value=contact]")
            .await
    );
    assert!(!visit.is_shown(note).await);
    visit.chromium.close().await;
}

#[actix_web::test]
async fn buttons_keep_their_distance_and_a_name_from_right_to_left_stays_at_its_place() {
    let visit = Visit::begin(false, &CHANNELS).await;
    let right_to_left = "layla@example.com";
    add_user(&visit.alias, right_to_left, "متجر الطيور");
    visit.goto("/oauth2/logout").await;
    let (_, top, _, _) = visit.place(".decision-buttons").await;
    let (_, above, _, height) = visit.place(".cells").await;
    assert!(top - above - height > 16.0, "{top} {above} {height}");

    visit.sign_in(right_to_left).await;
    let scope = "scope=openid&response_type=code&prompt=select_account";
    let redirect = "redirect_uri=https%3A%2F%2Fexample.com%2Falias-callback";
    let id = &visit.client_id;
    visit
        .goto(&format!(
            "/oauth2/authorize?{scope}&{redirect}&client_id={id}"
        ))
        .await;
    for (page, account) in [("choose", ".account"), ("sign out", ".account")] {
        let name = format!("{account}:has(.account-name bdi:lang(en)) .account-name bdi");
        let places = visit.chromium.window.find_all(Locator::Css(&name)).await;
        let mut edges = Vec::new();
        for place in places.expect("names") {
            edges.push(place.rectangle().await.expect("a place").0);
        }
        assert_eq!(edges.len(), 2, "{page}");
        assert!((edges[0] - edges[1]).abs() < 1.0, "{page}: {edges:?}");
        visit.goto("/oauth2/logout").await;
    }
    visit.chromium.close().await;
}

#[actix_web::test]
async fn where_nothing_can_be_chosen_one_button_allows() {
    let visit = Visit::begin(false, &[]).await;
    let redirect = "redirect_uri=https%3A%2F%2Fexample.com%2Falias-callback";
    visit
        .asks(&format!("scope=openid&response_type=code&{redirect}"))
        .await;
    let buttons = visit.chromium.window.find_all(Locator::Css("button")).await;
    assert_eq!(buttons.expect("buttons").len(), 2);
    assert_eq!(
        visit.chromium.shown("button[value=approve_all]").await,
        "Allow"
    );
    visit.chromium.press(".decision .hint a").await;
    assert!(visit.chromium.address().await.ends_with("/account"));
    visit.chromium.close().await;
}

/// Many services and many channels, all allowed.
async fn with_many() -> Visit {
    let channels: Vec<String> = (1..=8)
        .map(|it| format!("channel_{it}=About {it}"))
        .collect();
    let channels: Vec<&str> = channels
        .iter()
        .flat_map(|it| ["--channel", it.as_str()])
        .collect();
    let mut visit = Visit::begin(true, &channels).await;
    let named: Vec<String> = (1..=8).map(|it| format!("channel_{it}")).collect();
    let redirect = "redirect_uri=https%3A%2F%2Fexample.com%2Falias-callback";
    let query = format!(
        "scope=openid%20contact%20nickname&channels={}&response_type=code&{redirect}",
        named.join("%20")
    );
    for number in 0..6 {
        if number > 0 {
            let name = format!("Service {number}");
            let create = [
                "client",
                "create",
                "--name",
                &name,
                "--redirect-uri",
                REDIRECT_URI,
            ];
            let client = visit
                .alias
                .cli(&[&create, channels.as_slice()].concat(), "");
            visit.client_id = text(&client, "client_id");
        }
        visit.asks(&query).await;
        visit.chromium.press("button[value=approve_all]").await;
    }
    visit
}

#[actix_web::test]
async fn after_a_revocation_focus_and_scroll_stay_where_it_was_done() {
    let visit = with_many().await;
    let small = visit.chromium.window.set_window_size(1000, 600).await;
    small.expect("a window");
    visit.goto("/account").await;
    assert!(
        !visit
            .is_shown("form[action='/account/revoke'] button")
            .await,
        "folded"
    );
    let connection = ".connection:nth-of-type(5)";
    for summary in [" > details > summary", " .fold > summary"] {
        visit.chromium.tick(&format!("{connection}{summary}")).await;
    }
    let form = format!("{connection} form:has([value=channel_7])");
    // Another block stands open above.
    let other = ".connection:nth-of-type(2) > details > summary";
    visit.chromium.tick(other).await;
    let button = format!("{form} button");
    let client = visit
        .chromium
        .value(&format!("{form} [name=client_id]"))
        .await;
    let top = |selector: &str| {
        format!("return document.querySelector({selector:?}).getBoundingClientRect().top")
    };
    let aim = format!("document.querySelector({button:?}).scrollIntoView({{block: 'center'}})");
    visit.evaluated(&aim).await;
    let before = visit.evaluated(&top(&button)).await;
    visit.chromium.press(&button).await;
    let anchor = format!("client-{client}");
    assert!(
        visit
            .chromium
            .address()
            .await
            .ends_with(&format!("/account#{anchor}"))
    );
    let notice = visit.chromium.shown(".notice").await;
    let name = visit.chromium.shown(&format!("{connection} h3")).await;
    assert_eq!(
        notice,
        format!("“About 7” is revoked. {name} can no longer use it.")
    );
    let focused = visit.evaluated("return document.activeElement.id").await;
    assert_eq!(focused, json!(anchor));
    let after = visit.evaluated(&top(".notice")).await;
    let moved = after.as_f64().expect("pixels") - before.as_f64().expect("pixels");
    assert!(
        moved.abs() < 150.0,
        "the view moved by {moved} pixels of 600"
    );
    let seen = "const box = document.querySelector('.notice').getBoundingClientRect();
        return box.top >= 0 && box.bottom <= window.innerHeight";
    assert_eq!(visit.evaluated(seen).await, json!(true));
    let around =
        format!("{connection} .held-channels > li:has(.notice) + li form:has([value=channel_8])");
    assert!(visit.chromium.has(&around).await, "where it was done");

    visit.goto("/account").await;
    assert!(
        !visit.chromium.has(".notice").await,
        "a reload tells it no more"
    );
    visit.chromium.close().await;
}

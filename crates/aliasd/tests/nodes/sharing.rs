//! What one node began, another goes on with; and what one took back is gone at all, at once.

use reqwest::{Client, Method, header::ORIGIN, redirect::Policy};

use crate::{
    cluster::{Cluster, EMAIL, EVERYTHING, Node, PASSWORD, REDIRECT_URI},
    peer::{Answer, Peer},
};

/// A browser that a load balancer sends to either node: it keeps cookies, for both are one host.
struct Browser(Client);

impl Browser {
    fn new() -> Self {
        let http = Client::builder().redirect(Policy::none()).no_proxy();
        Self(http.cookie_store(true).build().expect("a client"))
    }

    async fn opens(&self, node: &Node, page: &str) -> Answer {
        let address = format!("http://{}{page}", node.address);
        Answer::to(self.0.get(address)).await
    }

    async fn submits(&self, node: &Node, page: &str, form: &[(&str, &str)]) -> Answer {
        let address = format!("http://{}{page}", node.address);
        let request = self.0.post(address).form(form);
        let request = request
            .header(ORIGIN, "http://localhost:8080")
            .header("sec-fetch-site", "same-origin");
        Answer::to(request).await
    }

    /// Signs in by the page of one node and the answer of another.
    async fn signs_in(&self, shown: &Node, submitted: &Node, page: &str) -> Answer {
        let form_token = self.opens(shown, page).await.form_token();
        let form = [
            ("form_token", form_token.as_str()),
            ("email", EMAIL),
            ("password", PASSWORD),
        ];
        self.submits(submitted, page, &form).await
    }
}

#[tokio::test]
async fn forms_that_one_node_showed_are_answered_at_the_other() {
    let cluster = Cluster::start().await;
    let (browser, [first, second]) = (Browser::new(), &cluster.nodes);
    let request = format!(
        "/oauth2/authorize?response_type=code&client_id={}&redirect_uri={REDIRECT_URI}\
        &prompt=consent&{EVERYTHING}",
        cluster.party.client_id
    );
    let sign_in = browser.opens(first, &request).await.location();
    assert!(sign_in.ends_with("/sign-in"), "{sign_in}");
    let mut page = browser.signs_in(first, second, &sign_in).await.location();
    while !page.ends_with("/consent") {
        page = browser.opens(first, &page).await.location();
    }
    let form_token = browser.opens(first, &page).await.form_token();
    let form = [
        ("form_token", form_token.as_str()),
        ("decision", "approve_all"),
    ];
    let answer = browser.submits(second, &page, &form).await;
    let code = answer.code().expect("a code");
    cluster.peer(0).exchange(&code).await.tokens();
    assert_eq!(browser.submits(first, &page, &form).await.status, 409);
}

#[tokio::test]
async fn a_session_of_one_node_is_known_at_the_other_until_it_ends_at_either() {
    let cluster = Cluster::start().await;
    let (browser, [first, second]) = (Browser::new(), &cluster.nodes);
    let signed_in = browser.signs_in(first, second, "/sign-in").await;
    assert_eq!(signed_in.location(), "/account");
    let account = browser.opens(second, "/account").await;
    assert!(account.body.contains(EMAIL), "{account:?}");
    let form_token = browser.opens(first, "/account").await.form_token();
    // The cookie stays in this jar: only the database knows that the session has ended.
    let other = Browser(browser.0.clone());
    let left = browser
        .submits(first, "/sign-out", &[("form_token", &form_token)])
        .await;
    assert_eq!(left.location(), "/signed-out");
    assert_eq!(other.opens(second, "/account").await.location(), "/sign-in");
}

#[tokio::test]
async fn r30_a_session_token_ends_at_every_node_at_once() {
    let cluster = Cluster::start().await;
    for round in 0..20 {
        let (here, there) = (cluster.peer(round % 2), cluster.peer(1 - round % 2));
        let party = here.signed_in(EMAIL, PASSWORD).await;
        let (here, there) = (here.of(party.clone()), there.of(party));
        let grants = async || there.as_user(Method::GET, "/api/grants").await.status;
        assert_eq!(grants().await, 200);
        let ended = here.as_user(Method::DELETE, "/api/session").await;
        assert_eq!(ended.status, 204, "{ended:?}");
        assert_eq!(grants().await, 401);
    }
}

/// Both ways about, again and again: between the answer of one node and the question to the other
/// there is nothing.
async fn again_and_again(case: impl AsyncFn(&Peer, &Peer)) {
    let cluster = Cluster::start().await;
    let peers = cluster.peers();
    for round in 0..20 {
        case(&peers[round % 2], &peers[1 - round % 2]).await;
    }
}

#[tokio::test]
async fn r24_a_revocation_at_one_node_bites_at_the_other_at_once() {
    again_and_again(async |here, there| {
        let tokens = here.tokens(EVERYTHING).await;
        let told = there.userinfo(&tokens.access).await.json();
        assert_eq!(told["nickname"], "Fred");
        assert_eq!(here.takes_back("/scopes/nickname").await.status, 204);
        let told = there.userinfo(&tokens.access).await.json();
        assert_eq!(told.get("nickname"), None);
        let worth = there.introspect(&tokens.access).await.json();
        assert_eq!(worth["scope"], "openid offline_access contact");
        assert_eq!(here.takes_back("/channels/tips").await.status, 204);
        let worth = there.introspect(&tokens.access).await.json();
        assert_eq!(worth["channels"], "events");
        let refreshed = there.refresh(&tokens.refresh).await.json();
        assert_eq!(refreshed["scope"], "openid offline_access contact");
        assert_eq!(refreshed["channels"], "events");
        there.approved(EVERYTHING).await;
    })
    .await;
}

#[tokio::test]
async fn r25_a_disconnect_at_one_node_ends_everything_at_the_other_at_once() {
    again_and_again(async |here, there| {
        let (tokens, code) = (here.tokens(EVERYTHING).await, here.code(EVERYTHING).await);
        assert_eq!(here.takes_back("").await.status, 204);
        assert!(there.exchange(&code).await.is_invalid_grant());
        assert!(there.finds_dead(&tokens).await);
        let asked = there.authorize(EVERYTHING).await.location();
        assert!(asked.ends_with("/consent"), "{asked}");
        there.approved(EVERYTHING).await;
    })
    .await;
}

#[tokio::test]
async fn a_token_that_its_client_gives_back_at_one_node_is_worth_nothing_at_the_other() {
    again_and_again(async |here, there| {
        let tokens = here.tokens(EVERYTHING).await;
        assert_eq!(here.gives_back(&tokens.access).await.status, 200);
        assert_eq!(there.userinfo(&tokens.access).await.status, 401);
        let tokens = there.refresh(&tokens.refresh).await.tokens();
        assert_eq!(here.gives_back(&tokens.refresh).await.status, 200);
        assert!(there.finds_dead(&tokens).await);
    })
    .await;
}

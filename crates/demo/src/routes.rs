//! What a browser may ask for, and what it gets.

use std::time::SystemTime;

use actix_web::cookie::Cookie;
use actix_web::http::header::{HOST, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::config::{BACK_CHANNEL, CONFIDENTIAL_CALLBACK, ClientKind, PUBLIC_CALLBACK, SIGNED_OUT};
use crate::failure::{Failure, Refusal};
use crate::pages::Home;
use crate::problem::Problem;
use crate::provider::{Alias, Ask};
use crate::session::Session;
use crate::site::Site;
use crate::visitor::{Memory, Outcome};

pub(crate) fn configure(routes: &mut web::ServiceConfig) {
    routes
        .route("/", web::get().to(home))
        .route("/sign-in", web::post().to(sign_in))
        .route("/sign-in", web::get().to(back_home))
        .route("/act", web::post().to(act))
        .route("/act", web::get().to(back_home))
        .route(
            CONFIDENTIAL_CALLBACK,
            web::get().to(|request, site, answer| {
                callback(ClientKind::Confidential, request, site, answer)
            }),
        )
        .route(
            PUBLIC_CALLBACK,
            web::get()
                .to(|request, site, answer| callback(ClientKind::Public, request, site, answer)),
        )
        .route(SIGNED_OUT, web::get().to(signed_out))
        .route(BACK_CHANNEL, web::post().to(back_channel))
        .route("/fieldnotes.css", web::get().to(stylesheet))
        .route("/fieldnotes.svg", web::get().to(picture))
        .default_service(web::to(async || Err::<HttpResponse, _>(Problem::NotFound)));
}

async fn home(request: HttpRequest, site: web::Data<Site>) -> HttpResponse {
    // Under another name (`localhost`) the cookie would not be there when the callback comes.
    let host = request.headers().get(HOST);
    if host.is_some_and(|host| !site.is_named(host)) {
        return see_other(&format!("{}/", site.origin));
    }
    let (unknown, visitor) = match site.visitor(&request) {
        Some((_, visitor)) => (None, visitor),
        None => {
            let (key, visitor) = site.visitors.welcome();
            (Some(key), visitor)
        }
    };
    let memory = visitor.lock().await;
    // What the page shows of permissions is what they are at this moment. If Alias does not say, it
    // shows what came with the tokens.
    let worth = match &memory.session {
        Some(session) => site.alias.introspect(session).await.ok().flatten(),
        None => None,
    };
    let mut page = Home {
        issuer: site.alias.issuer(),
        account_url: &site.account_url,
        memory: &memory,
        worth: worth.as_ref(),
    }
    .answer();
    if let Some(key) = unknown {
        set_cookie(&mut page, &site.cookie(key));
    }
    page
}

#[derive(Deserialize)]
struct SignIn {
    form_token: String,
    client: ClientKind,
}

async fn sign_in(
    request: HttpRequest,
    site: web::Data<Site>,
    form: Option<web::Form<SignIn>>,
) -> Result<HttpResponse, Problem> {
    let form = form.ok_or(Problem::UnreadableRequest)?;
    let mut memory = site.sender(&request, &form.form_token).await?;
    set_out(&site.alias, &mut memory, form.client, Ask::SignIn).await
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Refresh,
    RefreshNarrowed,
    MoreScope,
    MoreChannel,
    Userinfo,
    Disconnect,
    SignOut,
    SignOutOfAlias,
}

#[derive(Deserialize)]
struct Act {
    form_token: String,
    action: Action,
}

async fn act(
    request: HttpRequest,
    site: web::Data<Site>,
    form: Option<web::Form<Act>>,
) -> Result<HttpResponse, Problem> {
    let form = form.ok_or(Problem::UnreadableRequest)?;
    let mut memory = site.sender(&request, &form.form_token).await?;
    let Memory {
        session, outcome, ..
    } = &mut *memory;
    // The second of two clicks may find the visitor signed out: what the first did stays shown.
    let Some(current) = session else {
        return Ok(see_other("/"));
    };
    *outcome = None;
    let kind = current.kind;
    let done = match form.action {
        Action::MoreScope => {
            return set_out(&site.alias, &mut memory, kind, Ask::OneMoreScope).await;
        }
        Action::MoreChannel => {
            return set_out(&site.alias, &mut memory, kind, Ask::OneMoreChannel).await;
        }
        Action::Refresh => refresh(&site.alias, current, &[]).await,
        Action::RefreshNarrowed => {
            let only = current.narrowed();
            refresh(&site.alias, current, &only).await
        }
        Action::Userinfo => {
            current.userinfo = None;
            let claims = site.alias.userinfo(current).await;
            claims.map(|claims| {
                current.userinfo = Some(claims);
                Outcome::Userinfo
            })
        }
        Action::Disconnect => {
            let revoked = site.alias.revoke(current).await.is_ok();
            *session = None;
            Ok(Outcome::Disconnected { revoked })
        }
        Action::SignOut => {
            *session = None;
            Ok(Outcome::SignedOut)
        }
        Action::SignOutOfAlias => match site.alias.sign_out(current).await {
            Ok((url, state)) => {
                memory.leave(state);
                return Ok(see_other(url.as_str()));
            }
            Err(failure) => Err(failure),
        },
    };
    *outcome = Some(done.or_else(told_at_home)?);
    Ok(see_other("/"))
}

async fn refresh(
    alias: &Alias,
    session: &mut Session,
    only: &[String],
) -> Result<Outcome, Failure> {
    let Some(refresh_token) = &session.tokens.refresh else {
        return Ok(Outcome::NothingToRefresh);
    };
    let tokens = alias.refresh(session.kind, refresh_token, only).await?;
    session.renew(tokens);
    Ok(Outcome::Refreshed {
        narrowed: !only.is_empty(),
    })
}

/// Sends the visitor to Alias with a request, and remembers what its answer must match.
async fn set_out(
    alias: &Alias,
    memory: &mut Memory,
    kind: ClientKind,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    memory.outcome = None;
    match alias.ask(kind, ask).await {
        Ok((url, pending)) => {
            memory.await_answer(pending);
            Ok(see_other(url.as_str()))
        }
        Err(failure) => {
            memory.outcome = Some(told_at_home(failure)?);
            Ok(see_other("/"))
        }
    }
}

/// A refusal is told at home, beside the buttons; any other failure is a page of its own.
fn told_at_home(failure: Failure) -> Result<Outcome, Problem> {
    match failure {
        Failure::Refused(refusal) => Ok(Outcome::Refused(refusal)),
        Failure::NoAnswer(problem) => Err(problem),
    }
}

/// An authorization response (RFC 6749 4.1.2, RFC 9207 2).
#[derive(Deserialize)]
struct Answer {
    state: Option<String>,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

async fn callback(
    kind: ClientKind,
    request: HttpRequest,
    site: web::Data<Site>,
    answer: Option<web::Query<Answer>>,
) -> Result<HttpResponse, Problem> {
    let answer = answer.ok_or(Problem::UnreadableRequest)?.into_inner();
    let (key, visitor) = site.visitor(&request).ok_or(Problem::StateMismatch)?;
    let mut memory = visitor.lock().await;
    let pending = memory
        .take_pending(answer.state.as_deref().unwrap_or_default())
        .filter(|pending| pending.kind == kind)
        .ok_or(Problem::StateMismatch)?;
    if !site.alias.is_named(&pending, answer.iss.as_deref()) {
        return Err(Problem::IssuerMismatch);
    }
    memory.outcome = None;
    let exchanged = match (answer.error, answer.code) {
        (Some(code), _) => Err(Failure::Refused(Refusal {
            code,
            description: answer.error_description,
        })),
        (None, Some(code)) => site.alias.exchange(pending, code).await,
        (None, None) => return Err(Problem::UnreadableRequest),
    };
    let mut response = see_other("/");
    let outcome = exchanged.map(|session| {
        memory.session = Some(session);
        let key = site.visitors.rename(&key, visitor.clone());
        set_cookie(&mut response, &site.cookie(key));
        Outcome::SignedIn
    });
    memory.outcome = Some(outcome.or_else(told_at_home)?);
    Ok(response)
}

/// The answer to a sign-out (RP-Initiated Logout 1.0, 3).
#[derive(Deserialize)]
struct Left {
    state: Option<String>,
}

async fn signed_out(
    request: HttpRequest,
    site: web::Data<Site>,
    answer: Option<web::Query<Left>>,
) -> HttpResponse {
    if let (Some(answer), Some((_, visitor))) = (answer, site.visitor(&request)) {
        let mut memory = visitor.lock().await;
        if memory.has_left(answer.state.as_deref().unwrap_or_default()) {
            memory.outcome = Some(Outcome::SignedOutOfAlias);
        }
    }
    see_other("/")
}

#[derive(Deserialize)]
struct LogoutNotice {
    logout_token: String,
}

/// Alias tells that a session ended (OpenID Connect Back-Channel Logout 1.0, 2.5 and 2.8): whoever signed
/// in here in that session is signed out.
async fn back_channel(
    site: web::Data<Site>,
    form: Option<web::Form<LogoutNotice>>,
) -> Result<HttpResponse, Problem> {
    let form = form.ok_or(Problem::UnreadableRequest)?;
    let now = SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(0, |it| it.as_secs());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let ended = match site.alias.ended(&form.logout_token, now).await {
        Ok(ended) => ended.ok_or(Problem::UnreadableRequest)?,
        Err(Failure::NoAnswer(problem)) => return Err(problem),
        Err(Failure::Refused(_)) => return Err(Problem::UnreadableRequest),
    };
    for visitor in site.visitors.all() {
        let mut memory = visitor.lock().await;
        if memory.session.as_ref().is_some_and(|it| ended.has(it)) {
            memory.session = None;
            memory.outcome = Some(Outcome::EndedByAlias);
        }
    }
    Ok(HttpResponse::Ok().finish())
}

async fn back_home() -> HttpResponse {
    see_other("/")
}

async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .body(include_str!("../assets/fieldnotes.css"))
}

async fn picture() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("image/svg+xml")
        .body(include_str!("../assets/fieldnotes.svg"))
}

fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, to))
        .finish()
}

/// A cookie of random base64url can always be a header.
fn set_cookie(response: &mut HttpResponse, cookie: &Cookie<'_>) {
    if let Err(error) = response.add_cookie(cookie) {
        tracing::error!(%error, "the visitor's cookie could not be set");
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]
mod tests {
    use super::*;
    use crate::provider::Pending;
    use crate::site::VISITOR_COOKIE;
    use crate::visitor::Visitor;
    use actix_web::cookie::SameSite;
    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, body::to_bytes};

    /// A browser that has been to the home page, at a site whose Alias nobody serves.
    struct Browser {
        site: web::Data<Site>,
        key: String,
        visitor: Visitor,
    }

    impl Browser {
        fn new() -> Self {
            let mut config = crate::config::example();
            let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            config.issuer = format!("http://{}", unused.local_addr().unwrap());
            let site = web::Data::new(Site::new(config).unwrap());
            let (key, visitor) = site.visitors.welcome();
            Self { site, key, visitor }
        }

        async fn send(&self, request: TestRequest) -> (StatusCode, String) {
            let app = App::new().app_data(self.site.clone()).configure(configure);
            let request = request.cookie(self.site.cookie(self.key.clone()));
            let response = call_service(&init_service(app).await, request.to_request()).await;
            let status = response.status();
            let body = to_bytes(response.into_body()).await.ok().unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        }

        async fn get(&self, address: &str) -> (StatusCode, String) {
            self.send(TestRequest::get().uri(address)).await
        }

        async fn sign_in(&self, site: &'static str, form_token: &str) -> StatusCode {
            let form = [("form_token", form_token), ("client", "public")];
            let request = TestRequest::post()
                .uri("/sign-in")
                .insert_header(("Sec-Fetch-Site", site))
                .set_form(form);
            self.send(request).await.0
        }

        async fn awaits(&self, state: &str) {
            self.visitor
                .lock()
                .await
                .await_answer(Pending::example(state));
        }

        async fn form_token(&self) -> String {
            self.visitor.lock().await.form_token.clone()
        }

        fn issuer(&self) -> &str {
            self.site.alias.issuer()
        }
    }

    #[actix_web::test]
    async fn a_form_of_another_site_is_refused() {
        let browser = Browser::new();
        let form_token = browser.form_token().await;
        let status = browser.sign_in("cross-site", &form_token).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }

    #[actix_web::test]
    async fn a_form_without_the_visitors_token_is_refused() {
        let status = Browser::new().sign_in("same-origin", "another").await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }

    #[actix_web::test]
    async fn an_alias_that_does_not_answer_is_said_to_be_unreachable() {
        let browser = Browser::new();
        let form_token = browser.form_token().await;
        let status = browser.sign_in("same-origin", &form_token).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[actix_web::test]
    async fn an_answer_with_another_state_is_refused() {
        let browser = Browser::new();
        browser.awaits("expected").await;
        let (status, page) = browser.get("/callback?code=c&state=other").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(page.contains("state_mismatch"));
    }

    #[actix_web::test]
    async fn an_answer_at_the_other_clients_callback_is_refused() {
        let browser = Browser::new();
        browser.awaits("expected").await;
        let (status, _) = browser.get("/callback-public?code=c&state=expected").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }

    #[actix_web::test]
    async fn an_answer_of_another_issuer_is_refused() {
        for iss in ["", "&iss=https://elsewhere.example"] {
            let browser = Browser::new();
            browser.awaits("expected").await;
            let address = format!("/callback?code=c&state=expected{iss}");
            let (_, page) = browser.get(&address).await;
            assert!(page.contains("issuer_mismatch"));
        }
    }

    #[actix_web::test]
    async fn an_error_answer_is_shown_at_home_with_its_code_and_without_its_markup() {
        let browser = Browser::new();
        browser.awaits("expected").await;
        let address = format!(
            "/callback?error=access_denied&error_description=%3Cb%3Eno&state=expected&iss={}",
            browser.issuer()
        );
        let (status, _) = browser.get(&address).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let (_, page) = browser.get("/").await;
        assert!(page.contains("<code>access_denied</code>"));
        assert!(page.contains("&#60;b&#62;no") && !page.contains("<b>no"));
    }

    #[actix_web::test]
    async fn a_repeated_parameter_is_no_answer() {
        let browser = Browser::new();
        browser.awaits("expected").await;
        let (_, page) = browser.get("/callback?code=c&state=expected&state=x").await;
        assert!(page.contains("unreadable_request"));
    }

    #[actix_web::test]
    async fn a_visitor_under_another_name_is_sent_to_the_own_one() {
        let request = TestRequest::get().insert_header((HOST, "localhost:8081"));
        let (status, _) = Browser::new().send(request).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
    }

    #[actix_web::test]
    async fn the_visitors_cookie_stays_out_of_scripts_and_foreign_forms() {
        let site = Browser::new().site;
        let app = App::new().app_data(site).configure(configure);
        let request = TestRequest::get().to_request();
        let response = call_service(&init_service(app).await, request).await;
        let cookie = response.response().cookies().next().unwrap().into_owned();
        assert_eq!(cookie.name(), VISITOR_COOKIE);
        assert_eq!(cookie.http_only(), Some(true));
        assert_eq!(cookie.same_site(), Some(SameSite::Lax));
    }
}

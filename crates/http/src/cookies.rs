use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};
use alias_domain::{Digest, Secret};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The most accounts that one browser holds; the oldest gives way.
const MOST_SESSIONS: usize = 8;

/// The most names of one browser that are looked at: no browser keeps more cookies of one host. Each is
/// 75 bytes of a request's head.
const MOST_BROWSERS: usize = 180;

/// How long a browser is known: as long as browsers keep any cookie (RFC 6265bis 5.5).
const BROWSER_DAYS: i64 = 400;

/// How long a notice waits for its page: it comes at once, or not at all.
pub(crate) const NOTICE_SECONDS: i64 = 60;

/// The cookies of the service. Their names are unique whatever their path, and under https the
/// `__Host-` prefix ties them to this host alone.
pub(crate) struct Cookies {
    session: &'static str,
    browser: &'static str,
    notice: &'static str,
    secure: bool,
}

impl Cookies {
    pub(crate) fn for_issuer(issuer: &str) -> Self {
        if issuer.starts_with("https:") {
            Self {
                session: "__Host-alias_session",
                browser: "__Host-alias_browser",
                notice: "__Host-alias_notice",
                secure: true,
            }
        } else {
            Self {
                session: "alias_session",
                browser: "alias_browser",
                notice: "alias_notice",
                secure: false,
            }
        }
    }

    /// The session tokens that a browser holds, latest sign-in last.
    pub(crate) fn sessions(&self, request: &HttpRequest) -> Vec<Secret> {
        let cookie = request.cookie(self.session);
        let tokens = cookie.as_ref().map_or("", Cookie::value).split('.');
        tokens
            .filter(|it| !it.is_empty())
            .take(MOST_SESSIONS)
            .map(|it| Secret::new(it.to_owned()))
            .collect()
    }

    /// What knows this browser, and no user. It may be more than one: see
    /// [`Cookies::set_browser`].
    pub(crate) fn browsers(&self, request: &HttpRequest) -> Vec<Secret> {
        let Ok(cookies) = request.cookies() else {
            return Vec::new();
        };
        let ours = cookies
            .iter()
            .filter(|it| is_named(self.browser, it.name()));
        ours.take(MOST_BROWSERS)
            .map(|it| Secret::new(it.value().to_owned()))
            .collect()
    }

    /// The name is the cookie's own, by its value. Tabs that a new browser opens at once are each given
    /// one before any of them is there, and none may take the place of another: pages are bound to each.
    pub(crate) fn set_browser(&self, secret: &Secret) -> Cookie<'static> {
        let name = own_name(self.browser, secret.digest());
        let mut cookie = self.cookie(name, secret.expose().to_owned());
        cookie.set_max_age(Duration::days(BROWSER_DAYS));
        cookie
    }

    /// The notices that pages are to show: the name of a cookie, and its token.
    pub(crate) fn notices(&self, request: &HttpRequest) -> Vec<(String, String)> {
        let Ok(cookies) = request.cookies() else {
            return Vec::new();
        };
        let is_ours = |it: &&Cookie<'_>| is_named(self.notice, it.name()) && !it.value().is_empty();
        let ours = cookies.iter().filter(is_ours);
        ours.map(|it| (it.name().to_owned(), it.value().to_owned()))
            .collect()
    }

    /// The name is the cookie's own, by what was done: in several tabs, forms are answered at once.
    pub(crate) fn set_notice(&self, act: Digest, token: &Secret) -> Cookie<'static> {
        let name = own_name(self.notice, act);
        let mut cookie = self.cookie(name, token.expose().to_owned());
        cookie.set_max_age(Duration::seconds(NOTICE_SECONDS));
        cookie
    }

    pub(crate) fn drop_notice(&self, name: &str) -> Cookie<'static> {
        let mut cookie = self.cookie(name.to_owned(), String::new());
        cookie.set_max_age(Duration::ZERO);
        cookie
    }

    /// The cookie for these sessions of `held`, and a new one beside them.
    pub(crate) fn set_sessions(
        &self,
        held: &[Secret],
        kept: &[Digest],
        new: Option<&Secret>,
        max_age_seconds: i64,
    ) -> Cookie<'static> {
        let held = held.iter().filter(|it| kept.contains(&it.digest()));
        let tokens: Vec<&str> = held.chain(new).map(Secret::expose).collect();
        let latest = tokens.len().saturating_sub(MOST_SESSIONS);
        let mut cookie = self.cookie(self.session.to_owned(), tokens[latest..].join("."));
        cookie.set_max_age(if tokens.is_empty() {
            Duration::ZERO
        } else {
            Duration::seconds(max_age_seconds)
        });
        cookie
    }

    fn cookie(&self, name: String, value: String) -> Cookie<'static> {
        Cookie::build(name, value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .finish()
    }
}

/// The name of one of several cookies of a kind.
fn own_name(kind: &str, digest: Digest) -> String {
    let digest = URL_SAFE_NO_PAD.encode(&digest.bytes()[..6]);
    format!("{kind}_{digest}")
}

fn is_named(kind: &str, name: &str) -> bool {
    let rest = name.strip_prefix(kind);
    rest.is_some_and(|it| it.is_empty() || it.starts_with('_'))
}

//! Cookies as a browser keeps them (RFC 6265bis).

use std::time::{Duration, Instant};

use actix_web::cookie::{Cookie, SameSite};

/// The cookies of one host, which is asked over TLS.
#[derive(Default)]
pub(crate) struct Jar(Vec<Kept>);

struct Kept {
    cookie: Cookie<'static>,
    until: Option<Instant>,
}

/// A request, as far as it matters to `SameSite` (RFC 6265bis 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// One of the host's own pages.
    SameSite,
    /// Another site, which leads the whole browser here by a safe method.
    CrossSiteNavigation,
    /// Another site, by any other method.
    CrossSite,
}

impl Jar {
    /// Takes what a response sets; what a browser would refuse is a fault of the service.
    pub(crate) fn take(&mut self, header: &str) {
        let cookie = Cookie::parse(header.to_owned()).expect("a cookie");
        assert_eq!(
            cookie.domain(),
            None,
            "a cookie of this host alone: {header}"
        );
        assert_eq!(cookie.http_only(), Some(true), "{header}");
        assert_eq!(cookie.secure(), Some(true), "{header}");
        assert!(cookie.name().starts_with("__Host-"), "{header}");
        assert_eq!(cookie.path(), Some("/"), "the prefix asks for it: {header}");
        assert_ne!(cookie.same_site(), Some(SameSite::None), "{header}");
        self.0.retain(|it| it.cookie.name() != cookie.name());
        let lives = cookie.max_age().map(|it| it.whole_seconds());
        if lives.is_none_or(|seconds| seconds > 0) {
            let seconds = lives.and_then(|it| u64::try_from(it).ok());
            let until = seconds.map(|it| Instant::now() + Duration::from_secs(it));
            self.0.push(Kept { cookie, until });
        }
    }

    /// What goes with a request.
    pub(crate) fn header(&self, origin: Origin) -> String {
        let alive = |it: &&Kept| it.until.is_none_or(|until| Instant::now() < until);
        let admitted = |it: &&Kept| match it.cookie.same_site() {
            Some(SameSite::Strict) => origin == Origin::SameSite,
            // What says nothing is `Lax`.
            Some(SameSite::Lax) | None => origin != Origin::CrossSite,
            Some(SameSite::None) => true,
        };
        let sent = self.0.iter().filter(alive).filter(admitted);
        let pairs: Vec<String> = sent.map(|it| it.cookie.stripped().to_string()).collect();
        pairs.join("; ")
    }
}

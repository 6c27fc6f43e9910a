//! A browser without scripts, and the person at it. It follows links and forms of the service, and
//! stops where it is led away from it.

use std::cell::RefCell;

use reqwest::{Client, Response, Url, header::HeaderMap};

use crate::{
    cookies::{Jar, Origin},
    html::Form,
    service::Service,
};

/// The most pages and redirects of one visit.
const MOST_STEPS: usize = 20;

/// Somebody with an account, who says yes to everything.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: String,
}

pub(crate) struct Browser {
    http: Client,
    issuer: Url,
    jar: RefCell<Jar>,
}

/// Where a visit led.
pub(crate) struct Visit {
    /// The pages that were shown, in order.
    pub(crate) shown: Vec<Page>,
    callback: Option<Callback>,
}

/// A request that the browser would send to a client.
pub(crate) struct Callback {
    /// As the service wrote it.
    pub(crate) address: String,
    /// The body, if it is posted: a form, as browsers encode it.
    pub(crate) posted: Option<String>,
}

/// A page of the service.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) html: String,
    pub(crate) kind: PageKind,
    address: Url,
    /// What its policy says of where its forms may lead.
    form_action: Option<String>,
    forms: Vec<Form>,
}

/// What a page wants, by the names that stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageKind {
    SignIn,
    Consent,
    /// Whether to sign out.
    SignOut,
    /// It takes an answer to a client.
    FormPost,
    Other,
}

/// A request that the browser is about to send.
struct Step {
    address: String,
    posted: Option<String>,
    origin: Origin,
    /// The policy of the page whose form leads here.
    form_action: Option<String>,
}

impl Browser {
    /// One that nobody has used yet.
    pub(crate) fn open(service: &Service) -> Self {
        Self {
            http: service.http(),
            issuer: Url::parse(&service.issuer).expect("an issuer"),
            jar: RefCell::default(),
        }
    }

    /// Follows a link of another site. Without a person, the first question is where it ends.
    pub(crate) async fn follow(&self, address: &Url, person: Option<&Person>) -> Visit {
        let step = Step {
            address: address.to_string(),
            posted: None,
            origin: Origin::CrossSiteNavigation,
            form_action: None,
        };
        self.go(step, person).await
    }

    /// Sends a form of another site.
    pub(crate) async fn submit(
        &self,
        address: &str,
        fields: &[(String, String)],
        person: Option<&Person>,
    ) -> Visit {
        let step = Step {
            address: address.to_owned(),
            posted: Some(encoded(fields)),
            origin: Origin::CrossSite,
            form_action: None,
        };
        self.go(step, person).await
    }

    async fn go(&self, mut step: Step, person: Option<&Person>) -> Visit {
        let mut shown = Vec::new();
        for _ in 0..MOST_STEPS {
            let address = Url::parse(&step.address).expect("an address");
            step.check_policy(&self.issuer, &address);
            if address.origin() != self.issuer.origin() {
                let callback = Some(Callback {
                    address: step.address,
                    posted: step.posted,
                });
                return Visit { shown, callback };
            }
            let answer = self.send(&step).await;
            if let Some(location) = answer.headers().get("location") {
                let location = location.to_str().expect("ASCII");
                step = step.redirected(answer.status().as_u16(), &address, location);
                continue;
            }
            let page = Page::read(answer, address).await;
            let next = match (page.kind, person) {
                // With scripts it would go on by itself: nobody is asked anything.
                (PageKind::FormPost, _) => Some(page.sent(|_| true, &[], None)),
                (_, Some(person)) => person.answer(&page),
                (_, None) => None,
            };
            shown.push(page);
            match next {
                Some(next) => step = next,
                None => {
                    let callback = None;
                    return Visit { shown, callback };
                }
            }
        }
        panic!("no end after {MOST_STEPS} steps");
    }

    async fn send(&self, step: &Step) -> Response {
        let mut request = match &step.posted {
            None => self.http.get(&step.address),
            Some(form) => self
                .http
                .post(&step.address)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.clone()),
        };
        // A form says where it comes from; of a page without a referrer, that is "null".
        let (site, origin) = match step.origin {
            Origin::SameSite => ("same-origin", "null"),
            _ => ("cross-site", "https://first.example"),
        };
        request = request.header("sec-fetch-site", site);
        if step.posted.is_some() {
            request = request.header("origin", origin);
        }
        let cookies = self.jar.borrow().header(step.origin);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        let answer = request.send().await.expect("an answer");
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().expect("ASCII");
            self.jar.borrow_mut().take(cookie);
        }
        private(answer.headers());
        answer
    }
}

impl Step {
    fn redirected(self, status: u16, from: &Url, location: &str) -> Self {
        assert!(
            matches!(status, 302 | 303),
            "{status} would send a form on, or be kept"
        );
        assert!(
            self.posted.is_none() || status == 303,
            "RFC 9700 4.12: a form is answered by 303, not {status}"
        );
        let address = match Url::parse(location) {
            Ok(_) => location.to_owned(),
            Err(_) => from.join(location).expect("an address").to_string(),
        };
        Self {
            address,
            posted: None,
            // A redirect is a navigation by GET, and remembers who began it.
            origin: match self.origin {
                Origin::CrossSite => Origin::CrossSiteNavigation,
                origin => origin,
            },
            form_action: self.form_action,
        }
    }

    /// Chromium holds a form, and every redirect after it, to the page's `form-action`.
    fn check_policy(&self, own: &Url, address: &Url) {
        let Some(sources) = &self.form_action else {
            return;
        };
        let origin = address.origin().ascii_serialization();
        let admitted = sources.split(' ').any(|source| match source {
            "'self'" => address.origin() == own.origin(),
            source => source == origin,
        });
        assert!(admitted, "form-action {sources} does not admit {address}");
    }
}

/// What no answer to a browser may lack.
fn private(headers: &HeaderMap) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let policy = headers["content-security-policy"].to_str().expect("ASCII");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
}

impl Page {
    async fn read(answer: Response, address: Url) -> Self {
        let status = answer.status().as_u16();
        let content_type = answer.headers()["content-type"].to_str().expect("ASCII");
        assert_eq!(content_type, "text/html; charset=utf-8");
        let policy = &answer.headers()["content-security-policy"];
        let mut directives = policy.to_str().expect("ASCII").split("; ");
        let form_action = directives.find_map(|it| it.strip_prefix("form-action "));
        let form_action = form_action.map(str::to_owned);
        let html = answer.text().await.expect("a page");
        let forms = Form::all(&html);
        let leaves = |form: &Form| {
            address
                .join(form.action())
                .is_ok_and(|it| it.origin() != address.origin())
        };
        let kind = if forms.iter().any(|it| it.has("password")) {
            PageKind::SignIn
        } else if forms.iter().any(|it| it.has("decision")) {
            PageKind::Consent
        } else if forms.iter().any(|it| it.has("sign_out")) {
            PageKind::SignOut
        } else if forms.iter().any(leaves) {
            PageKind::FormPost
        } else {
            PageKind::Other
        };
        Self {
            status,
            html,
            kind,
            address,
            form_action,
            forms,
        }
    }

    /// The value that a field has when the page is shown.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let control = self.forms.iter().find_map(|it| it.control(name));
        control.and_then(|it| it.get("value"))
    }

    fn sent(
        &self,
        chosen: impl Fn(&Form) -> bool,
        filled_in: &[(&str, &str)],
        button: Option<(&str, &str)>,
    ) -> Step {
        let form = self.forms.iter().find(|it| chosen(it)).expect("a form");
        assert!(form.is_posted());
        let address = self.address.join(form.action()).expect("an address");
        let address = match Url::parse(form.action()) {
            Ok(_) => form.action().to_owned(),
            Err(_) => address.to_string(),
        };
        Step {
            address,
            posted: Some(encoded(&form.submitted(filled_in, button))),
            origin: Origin::SameSite,
            form_action: self.form_action.clone(),
        }
    }
}

impl Person {
    /// What they do at a page; `None` if there is nothing to do.
    fn answer(&self, page: &Page) -> Option<Step> {
        let failed = page.html.contains("id=\"failed\"");
        assert!(!failed, "{} cannot sign in", self.email);
        match page.kind {
            PageKind::SignIn => {
                let credentials = [("email", &*self.email), ("password", &*self.password)];
                Some(page.sent(|it| it.has("password"), &credentials, None))
            }
            PageKind::Consent => {
                let button = Some(("decision", "approve_all"));
                Some(page.sent(|it| it.has("decision"), &[], button))
            }
            PageKind::SignOut => {
                let form = page.forms.iter().find(|it| it.has("sign_out"))?;
                let yes = form.control("sign_out")?.get("value")?;
                Some(page.sent(|it| it.has("sign_out"), &[], Some(("sign_out", yes))))
            }
            PageKind::FormPost | PageKind::Other => None,
        }
    }
}

impl Visit {
    /// Where it left the service.
    #[track_caller]
    pub(crate) fn callback(&self) -> &Callback {
        let Some(callback) = &self.callback else {
            let page = self.shown.last().expect("a page");
            panic!("it stays at the service: {} {}", page.status, page.html);
        };
        callback
    }

    /// The page at which it ended.
    #[track_caller]
    pub(crate) fn page(&self) -> &Page {
        if let Some(callback) = &self.callback {
            panic!("it is led to {}", callback.address);
        }
        self.shown.last().expect("a page")
    }

    /// Whether a page of this kind was shown.
    pub(crate) fn showed(&self, kind: PageKind) -> bool {
        self.shown.iter().any(|it| it.kind == kind)
    }

    /// Whether anybody was asked anything.
    pub(crate) fn asked(&self) -> bool {
        self.shown.iter().any(|it| it.kind != PageKind::FormPost)
    }
}

fn encoded(fields: &[(String, String)]) -> String {
    let url = Url::parse_with_params("form:", fields).expect("a query");
    url.query().unwrap_or_default().to_owned()
}

//! The authorization response (RFC 6749 4.1.2), with the issuer in it (RFC 9207), in the mode that
//! was asked for (OAuth 2.0 Multiple Response Type Encoding Practices 2.1, OAuth 2.0 Form Post
//! Response Mode).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::request::LONGEST_STATE;
use crate::{AuthorizationRequest, Callback, Params, RequestError, Secret, params::push_query};

/// The longest request object that is looked into, in bytes.
const LONGEST_OBJECT: usize = 8192;

/// How a response gets to a client.
///
/// ```
/// use alias_domain::ResponseMode;
/// assert_eq!(ResponseMode::default().name(), "query");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of a redirect.
    #[default]
    Query,
    /// In the body of a form that the browser posts.
    FormPost,
}

impl ResponseMode {
    /// Every mode, the default first.
    ///
    /// ```
    /// use alias_domain::ResponseMode;
    /// assert_eq!(ResponseMode::ALL.map(ResponseMode::name), ["query", "form_post"]);
    /// ```
    pub const ALL: [Self; 2] = [Self::Query, Self::FormPost];

    /// The value of `response_mode`; see [`ResponseMode::ALL`] for an example.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }

    /// The mode of a name.
    ///
    /// ```
    /// assert_eq!(alias_domain::ResponseMode::named("fragment"), None);
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Whether a response can get to this callback so.
    ///
    /// ```
    /// # use alias_domain::{ResponseMode, testing::sample};
    /// let callback = sample::client().callback(sample::REDIRECT_URI).unwrap();
    /// assert!(ResponseMode::FormPost.reaches(&callback));
    /// ```
    #[must_use]
    pub fn reaches(self, callback: &Callback) -> bool {
        match self {
            Self::Query => true,
            Self::FormPost => callback.takes_posts(),
        }
    }
}

/// Where a response goes, how, and what it is to say there.
///
/// ```
/// # use alias_domain::*;
/// let callback = testing::sample::client().callback("https://example.com/alias-callback").unwrap();
/// let reply = Reply { callback, mode: ResponseMode::Query, state: Some("a b".to_owned()) };
/// let denied = RequestError::new(ErrorCode::AccessDenied, "no");
/// let Response::Redirect(location) = reply.error(&denied, "https://projectalias.com") else {
///     unreachable!("a query is part of an address");
/// };
/// assert_eq!(
///     location.expose(),
///     "https://example.com/alias-callback?error=access_denied&error_description=no\
///      &state=a%20b&iss=https%3A%2F%2Fprojectalias.com"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Where it goes.
    pub callback: Callback,
    /// How it gets there.
    pub mode: ResponseMode,
    /// The `state` of the request, exactly.
    pub state: Option<String>,
}

/// A response on its way to a client.
///
/// ```
/// # use alias_domain::*;
/// let response = Response::Redirect(Secret::new("https://example.com/?code=8amd".to_owned()));
/// assert!(!format!("{response:?}").contains("8amd"));
/// ```
#[derive(Clone, Debug)]
pub enum Response {
    /// Redirect to this address. It is secret: there may be a code in it.
    Redirect(Secret),
    /// Let the browser post a form.
    Post(FormPost),
}

/// A form for the browser to post to a client.
///
/// ```
/// # use alias_domain::*;
/// # let callback = testing::sample::client().callback(testing::sample::REDIRECT_URI).unwrap();
/// let form = FormPost {
///     callback,
///     fields: vec![("code", Secret::new("8amd".to_owned()))],
/// };
/// ```
#[derive(Clone, Debug)]
pub struct FormPost {
    /// Where it goes.
    pub callback: Callback,
    /// What it says, by name.
    pub fields: Vec<(&'static str, Secret)>,
}

impl Reply {
    /// How a request wants to be answered at a callback: that much is known, and kept to, whatever
    /// else is wrong with it. A mode that is unknown, or does not get there, is told by a query.
    ///
    /// ```
    /// # use alias_domain::*;
    /// let callback = testing::sample::client().callback(testing::sample::REDIRECT_URI).unwrap();
    /// let params = Params::parse("response_mode=form_post&state=s");
    /// assert_eq!(Reply::requested(&params, callback).mode, ResponseMode::FormPost);
    /// ```
    #[must_use]
    pub fn requested(params: &Params, callback: Callback) -> Self {
        let mode = params.text("response_mode").ok().flatten();
        let mode = mode.and_then(ResponseMode::named);
        Self {
            mode: mode.filter(|it| it.reaches(&callback)).unwrap_or_default(),
            state: AuthorizationRequest::state(params),
            callback,
        }
    }

    /// How the refusal of a request object (`request_not_supported`) gets to the client.
    ///
    /// OIDC Core 6.1 lets a client say `response_mode` and `state` in its object alone, and such a
    /// client takes the refusal by no other way. So these two are read where they do not stand
    /// outside, from an object that nobody verified: it decides nothing else, and what is no object
    /// says nothing. The callback is always the one from outside.
    ///
    /// ```
    /// # use alias_domain::*;
    /// let callback = testing::sample::client().callback(testing::sample::REDIRECT_URI).unwrap();
    /// // {}.{"response_mode":"form_post"}.
    /// let params = Params::parse("request=e30.eyJyZXNwb25zZV9tb2RlIjoiZm9ybV9wb3N0In0.");
    /// let reply = Reply::requested(&params, callback);
    /// assert_eq!(reply.mode, ResponseMode::Query);
    /// assert_eq!(reply.by_refused_object(&params).mode, ResponseMode::FormPost);
    /// ```
    #[must_use]
    pub fn by_refused_object(mut self, params: &Params) -> Self {
        let object = params.one("request").ok().flatten().and_then(unverified);
        let object = object.unwrap_or_default();
        let inner = |name| {
            let value = object.get(name)?.as_str()?;
            let sound = !value.is_empty() && !value.contains(char::is_control);
            (sound && !params.has(name)).then_some(value)
        };
        if let Some(mode) = inner("response_mode").and_then(ResponseMode::named)
            && mode.reaches(&self.callback)
        {
            self.mode = mode;
        }
        if let Some(state) = inner("state").filter(|it| it.len() <= LONGEST_STATE) {
            self.state = Some(state.to_owned());
        }
        self
    }

    /// Hands a code to the client.
    ///
    /// ```
    /// # use alias_domain::*;
    /// let callback = testing::sample::client().callback(testing::sample::REDIRECT_URI).unwrap();
    /// let reply = Reply { callback, mode: ResponseMode::FormPost, state: None };
    /// let Response::Post(form) =
    ///     reply.code(&Secret::new("8amd".to_owned()), "https://projectalias.com")
    /// else {
    ///     unreachable!("it was asked for a form");
    /// };
    /// let names: Vec<&str> = form.fields.iter().map(|it| it.0).collect();
    /// assert_eq!(names, ["code", "iss"]);
    /// ```
    #[must_use]
    pub fn code(&self, code: &Secret, issuer: &str) -> Response {
        self.response(&[("code", code.expose())], issuer)
    }

    /// Tells the client what is wrong; see the type for an example.
    #[must_use]
    pub fn error(&self, error: &RequestError, issuer: &str) -> Response {
        let error = [
            ("error", error.code.name()),
            ("error_description", &error.description),
        ];
        self.response(&error, issuer)
    }

    fn response(&self, told: &[(&'static str, &str)], issuer: &str) -> Response {
        let state = self.state.as_deref().map(|state| ("state", state));
        let fields = told.iter().copied().chain(state).chain([("iss", issuer)]);
        match self.mode {
            ResponseMode::Query => Response::Redirect(self.location(fields)),
            ResponseMode::FormPost => {
                let secret = |(name, value): (_, &str)| (name, Secret::new(value.to_owned()));
                Response::Post(FormPost {
                    callback: self.callback.clone(),
                    fields: fields.map(secret).collect(),
                })
            }
        }
    }

    fn location<'a>(&self, fields: impl Iterator<Item = (&'a str, &'a str)>) -> Secret {
        let mut query = String::new();
        for (name, value) in fields {
            push_query(&mut query, name, value);
        }
        let uri = self.callback.as_str();
        let joint = match uri.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        Secret::new(format!("{uri}{joint}{query}"))
    }
}

/// The claims of a JWT in its compact form, whoever made it.
fn unverified(object: &str) -> Option<Map<String, Value>> {
    if object.len() > LONGEST_OBJECT {
        return None;
    }
    let parts: Vec<&str> = object.split('.').collect();
    let [_header, claims, _signature] = parts[..] else {
        return None;
    };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

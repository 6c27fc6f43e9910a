//! What is known of a request wherever it is answered: its ID, and where it comes from. The ID is in
//! every answer, on every page that says what went wrong, and in every line of the log about it.

use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
};

use actix_web::{
    HttpResponse,
    http::header::{HeaderMap, HeaderName, HeaderValue},
    web::Data,
};
use tracing_actix_web::RequestId;

use crate::quota::Quota;

/// Whoever asks for help names it, and whoever helps finds it in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Context;
}

/// A request that is being answered.
pub(crate) struct Context {
    id: RequestId,
    source: Option<IpAddr>,
    /// How many lines strangers may cause.
    quota: Data<Quota>,
    /// The log says already why it is answered as it is.
    is_told: Cell<bool>,
    /// The ID of an earlier request, which this one shows the answer to.
    about: RefCell<Option<String>>,
}

impl Context {
    pub(crate) fn new(id: RequestId, source: Option<IpAddr>, quota: Data<Quota>) -> Self {
        Self {
            id,
            source,
            quota,
            is_told: Cell::new(false),
            about: RefCell::default(),
        }
    }

    /// Runs what answers the request.
    pub(crate) async fn run<T>(self, answer: impl Future<Output = T>) -> T {
        CURRENT.scope(self, answer).await
    }

    pub(crate) const fn id(&self) -> RequestId {
        self.id
    }

    pub(crate) const fn source(&self) -> Option<IpAddr> {
        self.source
    }

    pub(crate) fn quota(&self) -> &Quota {
        &self.quota
    }

    pub(crate) const fn is_told(&self) -> bool {
        self.is_told.get()
    }

    /// The log has a line that says why.
    pub(crate) fn tell(&self) {
        self.is_told.set(true);
    }
}

/// Reads the context; `None` where no request is answered.
pub(crate) fn read<T>(of: impl FnOnce(&Context) -> T) -> Option<T> {
    CURRENT.try_with(of).ok()
}

/// From now on what is shown is the answer to the earlier request of this ID.
pub(crate) fn is_about(id: String) {
    read(|context| context.about.replace(Some(id)));
}

/// The ID by which whoever runs this service finds in the log what is shown.
pub(crate) fn shown_id() -> Option<String> {
    read(|context| {
        let earlier = context.about.borrow().clone();
        earlier.unwrap_or_else(|| context.id.to_string())
    })
}

/// The ID of the request that is being answered.
pub(crate) fn request_id() -> Option<RequestId> {
    read(Context::id)
}

/// Makes an answer to a request whose own context is gone, and gives it the ID.
pub(crate) fn within(id: Option<RequestId>, answer: impl FnOnce() -> HttpResponse) -> HttpResponse {
    let Some(id) = id else {
        return answer();
    };
    let context = Context::new(id, None, Data::default());
    context.tell();
    CURRENT.sync_scope(context, || {
        let mut response = answer();
        identify(response.headers_mut());
        response
    })
}

/// Gives an answer the ID of the request.
pub(crate) fn identify(headers: &mut HeaderMap) {
    let id = request_id().map(|it| HeaderValue::from_str(&it.to_string()));
    if let Some(Ok(id)) = id {
        headers.insert(REQUEST_ID, id);
    }
}

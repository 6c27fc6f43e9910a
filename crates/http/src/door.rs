//! Whether a node serves. What serves comes later than the address: while the store is away, a
//! node listens and says why it does not serve.

use std::{rc::Rc, sync::Arc};

use actix_web::{
    Error, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{Extensions, ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};
use arc_swap::ArcSwap;

use crate::{
    api::ApiError,
    pages::ErrorCause,
    paths, respond,
    state::{Service, State},
};

/// The door of a node: closed while it starts, then open, and closing once it stops. Its clones
/// are the same door.
#[derive(Clone)]
pub struct Door(Arc<ArcSwap<Readiness>>);

/// Where a node stands between its start and its end.
#[derive(Clone)]
pub(crate) enum Readiness {
    /// Nothing can be served yet.
    Starting { reason: String },
    /// This is served.
    Ready(Data<State>),
    /// Requests should go elsewhere. Those that come are served, if that ever began.
    Stopping(Option<Data<State>>),
}

impl Door {
    /// A door that is closed, and why.
    #[must_use]
    pub fn closed(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self(Arc::new(ArcSwap::from_pointee(Readiness::Starting {
            reason,
        })))
    }

    /// Says anew why it is closed still, and whether that is another reason than before. One that
    /// has been opened, or is closing, stays so.
    pub fn wait(&self, reason: &str) -> bool {
        let news =
            |now: &Readiness| matches!(now, Readiness::Starting { reason: it } if it != reason);
        if !news(&self.readiness()) {
            return false;
        }
        self.turn(|now| match now {
            Readiness::Starting { .. } => Readiness::Starting {
                reason: reason.to_owned(),
            },
            Readiness::Ready(_) | Readiness::Stopping(_) => now.clone(),
        });
        true
    }

    /// Lets requests in to what is served from now on. One that is closing stays so.
    pub fn open(&self, service: Service) {
        let state = Data::new(State::of(service));
        self.turn(|now| match now {
            Readiness::Starting { .. } | Readiness::Ready(_) => Readiness::Ready(state.clone()),
            Readiness::Stopping(_) => Readiness::Stopping(Some(state.clone())),
        });
    }

    /// Says that requests should go elsewhere, while those that still come are served. There is
    /// no way back.
    pub fn close(&self) {
        self.turn(|now| Readiness::Stopping(now.state().cloned()));
    }

    pub(crate) fn readiness(&self) -> Arc<Readiness> {
        self.0.load_full()
    }

    fn turn(&self, next: impl Fn(&Readiness) -> Readiness) {
        self.0.rcu(|now| next(now));
    }
}

impl Readiness {
    /// What is served.
    pub(crate) const fn state(&self) -> Option<&Data<State>> {
        match self {
            Self::Starting { .. } | Self::Stopping(None) => None,
            Self::Ready(state) | Self::Stopping(Some(state)) => Some(state),
        }
    }
}

/// Lets a request in: behind it a handler that asks for `Data<State>` has it. Before there is
/// anything to serve, the answer is 503.
pub(crate) async fn enter(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let readiness = request.app_data::<Data<Door>>().map(|it| it.readiness());
    let Some(state) = readiness.as_ref().and_then(|it| it.state()) else {
        let closed = unavailable(paths::is_for_programs(request.path()));
        return Ok(request.into_response(closed).map_into_right_body());
    };
    let mut inside = Extensions::new();
    inside.insert(Data::clone(state));
    request.add_data_container(Rc::new(inside));
    Ok(next.call(request).await?.map_into_left_body())
}

/// Says to a program or a person that there is no answer now.
pub(crate) fn unavailable(for_programs: bool) -> HttpResponse {
    if for_programs {
        ApiError::unavailable().error_response()
    } else {
        respond::error(ErrorCause::Unavailable)
    }
}

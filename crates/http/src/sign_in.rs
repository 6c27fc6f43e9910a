//! Signing in for oneself, to manage one's account.

use actix_web::{HttpRequest, web};
use alias_domain::{FormPurpose, Secret, flows::SignIn, ports::Failure};

use crate::{
    body, guard, measures,
    notes::{FailedSignIn, Note},
    pages::{ErrorCause, SignInPage},
    paths::{ACCOUNT, SIGN_IN},
    presence,
    respond::{self, Page, PageFailure, see_other},
    state::State,
    visitor::Arrival,
};

pub(crate) async fn page(request: HttpRequest, state: web::Data<State>) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let failed = FailedSignIn::told(&request, &state, None);
    let response = form(&state, &arrival, failed)?;
    Ok(arrival.remember(&state, response))
}

fn form(state: &State, arrival: &Arrival, failed: Option<FailedSignIn>) -> Page {
    let token = state.provider.form(&arrival.present, FormPurpose::SignIn)?;
    let page = SignInPage {
        action: SIGN_IN.to_owned(),
        form_token: token.expose().to_owned(),
        client_name: None,
        reauthenticate: false,
        failed: failed.is_some(),
        not_taken: false,
        request_id: failed.as_ref().and_then(|it| it.request_id.clone()),
        email: failed.map(|it| it.email).unwrap_or_default(),
    };
    respond::page(&page)
}

pub(crate) async fn submit(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Page {
    let now = State::now();
    let arrival = Arrival::of(&request, &state, now).await?;
    let body = body::form(&request, payload).await?;
    let field = |name| body.one(name).ok().flatten().unwrap_or_default();
    let purpose = state
        .provider
        .opened_form(&arrival.present, field("form_token"));
    if !guard::is_own(&request, state.provider.issuer()) || purpose != Some(FormPurpose::SignIn) {
        let cause = match arrival.is_unknown() {
            true => ErrorCause::FormWithoutCookies,
            false => ErrorCause::ForeignForm,
        };
        return Err(PageFailure::from(cause).again(SIGN_IN));
    }
    let password = Secret::new(field("password").to_owned());
    let signed_in = state
        .provider
        .sign_in(
            field("email"),
            &password,
            arrival.presented(),
            presence::gone(&request),
            now,
        )
        .await?;
    measures::sign_in(&signed_in);
    match signed_in {
        SignIn::Done(it) => Ok(arrival.admit(&state, &it, see_other(ACCOUNT))),
        SignIn::Refused(_) => {
            let note = Note::FailedSignIn(FailedSignIn::of(None, field("email")));
            Ok(see_other(&note.at(SIGN_IN, &state)?))
        }
        SignIn::Abandoned => Err(Failure::Busy.into()),
    }
}

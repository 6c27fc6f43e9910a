//! The pages between a request and its answer: sign in, choose an account.

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode, web};
use alias_domain::{
    ChosenAccount, FormPurpose, InteractionId, Params, Secret,
    flows::{Ask, Outcome, SignIn, Stage},
    ports::Failure,
};

use crate::{
    body, consent, guard, measures,
    pages::{ANOTHER_ACCOUNT, AccountChoice, ChooseAccountPage, ErrorCause, SignInPage},
    presence,
    respond::{self, Page, PageFailure, see_other},
    server::State,
    visitor::Arrival,
};

/// The address of one of an interaction's pages.
pub(crate) fn address(id: InteractionId, page: &str) -> String {
    format!("/interaction/{id}/{page}")
}

const fn page_of(stage: &Stage) -> &'static str {
    match stage {
        Stage::SignIn { .. } => "sign-in",
        Stage::ChooseAccount { .. } => "account",
        Stage::Consent { .. } => "consent",
    }
}

/// Sends the browser to what an outcome calls for.
pub(crate) fn towards(outcome: &Outcome) -> Page {
    Ok(match outcome {
        Outcome::Page(error) => respond::error(respond::cause(*error)),
        Outcome::Respond(response) => respond::respond(response)?,
        Outcome::Ask(ask) => see_other(&address(ask.interaction, page_of(&ask.stage))),
        Outcome::UnknownInteraction => respond::error(ErrorCause::UnknownInteraction),
        Outcome::AlreadyAnswered => respond::error(ErrorCause::AlreadyAnswered),
        Outcome::TooMany(wait) => respond::too_many(*wait),
    })
}

/// The interaction that a path names; what names none is as unknown as one that is gone.
pub(crate) fn named(path: &str) -> Result<InteractionId, PageFailure> {
    path.parse()
        .map_err(|_| ErrorCause::UnknownInteraction.into())
}

/// Where an interaction stands, for one who comes back to it.
pub(crate) async fn resumed(
    request: &HttpRequest,
    state: &State,
    path: &str,
) -> Result<(Arrival, Outcome), PageFailure> {
    let now = State::now();
    let arrival = Arrival::of(request, state, now).await?;
    let id = named(path)?;
    let outcome = state.provider.resume(id, &arrival.present, now).await?;
    Ok((arrival, outcome))
}

pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Page {
    let (_, outcome) = resumed(&request, &state, &path).await?;
    towards(&outcome)
}

pub(crate) async fn sign_in_page(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Page {
    let (arrival, outcome) = resumed(&request, &state, &path).await?;
    let Outcome::Ask(ask) = &outcome else {
        return towards(&outcome);
    };
    // Whoever is asked something else may still want to be another account.
    let another = request.query_string() == ANOTHER_ACCOUNT;
    match &ask.stage {
        Stage::SignIn { .. } => sign_in_form(&state, &arrival, ask, None),
        Stage::ChooseAccount { .. } | Stage::Consent { .. } if another => {
            sign_in_form(&state, &arrival, ask, None)
        }
        Stage::ChooseAccount { .. } | Stage::Consent { .. } => towards(&outcome),
    }
}

/// The sign-in page: at first, or after an attempt that failed.
fn sign_in_form(state: &State, arrival: &Arrival, ask: &Ask, failed: Option<String>) -> Page {
    let (known, hint) = match &ask.stage {
        Stage::SignIn { known, hint } if failed.is_none() => (known.as_ref(), hint.as_ref()),
        _ => (None, None),
    };
    let email = known.map(|it| &it.user.email).or(hint);
    let status = match failed {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = SignInPage {
        action: address(ask.interaction, "sign-in"),
        form_token: form_token(state, arrival, ask.interaction)?,
        client_name: Some(ask.client.name.clone()),
        reauthenticate: known.is_some(),
        failed: failed.is_some(),
        email: failed
            .or_else(|| email.map(ToString::to_string))
            .unwrap_or_default(),
    };
    let response = respond::rendered(&page, status)?;
    Ok(respond::towards(ask.reply.callback.as_str(), response))
}

fn form_token(
    state: &State,
    arrival: &Arrival,
    interaction: InteractionId,
) -> Result<String, PageFailure> {
    let purpose = FormPurpose::Interaction { interaction };
    let token = state.provider.form(&arrival.present, purpose)?;
    Ok(token.expose().to_owned())
}

/// Reads a form of an interaction: from one of our pages, for an interaction that waits, with the
/// token of that page.
async fn submitted(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
    arrival: &Arrival,
    id: InteractionId,
) -> Result<Result<Params, HttpResponse>, PageFailure> {
    let form = body::form(request, payload).await?;
    if !guard::is_own(request, state.provider.issuer()) {
        return Err(ErrorCause::ForeignForm.into());
    }
    let now = State::now();
    if let Some(outcome) = state.provider.fault(id, &arrival.present, now).await? {
        return Ok(Err(towards(&outcome)?));
    }
    let token = form.one("form_token").ok().flatten().unwrap_or_default();
    let purpose = state.provider.opened_form(&arrival.present, token);
    if purpose != Some(FormPurpose::Interaction { interaction: id }) {
        return Err(ErrorCause::ForeignForm.into());
    }
    Ok(Ok(form))
}

pub(crate) async fn sign_in(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Page {
    let now = State::now();
    let arrival = Arrival::of(&request, &state, now).await?;
    let id = named(&path)?;
    let form = match submitted(&request, payload, &state, &arrival, id).await? {
        Ok(form) => form,
        Err(response) => return Ok(response),
    };
    let field = |name| form.one(name).ok().flatten().unwrap_or_default();
    let gone = presence::gone(&request);
    let email = field("email");
    let password = Secret::new(field("password").to_owned());
    let signed_in = state
        .provider
        .sign_in(email, &password, arrival.presented(), gone, now)
        .await?;
    measures::sign_in(&signed_in);
    let signed_in = match signed_in {
        SignIn::Done(signed_in) => signed_in,
        SignIn::Abandoned => return Err(Failure::Busy.into()),
        SignIn::Refused(_) => {
            return match state.provider.resume(id, &arrival.present, now).await? {
                Outcome::Ask(ask) => sign_in_form(&state, &arrival, &ask, Some(email.to_owned())),
                outcome => towards(&outcome),
            };
        }
    };
    let account = ChosenAccount {
        session: signed_in.session,
        authenticated: true,
    };
    // The old session token is worth nothing any more, so whatever comes of the interaction, the
    // browser must get the new one.
    let response = go_on(&state, &arrival, id, account)
        .await
        .unwrap_or_else(|failure| failure.error_response());
    Ok(arrival.admit(&state, &signed_in, response))
}

pub(crate) async fn choose_page(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Page {
    let (arrival, outcome) = resumed(&request, &state, &path).await?;
    let Outcome::Ask(ask) = &outcome else {
        return towards(&outcome);
    };
    let switching = request.query_string() == consent::SWITCH;
    if !(switching || matches!(ask.stage, Stage::ChooseAccount { .. })) {
        return towards(&outcome);
    }
    let page = ChooseAccountPage {
        action: address(ask.interaction, "account"),
        form_token: form_token(&state, &arrival, ask.interaction)?,
        client_name: ask.client.name.clone(),
        accounts: arrival
            .present
            .sessions()
            .map(|session| AccountChoice {
                value: session.id.to_string(),
                nickname: session.user.nickname.as_ref().map(ToString::to_string),
                email: session.user.email.to_string(),
            })
            .collect(),
    };
    let response = respond::page(&page)?;
    Ok(respond::towards(ask.reply.callback.as_str(), response))
}

pub(crate) async fn choose(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let id = named(&path)?;
    let form = match submitted(&request, payload, &state, &arrival, id).await? {
        Ok(form) => form,
        Err(response) => return Ok(response),
    };
    let account = form.one("account").ok().flatten().unwrap_or_default();
    if account == ANOTHER_ACCOUNT {
        let sign_in = address(id, "sign-in");
        return Ok(see_other(&format!("{sign_in}?{ANOTHER_ACCOUNT}")));
    }
    let session = account.parse().ok();
    // A session that has ended meanwhile is no choice: the page is shown anew.
    let Some(session) = session.and_then(|it| arrival.present.session(it)) else {
        return Ok(see_other(&format!("/interaction/{id}")));
    };
    let account = ChosenAccount {
        session: session.id,
        authenticated: false,
    };
    go_on(&state, &arrival, id, account).await
}

async fn go_on(
    state: &State,
    arrival: &Arrival,
    id: InteractionId,
    account: ChosenAccount,
) -> Page {
    let now = State::now();
    match state
        .provider
        .go_on_with(id, account, &arrival.present, now)
        .await?
    {
        Some(outcome) => towards(&outcome),
        None => Ok(see_other(&format!("/interaction/{id}"))),
    }
}

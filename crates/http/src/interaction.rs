//! The pages between a request and its answer: sign in, choose an account.

use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use alias_domain::{
    ChosenAccount, Client, FormPurpose, InteractionId, Params, Secret,
    flows::{Ask, Outcome, SignIn, Stage},
    ports::Failure,
};

use crate::{
    body, guard, measures,
    notes::{FailedSignIn, Note},
    notice::{self, Done, TellingPage, Told},
    pages::{ANOTHER_ACCOUNT, AccountChoice, ChooseAccountPage, ErrorCause, SignInPage},
    presence, refusal,
    respond::{self, Page, PageFailure, see_other},
    state::State,
    visitor::Arrival,
};

/// The query of the choose-an-account page for one who was asked for consent already.
pub(crate) const SWITCH: &str = "switch";

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
pub(crate) fn towards(request: &HttpRequest, outcome: &Outcome) -> Page {
    let refused = |cause: ErrorCause, client: &Option<Box<Client>>| {
        Err(PageFailure::from(cause).naming(client.as_deref()))
    };
    match outcome {
        Outcome::Page(error, client) => refused(respond::cause(*error), client),
        Outcome::Respond(response) => respond::respond_after_form(request, response),
        Outcome::Refuse(refused) => {
            refusal::of_authorization(refused);
            respond::respond_after_form(request, &refused.response)
        }
        Outcome::Ask(ask) => Ok(see_other(&address(ask.interaction, page_of(&ask.stage)))),
        Outcome::UnknownInteraction(None) => Err(ErrorCause::UnknownInteraction.into()),
        Outcome::UnknownInteraction(client) => refused(ErrorCause::Expired, client),
        Outcome::ClientGone => Err(ErrorCause::ClientGone.into()),
        Outcome::AlreadyAnswered(client) => refused(ErrorCause::AlreadyAnswered, client),
        Outcome::TooMany(wait) => Ok(respond::too_many(*wait)),
    }
}

/// An interaction that is none of this browser's, as far as its cookies tell. Whoever opens it is told
/// which client it was for, to begin again there.
async fn not_here(
    state: &State,
    arrival: &Arrival,
    id: InteractionId,
) -> Result<PageFailure, PageFailure> {
    let asked = state.provider.store().interaction(id, State::now()).await?;
    let client = match &asked {
        Some(asked) => state.provider.store().client(asked.client_id).await?,
        None => None,
    };
    let cause = match (&asked, arrival.is_unknown()) {
        (Some(_), true) => ErrorCause::RequestWithoutCookies,
        _ => ErrorCause::UnknownInteraction,
    };
    Ok(PageFailure::from(cause).naming(client.as_ref()))
}

/// The address of an interaction, which leads on to wherever it stands.
pub(crate) fn start(id: InteractionId) -> String {
    format!("/interaction/{id}")
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
    if matches!(outcome, Outcome::UnknownInteraction(None)) {
        return Err(not_here(state, &arrival, id).await?);
    }
    Ok((arrival, outcome))
}

pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Page {
    let (arrival, outcome) = resumed(&request, &state, &path).await?;
    let outcome = match outcome {
        // Its answer may not have arrived.
        Outcome::AlreadyAnswered(_) => {
            let id = named(&path)?;
            let now = State::now();
            state.provider.repeat(id, &arrival.present, now).await?
        }
        outcome => outcome,
    };
    towards(&request, &outcome)
}

pub(crate) async fn sign_in_page(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Page {
    let (arrival, outcome) = resumed(&request, &state, &path).await?;
    let Outcome::Ask(ask) = &outcome else {
        return towards(&request, &outcome);
    };
    let failed = FailedSignIn::told(&request, &state, Some(ask.interaction));
    // Whoever is asked something else may still want to be another account.
    let another = request.query_string() == ANOTHER_ACCOUNT || failed.is_some();
    match &ask.stage {
        Stage::ChooseAccount { .. } | Stage::Consent { .. } if !another => {
            towards(&request, &outcome)
        }
        _ => sign_in_form(&request, &state, &arrival, ask, failed),
    }
}

/// The sign-in page: at first, or after an attempt that failed.
fn sign_in_form(
    request: &HttpRequest,
    state: &State,
    arrival: &Arrival,
    ask: &Ask,
    failed: Option<FailedSignIn>,
) -> Page {
    let (known, hint) = match &ask.stage {
        Stage::SignIn { known, hint } if failed.is_none() => (known.as_ref(), hint.as_ref()),
        _ => (None, None),
    };
    // R32: who is guessed to come is not asked to be whoever was here before.
    let known = known.filter(|it| hint.is_none_or(|hint| it.user.email == *hint));
    let email = hint.or(known.map(|it| &it.user.email));
    let told = told(request, state, arrival, ask.interaction);
    let page = SignInPage {
        action: address(ask.interaction, "sign-in"),
        form_token: form_token(state, arrival, ask)?,
        client_name: Some(ask.client.name.clone()),
        reauthenticate: known.is_some(),
        failed: failed.is_some(),
        not_taken: told.is_some(),
        request_id: failed.as_ref().and_then(|it| it.request_id.clone()),
        email: failed
            .map(|it| it.email)
            .or_else(|| email.map(ToString::to_string))
            .unwrap_or_default(),
    };
    let response = respond::page(&page)?;
    let response = respond::towards(ask.reply.callback.as_str(), response);
    Ok(notice::forget(request, state, &told, response))
}

fn form_token(state: &State, arrival: &Arrival, ask: &Ask) -> Result<String, PageFailure> {
    let purpose = FormPurpose::Interaction {
        interaction: ask.interaction,
        client: Some(ask.client.id),
    };
    let token = state.provider.form(&arrival.present, purpose)?;
    Ok(token.expose().to_owned())
}

/// Reads a form of an interaction: from one of our pages, for an interaction of this browser, with the
/// token of that page. If it was answered since, the form was sent twice perhaps: where that leads is
/// said once the form is done with.
async fn submitted(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
    arrival: &Arrival,
    id: InteractionId,
) -> Result<Result<Params, HttpResponse>, PageFailure> {
    let form = body::form(request, payload).await?;
    let foreign = || PageFailure::from(ErrorCause::ForeignForm).again(start(id));
    if !guard::is_own(request, state.provider.issuer()) {
        return Err(foreign());
    }
    let token = form.one("form_token").ok().flatten().unwrap_or_default();
    let fault = fault(state, arrival, id, token).await?;
    let own = matches!(
        state.provider.opened_form(&arrival.present, token),
        Some(FormPurpose::Interaction { interaction, .. }) if interaction == id
    );
    match fault {
        None | Some(Outcome::AlreadyAnswered(_)) if own => Ok(Ok(form)),
        None => Err(foreign()),
        Some(outcome) => Ok(Err(towards(request, &outcome)?)),
    }
}

/// What is wrong with an interaction whose form was posted.
pub(crate) async fn fault(
    state: &State,
    arrival: &Arrival,
    id: InteractionId,
    token: &str,
) -> Result<Option<Outcome>, PageFailure> {
    let now = State::now();
    let fault = state
        .provider
        .fault(id, token, &arrival.present, now)
        .await?;
    let is_unknown = match &fault {
        Some(Outcome::UnknownInteraction(client)) => client.is_none() || arrival.is_unknown(),
        _ => false,
    };
    if is_unknown {
        return Err(not_here(state, arrival, id).await?);
    }
    Ok(fault)
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
            let note = Note::FailedSignIn(FailedSignIn::of(Some(id), email));
            return Ok(see_other(&note.at(&address(id, "sign-in"), &state)?));
        }
    };
    let account = ChosenAccount {
        session: signed_in.session,
        authenticated: true,
    };
    // The old session token is worth nothing any more, so whatever comes of the interaction, the
    // browser must get the new one.
    let response = go_on(&request, &state, &arrival, id, account)
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
        return towards(&request, &outcome);
    };
    let switching = request.query_string() == SWITCH;
    if !(switching || matches!(ask.stage, Stage::ChooseAccount { .. })) {
        return towards(&request, &outcome);
    }
    let told = told(&request, &state, &arrival, ask.interaction);
    let page = ChooseAccountPage {
        not_taken: told.is_some(),
        action: address(ask.interaction, "account"),
        form_token: form_token(&state, &arrival, ask)?,
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
    let response = respond::towards(ask.reply.callback.as_str(), response);
    Ok(notice::forget(&request, &state, &told, response))
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
    let Ok(session) = account.parse() else {
        return Ok(see_other(&start(id)));
    };
    let here = state
        .provider
        .session_here(session, &arrival.present, State::now())
        .await?;
    // A session that has ended meanwhile is no choice: the page is shown anew.
    let Some(session) = here else {
        return not_taken(&request, &state, &arrival, id, see_other(&start(id)));
    };
    let account = ChosenAccount {
        session: session.id,
        authenticated: false,
    };
    go_on(&request, &state, &arrival, id, account).await
}

/// Lets the page that follows say that what was answered does not count any more.
pub(crate) fn not_taken(
    request: &HttpRequest,
    state: &State,
    arrival: &Arrival,
    id: InteractionId,
    response: HttpResponse,
) -> Page {
    let (on, done) = (TellingPage::Interaction(id), Done::NotTaken);
    let present = &arrival.present;
    Ok(notice::tell(request, state, present, on, &done, response)?)
}

/// What the page of an interaction is to say of the answer before.
pub(crate) fn told(
    request: &HttpRequest,
    state: &State,
    arrival: &Arrival,
    id: InteractionId,
) -> Told {
    let on = TellingPage::Interaction(id);
    notice::told(request, state, &arrival.present, on)
}

async fn go_on(
    request: &HttpRequest,
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
        None | Some(Outcome::AlreadyAnswered(_)) => Ok(see_other(&start(id))),
        Some(outcome) => towards(request, &outcome),
    }
}

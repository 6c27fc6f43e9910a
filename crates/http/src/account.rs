//! The account page: what a user is connected to, and taking it back.

use actix_web::{HttpRequest, web};
use alias_domain::{
    FormPurpose, META_CHANNEL, Params, Revocation, Session, flows::ConnectedClient,
};

use crate::{
    body, consent, guard,
    pages::{AccountPage, ConnectionView, ErrorCause, Notice, RevocableChannel, RevocableScope},
    respond::{self, Page, PageFailure, see_other},
    routes::{ACCOUNT, SIGN_IN},
    server::State,
    visitor::Arrival,
};

pub(crate) async fn page(request: HttpRequest, state: web::Data<State>) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let Some(session) = arrival.present.latest() else {
        return Ok(see_other(SIGN_IN));
    };
    let connected = state.provider.connected_clients(session.user.id).await?;
    let purpose = FormPurpose::Account {
        session: session.id,
    };
    let token = state.provider.form(&arrival.present, purpose)?;
    let page = AccountPage {
        form_token: token.expose().to_owned(),
        email: session.user.email.to_string(),
        nickname: session.user.nickname.as_ref().map(ToString::to_string),
        connections: connected.iter().map(view).collect(),
        notice: match request.query_string() {
            "revoked" => Some(Notice::Revoked),
            "disconnected" => Some(Notice::Disconnected),
            _ => None,
        },
        sign_out_action: "/sign-out".to_owned(),
    };
    Ok(arrival.remember(&state, respond::page(&page)?))
}

fn view(connected: &ConnectedClient) -> ConnectionView {
    let channel = |name: &String| RevocableChannel {
        name: name.clone(),
        description: connected
            .client
            .channel(name)
            .map_or_else(String::new, |it| it.description.clone()),
        revocable: name != META_CHANNEL,
    };
    ConnectionView {
        client_id: connected.client.id.to_string(),
        client_name: connected.client.name.clone(),
        granted_at: connected
            .granted_at
            .format("%-d %B %Y, %H:%M UTC")
            .to_string(),
        scopes: connected
            .scopes
            .iter()
            .map(|scope| RevocableScope {
                kind: consent::kind(*scope),
                // Taking `openid` back is disconnecting (R25), which has a button of its own.
                revocable: *scope != alias_domain::Scope::OpenId,
            })
            .collect(),
        channels: connected.channels.iter().map(channel).collect(),
    }
}

/// Reads a form of the account page, and whose account it is.
async fn submitted(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
    arrival: &Arrival,
) -> Result<(Params, Session), PageFailure> {
    let form = body::form(request, payload).await?;
    let token = form.one("form_token").ok().flatten().unwrap_or_default();
    let purpose = state.provider.opened_form(&arrival.present, token);
    let shown = match purpose {
        Some(FormPurpose::Account { session }) => Some(session),
        _ => None,
    };
    let cause = match shown.map(|it| arrival.present.session(it)) {
        Some(Some(session)) if guard::is_own(request, state.provider.issuer()) => {
            return Ok((form, session.clone()));
        }
        Some(None) => ErrorCause::SessionEnded,
        None if arrival.is_unknown() => ErrorCause::FormWithoutCookies,
        _ => ErrorCause::ForeignForm,
    };
    Err(cause.into())
}

pub(crate) async fn revoke(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let (form, session) = submitted(&request, payload, &state, &arrival).await?;
    let field = |name| form.one(name).ok().flatten();
    let revocation = match (field("scope"), field("channel")) {
        (Some(scope), None) => Revocation::Scope(scope.parse().map_err(|_| ErrorCause::NotFound)?),
        (None, Some(channel)) => Revocation::Channel(channel.to_owned()),
        _ => return Err(ErrorCause::BadRequest.into()),
    };
    taken_back(&state, &session, &form, &revocation, "revoked").await
}

pub(crate) async fn disconnect(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let (form, session) = submitted(&request, payload, &state, &arrival).await?;
    let revocation = Revocation::Disconnect;
    taken_back(&state, &session, &form, &revocation, "disconnected").await
}

/// What is gone already is gone: pressing twice, or in two tabs, ends at the same page.
async fn taken_back(
    state: &State,
    session: &Session,
    form: &Params,
    revocation: &Revocation,
    notice: &str,
) -> Page {
    let client = form.one("client_id").ok().flatten().unwrap_or_default();
    let client = client.parse().map_err(|_| ErrorCause::NotFound)?;
    let answer = state
        .provider
        .revoke(session.user.id, client, revocation)
        .await?;
    if let Err(error) = answer {
        tracing::debug!(%error, "nothing was taken back");
    }
    Ok(see_other(&format!("{ACCOUNT}?{notice}")))
}

pub(crate) async fn sign_out(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let (_, session) = submitted(&request, payload, &state, &arrival).await?;
    state.provider.sign_out(session.id).await?;
    let still = Arrival::of(&request, &state, State::now()).await?;
    // Another account may still be signed in here, and its user must see that.
    let next = match still.present.latest() {
        Some(_) => ACCOUNT,
        None => SIGN_IN,
    };
    Ok(arrival.dismiss(&state, &still.present, see_other(next)))
}

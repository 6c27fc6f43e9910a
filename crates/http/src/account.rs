//! The account page: what a user is connected to, and taking it back.

use actix_web::{HttpRequest, web};
use alias_domain::{
    Client, ClientId, FormPurpose, META_CHANNEL, Params, Revocation, Scope, Session,
    flows::{ConnectedClient, Present},
};
use chrono::{DateTime, Utc};

use crate::{
    body, consent, guard,
    notice::{self, Done},
    pages::{
        AccountLink, AccountPage, ConnectionView, ErrorCause, NOTICE, Notice, Place, PlacedNotice,
        RevocableChannel, RevocableScope,
    },
    respond::{self, Page, PageFailure, see_other},
    routes::{ACCOUNT, SIGN_IN, SIGNED_OUT},
    server::State,
    visitor::Arrival,
};

pub(crate) async fn page(request: HttpRequest, state: web::Data<State>) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let present = &arrival.present;
    let Some(session) = chosen(&request, present) else {
        return Ok(see_other(SIGN_IN));
    };
    let connected = state.provider.connected_clients(session.user.id).await?;
    let purpose = FormPurpose::Account {
        session: session.id,
    };
    let done = notice::told(&request, &state, present);
    let gone = match &done {
        Some(Done::Disconnected { client, .. } | Done::Nothing { client }) => {
            state.provider.store().client(*client).await?
        }
        _ => None,
    };
    let mut page = AccountPage {
        form_token: state.provider.form(present, purpose)?.expose().to_owned(),
        email: session.user.email.to_string(),
        nickname: session.user.nickname.as_ref().map(ToString::to_string),
        connections: connected.iter().map(view).collect(),
        notice: None,
        others: others(present, Some(session)),
        sign_in_url: SIGN_IN.to_owned(),
        sign_out_action: "/sign-out".to_owned(),
    };
    if let Some(done) = &done {
        place(&mut page, done, &connected, gone.as_ref());
    }
    let response = arrival.remember(&state, respond::page(&page)?);
    Ok(notice::forget(&request, &state, response))
}

/// What names an account by its session in an address, where it is not the latest one.
const ACCOUNT_OF: &str = "account";

/// The session whose account is shown: the one that the address names, else the latest.
fn chosen<'a>(request: &HttpRequest, present: &'a Present) -> Option<&'a Session> {
    let params = Params::parse(request.query_string());
    let named = params.one(ACCOUNT_OF).ok().flatten();
    let named = named.and_then(|it| present.session(it.parse().ok()?));
    named.or_else(|| present.latest())
}

/// The page of a session's account.
fn address(present: &Present, session: &Session) -> String {
    match present.latest() {
        Some(latest) if latest.id == session.id => ACCOUNT.to_owned(),
        _ => format!("{ACCOUNT}?{ACCOUNT_OF}={}", session.id),
    }
}

/// The accounts that are signed in at this browser, but for this one.
pub(crate) fn others(present: &Present, but: Option<&Session>) -> Vec<AccountLink> {
    let others = present
        .sessions()
        .filter(|it| but.is_none_or(|but| but.user.id != it.user.id));
    others
        .map(|it| AccountLink {
            address: address(present, it),
            nickname: it.user.nickname.as_ref().map(ToString::to_string),
            email: it.user.email.to_string(),
        })
        .collect()
}

fn view(connected: &ConnectedClient) -> ConnectionView {
    let channel = |name: &String| RevocableChannel {
        name: name.clone(),
        description: description(&connected.client, name),
        revocable: name != META_CHANNEL,
    };
    ConnectionView {
        client_id: connected.client.id.to_string(),
        client_name: connected.client.name.clone(),
        since: readable(connected.since),
        changed_at: (connected.changed_at != connected.since)
            .then(|| readable(connected.changed_at)),
        scopes: connected
            .scopes
            .iter()
            .map(|scope| RevocableScope {
                kind: consent::kind(*scope),
                // Taking `openid` back is disconnecting (R25), which has a button of its own.
                revocable: *scope != Scope::OpenId,
            })
            .collect(),
        channels: connected.channels.iter().map(channel).collect(),
        notice: None,
    }
}

fn description(client: &Client, channel: &str) -> String {
    let declared = client.channel(channel);
    declared.map_or_else(String::new, |it| it.description.clone())
}

fn readable(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// Tells what was done where it was done, so that whoever did it need not look for it.
fn place(
    page: &mut AccountPage,
    done: &Done,
    connected: &[ConnectedClient],
    gone: Option<&Client>,
) {
    let place_of = |id: ClientId| connected.iter().position(|it| it.client.id == id);
    let gone_name = || gone.map_or_else(String::new, |it| it.name.clone());
    match done {
        Done::RevokedScope { client, scope } => {
            let Ok(scope) = scope.parse::<Scope>() else {
                return;
            };
            let Some(place) = place_of(*client) else {
                return;
            };
            let before = |it: &&Scope| **it < scope;
            let left = connected[place].scopes.iter().filter(before).count();
            page.connections[place].notice = Some(PlacedNotice {
                place: Place::Scope(left),
                notice: Notice::Revoked {
                    permission: consent::kind(scope).title().to_owned(),
                    client_name: connected[place].client.name.clone(),
                },
            });
        }
        Done::RevokedChannel { client, channel } => {
            let Some(place) = place_of(*client) else {
                return;
            };
            let connected = &connected[place];
            let declared = connected.client.channels.iter();
            let before = declared.take_while(|it| it.name.as_str() != channel);
            let left = before
                .filter(|it| {
                    connected
                        .channels
                        .iter()
                        .any(|name| *name == it.name.as_str())
                })
                .count();
            let words = description(&connected.client, channel);
            page.connections[place].notice = Some(PlacedNotice {
                // `_meta` stands before the declared ones.
                place: Place::Channel(left + 1),
                notice: Notice::Revoked {
                    permission: if words.trim().is_empty() {
                        channel.clone()
                    } else {
                        words
                    },
                    client_name: connected.client.name.clone(),
                },
            });
        }
        Done::Disconnected { next, .. } => {
            let place = next.and_then(place_of).unwrap_or(connected.len());
            let client_name = gone_name();
            page.notice = Some((place, Notice::Disconnected { client_name }));
        }
        Done::Nothing { client } => {
            let place = place_of(*client).unwrap_or_default();
            let client_name = gone_name();
            page.notice = Some((place, Notice::Nothing { client_name }));
        }
        Done::SignedOut { .. } => {}
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
    taken_back(&state, &arrival, &session, &form, &revocation).await
}

pub(crate) async fn disconnect(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let (form, session) = submitted(&request, payload, &state, &arrival).await?;
    let revocation = Revocation::Disconnect;
    taken_back(&state, &arrival, &session, &form, &revocation).await
}

/// What is gone already is gone: pressing twice, or in two tabs, ends at the same page, which says so.
async fn taken_back(
    state: &State,
    arrival: &Arrival,
    session: &Session,
    form: &Params,
    revocation: &Revocation,
) -> Page {
    let client = form.one("client_id").ok().flatten().unwrap_or_default();
    let client: ClientId = client.parse().map_err(|_| ErrorCause::NotFound)?;
    let user = session.user.id;
    let done = match revocation {
        Revocation::Scope(scope) if *scope != Scope::OpenId => Done::RevokedScope {
            client,
            scope: scope.name().to_owned(),
        },
        Revocation::Channel(channel) => Done::RevokedChannel {
            client,
            channel: channel.clone(),
        },
        Revocation::Scope(_) | Revocation::Disconnect => {
            let before = state.provider.connected_clients(user).await?;
            let behind = before.iter().skip_while(|it| it.client.id != client);
            Done::Disconnected {
                client,
                next: behind.map(|it| it.client.id).nth(1),
            }
        }
    };
    let answer = state
        .provider
        .revoke(user, client, revocation, State::now())
        .await?;
    let done = match answer {
        Ok(()) => done,
        Err(error) => {
            tracing::debug!(%error, "nothing was taken back");
            Done::Nothing { client }
        }
    };
    let address = address(&arrival.present, session);
    let response = see_other(&format!("{address}#{NOTICE}"));
    Ok(notice::tell(state, &arrival.present, &done, response)?)
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
    let done = Done::SignedOut {
        email: session.user.email.to_string(),
    };
    let response = notice::tell(&state, &arrival.present, &done, see_other(SIGNED_OUT))?;
    Ok(arrival.dismiss(&state, &still.present, response))
}

//! The account page: what a user is connected to, and taking it back.

use actix_web::{HttpRequest, web};
use alias_domain::{
    ChannelName, Client, ClientId, FormPurpose, META_CHANNEL, Params, Revocation, Scope, Session,
    flows::{ConnectedClient, Present},
};
use chrono::{DateTime, Utc};

use crate::{
    body, consent, guard,
    notice::{self, Done, Kind, Named, Permission, TellingPage},
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
    let on = TellingPage::Account(session.user.id);
    let done = notice::told(&request, &state, present, on);
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
        place(&mut page, done, &connected);
    }
    let response = arrival.remember(&state, respond::page(&page)?);
    Ok(notice::forget(&request, &state, done.as_ref(), response))
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
                serves: *scope != Scope::OfflineAccess || connected.client.may_refresh(),
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
fn place(page: &mut AccountPage, done: &Done, connected: &[ConnectedClient]) {
    let place_of = |id: ClientId| connected.iter().position(|it| it.client.id == id);
    match done {
        Done::Revoked { client, permission } => {
            let notice = Notice::Revoked {
                permission: permission.title.clone(),
                client_name: client.name.clone(),
            };
            match place_of(client.id) {
                Some(index) => {
                    page.connections[index].notice = Some(PlacedNotice {
                        place: place_within(&connected[index], &permission.of),
                        notice,
                    });
                }
                // The rest of it was taken back meanwhile.
                None => page.notice = Some((0, notice)),
            }
        }
        Done::Disconnected { client, next } => {
            let place = next.and_then(place_of).unwrap_or(connected.len());
            let client_name = client.name.clone();
            page.notice = Some((place, Notice::Disconnected { client_name }));
        }
        Done::GoneAlready { client, permission } => {
            let place = place_of(client.id).unwrap_or_default();
            let client_name = client.name.clone();
            let notice = match permission {
                Some(permission) => Notice::GoneAlready {
                    permission: permission.title.clone(),
                    client_name,
                },
                None => Notice::DisconnectedAlready { client_name },
            };
            page.notice = Some((place, notice));
        }
        Done::UnknownClient => page.notice = Some((0, Notice::UnknownClient)),
        Done::SignedOut { .. } | Done::LeavesFor { .. } => {}
    }
}

/// Where a permission stood that a client has no more.
fn place_within(connected: &ConnectedClient, permission: &Kind) -> Place {
    let last = Place::Scope(connected.scopes.len());
    match permission {
        Kind::Scope(name) => name.parse::<Scope>().map_or(last, |scope| {
            let before = |it: &&Scope| **it < scope;
            Place::Scope(connected.scopes.iter().filter(before).count())
        }),
        // There is no list of channels without `contact`.
        Kind::Channel(_) if !connected.scopes.contains(&Scope::Contact) => last,
        Kind::Channel(name) => {
            let declared = connected.client.channels.iter();
            let before = declared.take_while(|it| it.name.as_str() != name);
            let held = |name: &str| connected.channels.iter().any(|it| it == name);
            let left = before.filter(|it| held(it.name.as_str())).count();
            // `_meta` stands before the declared ones.
            Place::Channel(left + 1)
        }
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
        (None, Some(channel)) => {
            let name: ChannelName = channel.parse().map_err(|_| ErrorCause::NotFound)?;
            Revocation::Channel(name.as_str().to_owned())
        }
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
    let known = state.provider.store().client(client).await?;
    let before = state.provider.connected_clients(user).await?;
    let answer = state
        .provider
        .revoke(user, client, revocation, State::now())
        .await?;
    let named = |client: &Client| Named {
        id: client.id,
        name: client.name.clone(),
    };
    let done = match (&known, answer) {
        (None, _) => Done::UnknownClient,
        (Some(client), Ok(())) => match permission(revocation, client) {
            Some(permission) => Done::Revoked {
                client: named(client),
                permission,
            },
            None => {
                let behind = before.iter().skip_while(|it| it.client.id != client.id);
                Done::Disconnected {
                    client: named(client),
                    next: behind.map(|it| it.client.id).nth(1),
                }
            }
        },
        (Some(client), Err(error)) => {
            tracing::debug!(%error, "nothing was taken back");
            Done::GoneAlready {
                client: named(client),
                permission: permission(revocation, client),
            }
        }
    };
    let address = address(&arrival.present, session);
    let response = see_other(&format!("{address}#{NOTICE}"));
    let on = TellingPage::Account(user);
    Ok(notice::tell(state, &arrival.present, on, &done, response)?)
}

/// The one permission that is taken back; `None` where it is all that the client has (R25).
fn permission(revocation: &Revocation, client: &Client) -> Option<Permission> {
    match revocation {
        Revocation::Scope(Scope::OpenId) | Revocation::Disconnect => None,
        Revocation::Scope(scope) => Some(Permission {
            title: consent::kind(*scope).title().to_owned(),
            of: Kind::Scope(scope.name().to_owned()),
        }),
        Revocation::Channel(name) => {
            let words = description(client, name);
            Some(Permission {
                title: match words.trim() {
                    "" => name.clone(),
                    _ => words,
                },
                of: Kind::Channel(name.clone()),
            })
        }
    }
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
    let response = notice::tell(
        &state,
        &arrival.present,
        TellingPage::SignedOut,
        &done,
        see_other(SIGNED_OUT),
    )?;
    Ok(arrival.dismiss(&state, &still.present, response))
}

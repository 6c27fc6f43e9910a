//! The account page: what a user is connected to, and taking it back.

use std::collections::HashSet;

use actix_web::{HttpRequest, web};
use alias_domain::{
    ChannelName, Client, ClientId, FormPurpose, META_CHANNEL, Params, Revocation, Scope, Session,
    SessionId, UserId,
    flows::{ConnectedClient, Present},
};
use chrono::{DateTime, Utc};

use crate::{
    body, consent, guard,
    notice::{self, Done, Named, Permission, PermissionName, TellingPage},
    pages::{
        AccountLink, AccountPage, ConnectionView, ErrorCause, Notice, NoticeAt, Place,
        RevocableChannel, RevocableScope, client_anchor,
    },
    paths::{ACCOUNT, SIGN_IN, SIGNED_OUT},
    respond::{self, Page, PageFailure, see_other},
    state::State,
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
        user: Some(session.user.id),
    };
    let on = TellingPage::Account(session.user.id);
    let told = notice::told(&request, &state, present, on);
    let mut page = AccountPage {
        form_token: state.provider.form(present, purpose)?.expose().to_owned(),
        email: session.user.email.to_string(),
        nickname: session.user.nickname.as_ref().map(ToString::to_string),
        connections: connected.iter().map(view).collect(),
        notices: Vec::new(),
        others: others(present, Some(session)),
        sign_in_url: SIGN_IN.to_owned(),
        sign_out_action: "/sign-out".to_owned(),
    };
    place_all(&mut page, told.done(), &connected);
    let response = arrival.remember(&state, respond::page(&page)?);
    Ok(notice::forget(&request, &state, &told, response))
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
        notices: Vec::new(),
        is_anchor: true,
    }
}

fn description(client: &Client, channel: &str) -> String {
    let declared = client.channel(channel);
    declared.map_or_else(String::new, |it| it.description.clone())
}

fn readable(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// Tells what was done where it was done, so that whoever did it need not look for it. Where an address
/// leads to a client's block, it leads to the latest that is told of it.
fn place_all<'a>(
    page: &mut AccountPage,
    done: impl DoubleEndedIterator<Item = &'a Done>,
    connected: &[ConnectedClient],
) {
    let mut anchored = HashSet::new();
    for done in done.rev() {
        place(page, done, connected, &mut anchored);
    }
    for (view, it) in page.connections.iter_mut().zip(connected) {
        view.is_anchor = !anchored.contains(&it.client.id);
    }
}

/// The latest comes first, and stands last.
fn place(
    page: &mut AccountPage,
    done: &Done,
    connected: &[ConnectedClient],
    anchored: &mut HashSet<ClientId>,
) {
    let place_of = |id: ClientId| connected.iter().position(|it| it.client.id == id);
    let mut about = |id: ClientId, notice| NoticeAt {
        anchor: anchored.insert(id).then(|| client_anchor(&id.to_string())),
        notice,
    };
    match done {
        Done::Revoked { client, permission } => {
            let notice = Notice::Revoked {
                permission: permission.title.clone(),
                client_name: client.name.clone(),
            };
            let notice = about(client.id, notice);
            match place_of(client.id) {
                Some(index) => {
                    let place = place_within(&connected[index], &permission.of);
                    page.connections[index].notices.insert(0, (place, notice));
                }
                // The rest of it was taken back meanwhile.
                None => page.notices.insert(0, (0, notice)),
            }
        }
        Done::Disconnected { client, next } => {
            let place = next.and_then(place_of).unwrap_or(connected.len());
            let client_name = client.name.clone();
            let notice = about(client.id, Notice::Disconnected { client_name });
            page.notices.insert(0, (place, notice));
        }
        Done::UnknownClient { id } => {
            let notice = about(*id, Notice::UnknownClient);
            page.notices.insert(0, (0, notice));
        }
        Done::SignedOut { .. } | Done::NotTaken | Done::LeavesFor { .. } => {}
    }
}

/// Where a permission stood that a client has no more.
fn place_within(connected: &ConnectedClient, permission: &PermissionName) -> Place {
    let last = Place::Scope(connected.scopes.len());
    match permission {
        PermissionName::Scope(name) => name.parse::<Scope>().map_or(last, |scope| {
            let before = |it: &&Scope| **it < scope;
            Place::Scope(connected.scopes.iter().filter(before).count())
        }),
        // There is no list of channels without `contact`.
        PermissionName::Channel(_) if !connected.scopes.contains(&Scope::Contact) => last,
        PermissionName::Channel(name) => {
            let declared = connected.client.channels.iter();
            let before = declared.take_while(|it| it.name.as_str() != name);
            let held = |name: &str| connected.channels.iter().any(|it| it == name);
            let left = before.filter(|it| held(it.name.as_str())).count();
            // `_meta` stands before the declared ones.
            Place::Channel(left + 1)
        }
    }
}

/// A form of the account page.
struct Submitted {
    form: Params,
    /// The session whose account it showed.
    shown: SessionId,
    /// The session by which its user is here now, or who that was.
    session: Result<Session, Option<UserId>>,
}

/// Reads a form of the account page, and whose account it is.
async fn submitted(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
    arrival: &Arrival,
) -> Result<Submitted, PageFailure> {
    let form = body::form(request, payload).await?;
    let token = form.one("form_token").ok().flatten().unwrap_or_default();
    let present = &arrival.present;
    match state.provider.opened_form(present, token) {
        Some(FormPurpose::Account { session, user })
            if guard::is_own(request, state.provider.issuer()) =>
        {
            let here = state
                .provider
                .session_here(session, present, State::now())
                .await?;
            Ok(Submitted {
                form,
                shown: session,
                session: here.cloned().ok_or(user),
            })
        }
        None if arrival.is_unknown() => Err(ErrorCause::FormWithoutCookies.into()),
        _ => Err(ErrorCause::ForeignForm.into()),
    }
}

impl Submitted {
    /// The session, and what the form says, where its user is still here.
    fn of_session(self) -> Result<(Params, Session), PageFailure> {
        let session = self.session.map_err(|_| ErrorCause::SessionEnded)?;
        Ok((self.form, session))
    }
}

pub(crate) async fn revoke(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let submitted = submitted(&request, payload, &state, &arrival).await?;
    let (form, session) = submitted.of_session()?;
    let field = |name| form.one(name).ok().flatten();
    let revocation = match (field("scope"), field("channel")) {
        (Some(scope), None) => Revocation::Scope(scope.parse().map_err(|_| ErrorCause::NotFound)?),
        (None, Some(channel)) => {
            let name: ChannelName = channel.parse().map_err(|_| ErrorCause::NotFound)?;
            Revocation::Channel(name.as_str().to_owned())
        }
        _ => return Err(ErrorCause::BadRequest.into()),
    };
    taken_back(&request, &state, &arrival, &session, &form, &revocation).await
}

pub(crate) async fn disconnect(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let submitted = submitted(&request, payload, &state, &arrival).await?;
    let (form, session) = submitted.of_session()?;
    let revocation = Revocation::Disconnect;
    taken_back(&request, &state, &arrival, &session, &form, &revocation).await
}

/// What is gone already is gone: pressing twice, or in two tabs, ends at the same page, which says the
/// same. Which of the two was first, nobody can tell who pressed both: the first answer may never have
/// arrived.
async fn taken_back(
    request: &HttpRequest,
    state: &State,
    arrival: &Arrival,
    session: &Session,
    form: &Params,
    revocation: &Revocation,
) -> Page {
    let field = |name| form.one(name).ok().flatten();
    let id = field("client_id").unwrap_or_default();
    let id: ClientId = id.parse().map_err(|_| ErrorCause::NotFound)?;
    let user = session.user.id;
    let known = state.provider.store().client(id).await?;
    let answer = state
        .provider
        .revoke(user, id, revocation, State::now())
        .await?;
    if let Err(error) = answer {
        tracing::debug!(%error, "nothing was taken back");
    }
    let done = match known {
        None => Done::UnknownClient { id },
        Some(client) => {
            let permission = permission(revocation, &client);
            let client = Named {
                id,
                name: client.name,
            };
            match permission {
                Some(permission) => Done::Revoked { client, permission },
                None => Done::Disconnected {
                    client,
                    next: field("next").and_then(|it| it.parse().ok()),
                },
            }
        }
    };
    let address = address(&arrival.present, session);
    let response = see_other(&format!("{address}#{}", client_anchor(&id.to_string())));
    let on = TellingPage::Account(user);
    Ok(notice::tell(
        request,
        state,
        &arrival.present,
        on,
        &done,
        response,
    )?)
}

/// The one permission that is taken back; `None` where it is all that the client has (R25).
fn permission(revocation: &Revocation, client: &Client) -> Option<Permission> {
    match revocation {
        Revocation::Scope(Scope::OpenId) | Revocation::Disconnect => None,
        Revocation::Scope(scope) => Some(Permission {
            title: consent::kind(*scope).title().to_owned(),
            of: PermissionName::Scope(scope.name().to_owned()),
        }),
        Revocation::Channel(name) => {
            let words = description(client, name);
            Some(Permission {
                title: match words.trim() {
                    "" => name.clone(),
                    _ => words,
                },
                of: PermissionName::Channel(name.clone()),
            })
        }
    }
}

/// Pressing twice, or in two tabs, ends at the same page, which says who is signed out.
pub(crate) async fn sign_out(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let Submitted { shown, session, .. } = submitted(&request, payload, &state, &arrival).await?;
    let ended = [Some(shown), session.as_ref().ok().map(|it| it.id)];
    for session in ended.into_iter().flatten() {
        state.provider.sign_out(session).await?;
    }
    let user = match session {
        Ok(session) => Some(session.user),
        Err(Some(user)) => state.provider.store().user(user).await?,
        Err(None) => None,
    };
    let still = Arrival::of(&request, &state, State::now()).await?;
    let response = see_other(SIGNED_OUT);
    let response = match user {
        // They may have signed in again since the page was shown.
        Some(user) if still.present.latest_of(&[user.id]).is_none() => {
            let done = Done::SignedOut {
                session: shown,
                email: user.email.to_string(),
            };
            let on = TellingPage::SignedOut;
            notice::tell(&request, &state, &arrival.present, on, &done, response)?
        }
        _ => response,
    };
    Ok(arrival.dismiss(&state, &still.present, response))
}

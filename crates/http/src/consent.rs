//! The consent page, and its answer.

use actix_web::{HttpRequest, web};
use alias_domain::{
    Channels, Client, META_CHANNEL, Params, Scope, Screen,
    flows::{Ask, ConsentAnswer, Outcome, Refusal, Stage, Verdict},
};

use crate::{
    body, guard, interaction, notice,
    pages::{ChannelChoice, ConsentPage, ErrorCause, ScopeChoice, ScopeKind},
    paths::ACCOUNT,
    respond::{self, Page, PageFailure, see_other},
    state::State,
    visitor::Arrival,
};

pub(crate) async fn page(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Page {
    let (arrival, outcome) = interaction::resumed(&request, &state, &path).await?;
    let Outcome::Ask(ask) = &outcome else {
        return interaction::towards(&request, &outcome);
    };
    let told = interaction::told(&request, &state, &arrival, ask.interaction);
    let Some(page) = consent_page(ask, told.is_some()) else {
        return interaction::towards(&request, &outcome);
    };
    let response = respond::page(&page)?;
    let response = respond::towards(ask.reply.callback.as_str(), response);
    Ok(notice::forget(&request, &state, &told, response))
}

fn consent_page(ask: &Ask, not_taken: bool) -> Option<ConsentPage> {
    let Stage::Consent { session, screen } = &ask.stage else {
        return None;
    };
    let choice = |scope| scope_choice(scope, screen, &ask.client);
    let account = interaction::address(ask.interaction, "account");
    Some(ConsentPage {
        action: interaction::address(ask.interaction, "consent"),
        form_token: ask.form.expose().to_owned(),
        client_name: ask.client.name.clone(),
        client_host: respond::host(ask.reply.callback.as_str()).to_owned(),
        nickname: session.user.nickname.as_ref().map(ToString::to_string),
        account: session.user.email.to_string(),
        scopes: screen.shown().scopes().map(choice).collect(),
        nickname_claims: ask.client.claims.names().collect(),
        can_switch_account: ask
            .open_to_others
            .then(|| format!("{account}?{}", interaction::SWITCH)),
        account_url: ACCOUNT.to_owned(),
        not_taken,
    })
}

fn scope_choice(scope: Scope, screen: &Screen, client: &Client) -> ScopeChoice {
    ScopeChoice {
        kind: kind(scope),
        required: scope == Scope::OpenId,
        granted: screen.was_granted(scope),
        serves: scope != Scope::OfflineAccess || client.may_refresh(),
        channels: match screen.shown().channels() {
            Some(channels) if scope == Scope::Contact => channel_choices(channels, screen, client),
            _ => Vec::new(),
        },
    }
}

fn channel_choices(channels: &Channels, screen: &Screen, client: &Client) -> Vec<ChannelChoice> {
    let meta = ChannelChoice {
        name: META_CHANNEL.to_owned(),
        description: String::new(),
        required: true,
        granted: screen.was_granted(Scope::Contact),
    };
    let declared = client.declared(channels).map(|channel| ChannelChoice {
        name: channel.name.to_string(),
        description: channel.description.clone(),
        required: false,
        granted: screen.was_granted_channel(channel.id),
    });
    [meta].into_iter().chain(declared).collect()
}

pub(crate) const fn kind(scope: Scope) -> ScopeKind {
    match scope {
        Scope::OpenId => ScopeKind::OpenId,
        Scope::OfflineAccess => ScopeKind::OfflineAccess,
        Scope::Contact => ScopeKind::Contact,
        Scope::Nickname => ScopeKind::Nickname,
    }
}

pub(crate) async fn answer(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Page {
    let now = State::now();
    let arrival = Arrival::of(&request, &state, now).await?;
    let form = body::form(&request, payload).await?;
    let id = interaction::named(&path)?;
    let refused = |cause: ErrorCause| PageFailure::from(cause).again(interaction::start(id));
    if !guard::is_own(&request, state.provider.issuer()) {
        return Err(refused(ErrorCause::ForeignForm));
    }
    let token = form.one("form_token").ok().flatten().unwrap_or_default();
    let fault = interaction::fault(&state, &arrival, id, token).await?;
    // An answer that is sent twice leads to the client twice (R33).
    if let Some(
        outcome @ (Outcome::UnknownInteraction(_) | Outcome::ClientGone | Outcome::Page(..)),
    ) = &fault
    {
        return interaction::towards(&request, outcome);
    }
    let Some(answer) = parsed(&form) else {
        return match &fault {
            Some(outcome) => interaction::towards(&request, outcome),
            None => Err(refused(ErrorCause::BadRequest)),
        };
    };
    let outcome = state
        .provider
        .answer(id, token, answer, &arrival.present, now)
        .await?;
    match outcome {
        // A browser is shown what came of it by a GET, which may be repeated.
        Ok(Outcome::Respond(_) | Outcome::Refuse(_)) if guard::navigates(&request) => {
            Ok(see_other(&interaction::start(id)))
        }
        // R31: it is asked anew, for the answer does not count any more.
        Ok(outcome @ Outcome::Ask(_)) => {
            let response = interaction::towards(&request, &outcome)?;
            interaction::not_taken(&request, &state, &arrival, id, response)
        }
        Ok(outcome) => interaction::towards(&request, &outcome),
        Err(Refusal::ForeignForm) => Err(refused(ErrorCause::ForeignForm)),
        Err(Refusal::NotShown) => Err(refused(ErrorCause::NotShown)),
    }
}

fn parsed(form: &Params) -> Option<ConsentAnswer> {
    if form
        .malformed(&["form_token", "decision", "scope", "channel"], &[])
        .is_some()
    {
        return None;
    }
    let all = |name| form.all(name).map(str::to_owned).collect();
    Some(ConsentAnswer {
        verdict: match form.one("decision").ok()?? {
            "approve_all" => Verdict::AllowAll,
            "approve" => Verdict::AllowSelected,
            "deny" => Verdict::Deny,
            _ => return None,
        },
        scopes: all("scope"),
        channels: all("channel"),
    })
}

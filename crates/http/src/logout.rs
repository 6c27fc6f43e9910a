//! Signing out at a client's wish: the `end_session_endpoint` (RP-Initiated Logout 1.0), the page
//! that asks, and the page at its end.

use actix_web::{HttpRequest, HttpResponse, http::Method, web};
use alias_domain::{
    LogoutFault, Params,
    flows::{Logout, LogoutAsk, LogoutRefusal, SignedOut},
    ports::StoreError,
};

use crate::{
    account, body, guard,
    notice::{self, Done},
    pages::{AccountChoice, ErrorCause, SignOutFault, SignOutPage, SignedOutPage},
    refusal,
    respond::{self, Page, PageFailure, see_other},
    routes::{ACCOUNT, END_SESSION, SIGN_IN, SIGN_OUT, SIGNED_OUT},
    server::State,
    visitor::Arrival,
};

pub(crate) async fn get(request: HttpRequest, state: web::Data<State>) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let params = Params::parse(request.query_string());
    match state.provider.log_out(&params, &arrival.present).await? {
        Logout::Done(end) => Ok(ended(&request, &state, &arrival, &end).await?),
        Logout::Ask(ask) => Ok(see_other(&asking(&ask.query))),
    }
}

/// A cross-site POST brings no `SameSite` cookie, so it comes again as a GET.
pub(crate) async fn post(request: HttpRequest, payload: web::Payload) -> Page {
    let query = body::query(&request, payload).await?;
    Ok(see_other(&format!("{END_SESSION}?{query}")))
}

/// The page that asks. The hint is not in its address.
pub(crate) async fn page(request: HttpRequest, state: web::Data<State>) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let params = Params::parse(request.query_string());
    let ask = match state.provider.log_out(&params, &arrival.present).await? {
        Logout::Ask(ask) => with_fault_of(&params, *ask),
        Logout::Done(end) => return Ok(ended(&request, &state, &arrival, &end).await?),
    };
    let page = SignOutPage {
        action: asking(&ask.query),
        form_token: ask.form.expose().to_owned(),
        client_name: ask.client.as_ref().map(|it| it.name.clone()),
        accounts: ask
            .sessions
            .iter()
            .map(|session| AccountChoice {
                value: session.id.to_string(),
                nickname: session.user.nickname.as_ref().map(ToString::to_string),
                email: session.user.email.to_string(),
            })
            .collect(),
        fault: ask.end.fault.map(words),
    };
    let response = arrival.remember(&state, respond::page(&page)?);
    Ok(match &ask.end.way_back {
        Some(way_back) => respond::towards(way_back.uri(), response),
        None => response,
    })
}

pub(crate) async fn answer(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let form = body::form(&request, payload).await?;
    let foreign = || {
        let cause = match arrival.is_unknown() {
            true => ErrorCause::FormWithoutCookies,
            false => ErrorCause::ForeignForm,
        };
        PageFailure::from(cause).again(asking(request.query_string()))
    };
    if !guard::is_own(&request, state.provider.issuer()) {
        return Err(foreign());
    }
    let field = |name| form.one(name).ok().flatten().unwrap_or_default();
    let params = Params::parse(request.query_string());
    let answered = state
        .provider
        .answer_logout(
            field("form_token"),
            field("sign_out"),
            &params,
            &arrival.present,
        )
        .await?;
    match answered {
        Ok(Some(end)) => {
            let end = SignedOut {
                fault: end.fault.or(fault_of(&params)),
                ..end
            };
            Ok(ended(&request, &state, &arrival, &end).await?)
        }
        Ok(None) => Ok(see_other(ACCOUNT)),
        Err(LogoutRefusal::ForeignForm) => Err(foreign()),
        Err(LogoutRefusal::NotShown) => Err(ErrorCause::BadRequest.into()),
    }
}

pub(crate) async fn signed_out(request: HttpRequest, state: web::Data<State>) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let params = Params::parse(request.query_string());
    if let Some(way_back) = state.provider.way_back(&params).await? {
        return respond::leave(&request, &way_back.address());
    }
    let done = notice::told(&request, &state, &arrival.present);
    let page = respond::page(&SignedOutPage {
        signed_out: match done {
            Some(Done::SignedOut { email }) => Some(email),
            _ => None,
        },
        still: account::others(&arrival.present, None),
        sign_in_url: SIGN_IN.to_owned(),
        fault: fault_of(&params).map(words),
    })?;
    Ok(notice::forget(&request, &state, page))
}

/// Where it ends: at the client or here, with the sessions that ended out of the cookie.
async fn ended(
    request: &HttpRequest,
    state: &State,
    arrival: &Arrival,
    end: &SignedOut,
) -> Result<HttpResponse, StoreError> {
    let response = match (&end.way_back, end.fault) {
        // A browser moves on from a page that is shown by a GET: see `respond::leave`.
        (Some(_), _) if request.method() == Method::POST && guard::navigates(request) => {
            let query = body::addressable(request.query_string().as_bytes());
            see_other(&format!("{SIGNED_OUT}?{query}"))
        }
        (Some(way_back), _) => see_other(&way_back.address()),
        (None, Some(fault)) => {
            refusal::of_logout(fault);
            see_other(&format!("{SIGNED_OUT}?fault={fault}"))
        }
        (None, None) => see_other(SIGNED_OUT),
    };
    let still = Arrival::of(request, state, State::now()).await?;
    Ok(arrival.dismiss(state, &still.present, response))
}

fn asking(query: &str) -> String {
    match query {
        "" => SIGN_OUT.to_owned(),
        // A browser may have sent what no header can say.
        query => format!("{SIGN_OUT}?{}", body::addressable(query.as_bytes())),
    }
}

/// What was wrong with the request that led here, as our own redirect says.
fn fault_of(params: &Params) -> Option<LogoutFault> {
    params.one("fault").ok().flatten()?.parse().ok()
}

fn with_fault_of(params: &Params, mut ask: LogoutAsk) -> LogoutAsk {
    if let (None, Some(fault)) = (ask.end.fault, fault_of(params)) {
        ask.query = format!("fault={fault}");
        ask.end = SignedOut {
            way_back: None,
            fault: Some(fault),
        };
    }
    ask
}

const fn words(fault: LogoutFault) -> SignOutFault {
    match fault {
        LogoutFault::Repeated => SignOutFault::Repeated,
        LogoutFault::Malformed => SignOutFault::Malformed,
        LogoutFault::Hint => SignOutFault::Hint,
        LogoutFault::UnknownClient => SignOutFault::UnknownClient,
        LogoutFault::Disagreement => SignOutFault::Disagreement,
        LogoutFault::NoClient => SignOutFault::NoClient,
        LogoutFault::UnregisteredUri => SignOutFault::UnregisteredUri,
    }
}

#[cfg(test)]
mod tests {
    use super::asking;

    #[test]
    fn the_address_that_asks_can_stand_in_a_header() {
        assert_eq!(asking(""), "/sign-out/confirm");
        let address = asking("state=a%20ü<\u{7f}&client_id=x");
        assert_eq!(
            address,
            "/sign-out/confirm?state=a%20%C3%BC%3C%7F&client_id=x"
        );
    }
}

//! Signing out at a client's wish: the `end_session_endpoint` (RP-Initiated Logout 1.0), the page
//! that asks, and the page at its end.

use actix_web::{HttpRequest, HttpResponse, http::Method, web};
use alias_domain::{
    LogoutFault, Params, WayBack,
    flows::{Logout, LogoutRefusal, Present, SignedOut},
    ports::Failure,
};

use crate::{
    account, body, context, encoding, guard,
    notes::{FaultyLogout, NOTE, Note},
    notice::{self, Done, TellingPage},
    pages::{AccountChoice, ErrorCause, SignOutFault, SignOutPage, SignedOutPage},
    paths::{ACCOUNT, END_SESSION, SIGN_IN, SIGN_OUT, SIGNED_OUT},
    refusal,
    respond::{self, Page, PageFailure, see_other},
    state::State,
    visitor::Arrival,
};

pub(crate) async fn get(request: HttpRequest, state: web::Data<State>) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let params = Params::parse(request.query_string());
    match state.provider.log_out(&params, &arrival.present).await? {
        Logout::Done(end) => Ok(ended(&request, &state, &arrival, end, None).await?),
        Logout::Ask(ask) => {
            let faulty = faulty(ask.end.fault, None);
            Ok(see_other(&asking(&state, &ask.query, faulty)?))
        }
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
    let earlier = fault_of(&request, &state);
    let ask = match state.provider.log_out(&params, &arrival.present).await? {
        Logout::Ask(ask) => ask,
        Logout::Done(end) => return Ok(ended(&request, &state, &arrival, end, earlier).await?),
    };
    let faulty = faulty(ask.end.fault, earlier);
    let way_back = ask.end.way_back.as_ref().filter(|_| faulty.is_none());
    let page = SignOutPage {
        action: asking(&state, &ask.query, faulty.clone())?,
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
        fault: faulty.as_ref().map(|it| words(it.fault)),
        request_id: faulty.and_then(|it| it.request_id),
    };
    let response = arrival.remember(&state, respond::page(&page)?);
    Ok(match way_back {
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
        PageFailure::from(cause).again(address(request.query_string()))
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
            let earlier = fault_of(&request, &state);
            Ok(ended(&request, &state, &arrival, end, earlier).await?)
        }
        Ok(None) => Ok(see_other(ACCOUNT)),
        Err(LogoutRefusal::ForeignForm) => Err(foreign()),
        Err(LogoutRefusal::NotShown) => Err(ErrorCause::BadRequest.into()),
    }
}

pub(crate) async fn signed_out(request: HttpRequest, state: web::Data<State>) -> Page {
    let arrival = Arrival::of(&request, &state, State::now()).await?;
    let present = &arrival.present;
    if let Some(way_back) = left_for(&request, &state, present).await? {
        return respond::leave(&request, &way_back.address());
    }
    let told = notice::told(&request, &state, present, TellingPage::SignedOut);
    let signed_out = told.done().filter_map(|it| match it {
        Done::SignedOut { email, .. } => Some(email.clone()),
        _ => None,
    });
    let faulty = fault_of(&request, &state);
    let page = respond::page(&SignedOutPage {
        signed_out: signed_out.collect(),
        still: account::others(present, None),
        sign_in_url: SIGN_IN.to_owned(),
        fault: faulty.as_ref().map(|it| words(it.fault)),
        request_id: faulty.and_then(|it| it.request_id),
    })?;
    Ok(notice::forget(&request, &state, &told, page))
}

/// Where whoever was just signed out at this browser goes on by the request in the address: a note beside
/// it says so, for anybody can write the request.
async fn left_for(
    request: &HttpRequest,
    state: &State,
    present: &Present,
) -> Result<Option<WayBack>, PageFailure> {
    let params = Params::parse(request.query_string());
    let Some(note) = params.one(NOTE).ok().flatten() else {
        return Ok(None);
    };
    let Some(Done::LeavesFor { address }) =
        notice::opened(state, present, TellingPage::SignedOut, note)
    else {
        return Ok(None);
    };
    let way_back = state.provider.way_back(&params).await?;
    Ok(way_back.filter(|it| notice::digest(&it.address()) == address))
}

/// Where it ends: at the client or here, with the sessions that ended out of the cookie. A request in
/// which something was wrong, `earlier` perhaps, leads nowhere.
async fn ended(
    request: &HttpRequest,
    state: &State,
    arrival: &Arrival,
    end: SignedOut,
    earlier: Option<FaultyLogout>,
) -> Result<HttpResponse, Failure> {
    let response = match (faulty(end.fault, earlier), end.way_back) {
        (Some(faulty), _) => see_other(&Note::SignOutFault(faulty).at(SIGNED_OUT, state)?),
        // A browser moves on from a page that is shown by a GET: see `respond::leave`.
        (None, Some(way_back)) if request.method() == Method::POST && guard::navigates(request) => {
            let done = Done::LeavesFor {
                address: notice::digest(&way_back.address()),
            };
            let note = notice::sealed(state, &arrival.present, TellingPage::SignedOut, &done)?;
            let params = Params::parse(request.query_string());
            let query = params.to_query(&["client_id", "post_logout_redirect_uri", "state"]);
            let query = encoding::addressable(query.as_bytes());
            see_other(&format!("{SIGNED_OUT}?{query}&{NOTE}={}", note.expose()))
        }
        (None, Some(way_back)) => see_other(&way_back.address()),
        (None, None) => see_other(SIGNED_OUT),
    };
    let still = Arrival::of(request, state, State::now()).await?;
    Ok(arrival.dismiss(state, &still.present, response))
}

/// What is wrong with a request: what was found before, by the page that led here, or now. It is in the
/// log once, with the ID of the request that it was found in.
fn faulty(fault: Option<LogoutFault>, earlier: Option<FaultyLogout>) -> Option<FaultyLogout> {
    earlier.or_else(|| {
        let fault = fault?;
        refusal::of_logout(fault);
        Some(FaultyLogout {
            fault,
            request_id: context::shown_id(),
        })
    })
}

/// The address of the page that asks.
fn asking(state: &State, query: &str, faulty: Option<FaultyLogout>) -> Result<String, Failure> {
    match faulty {
        Some(faulty) => Note::SignOutFault(faulty).at(SIGN_OUT, state),
        None => Ok(address(query)),
    }
}

fn address(query: &str) -> String {
    match query {
        "" => SIGN_OUT.to_owned(),
        // A browser may have sent what no header can say.
        query => format!("{SIGN_OUT}?{}", encoding::addressable(query.as_bytes())),
    }
}

/// What was wrong with the request that led here, as our own redirect says.
fn fault_of(request: &HttpRequest, state: &State) -> Option<FaultyLogout> {
    match Note::read(request.query_string(), state)? {
        Note::SignOutFault(faulty) => Some(faulty),
        _ => None,
    }
}

const fn words(fault: LogoutFault) -> SignOutFault {
    match fault {
        LogoutFault::Repeated => SignOutFault::Repeated,
        LogoutFault::Malformed => SignOutFault::Malformed,
        LogoutFault::LongState => SignOutFault::LongState,
        LogoutFault::Hint => SignOutFault::Hint,
        LogoutFault::UnknownClient => SignOutFault::UnknownClient,
        LogoutFault::Disagreement => SignOutFault::Disagreement,
        LogoutFault::NoClient => SignOutFault::NoClient,
        LogoutFault::UnregisteredUri => SignOutFault::UnregisteredUri,
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn the_address_that_asks_can_stand_in_a_header() {
        assert_eq!(address(""), "/sign-out/confirm");
        let address = address("state=a%20ü<\u{7f}&client_id=x");
        assert_eq!(
            address,
            "/sign-out/confirm?state=a%20%C3%BC%3C%7F&client_id=x"
        );
    }
}

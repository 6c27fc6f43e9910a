//! A form that is refused, at a browser. What a page answers to a POST, the browser keeps in its history
//! with what was posted, and Back asks whether to send it again; so the page is shown by a GET. Programs
//! get their answer at once.

use actix_web::{
    Error, HttpRequest, ResponseError,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header::SET_COOKIE},
    middleware::Next,
    web::Data,
};

use crate::{
    context, guard,
    notes::{Note, Problem},
    pages::ErrorCause,
    paths::PROBLEM,
    refusal,
    respond::{Page, PageFailure, see_other},
    state::State,
};

/// The longest address that is offered again, in bytes: with a longer one the page's own would be too
/// long.
const LONGEST: usize = 4096;

/// Sends a browser that posted a form from what was wrong with it to the page that says so.
pub(crate) async fn by_get(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody, BoxBody>>, Error> {
    let posted = *request.method() == Method::POST && guard::navigates(request.request());
    let response = next.call(request).await?;
    let problem = response.response().extensions().get::<Problem>().cloned();
    let state = response.request().app_data::<Data<State>>().cloned();
    let (true, true, Some(mut problem), Some(state)) =
        (posted, response.status().is_client_error(), problem, state)
    else {
        return Ok(response.map_into_left_body());
    };
    // The redirect is no error; the log has a line about this one nevertheless.
    refusal::answered(response.status());
    problem.request_id = context::shown_id();
    if problem.again.as_ref().is_some_and(|it| it.len() > LONGEST) {
        problem.again = None;
    }
    let Ok(address) = Note::Problem(problem).at(PROBLEM, &state) else {
        return Ok(response.map_into_left_body());
    };
    let mut redirect = see_other(&address);
    for cookie in response.headers().get_all(SET_COOKIE) {
        redirect.headers_mut().append(SET_COOKIE, cookie.clone());
    }
    Ok(response.into_response(redirect).map_into_right_body())
}

/// The page that says what was wrong.
pub(crate) async fn page(request: HttpRequest, state: Data<State>) -> Page {
    match Note::read(request.query_string(), &state) {
        Some(Note::Problem(problem)) => Ok(PageFailure::from(problem).error_response()),
        _ => Err(ErrorCause::NotFound.into()),
    }
}

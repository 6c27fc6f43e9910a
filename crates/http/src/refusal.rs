//! What is refused, and why: one line of the log each, which tools can ban by. It has no secret, and of
//! what a stranger sent no more than the ID of a client and where a redirect URI points to.

use std::time::Instant;

use actix_web::http::StatusCode;
use alias_domain::{
    ClientId, ErrorCode, LogoutFault, Params, UserId,
    flows::{Refused, SignInFault},
    ports::Failure,
};

use crate::{
    context::{self, Context},
    encoding,
    quota::{Count, Verdict},
};

/// What is told of a sign-in that is refused.
const INVALID_CREDENTIALS: &str = "invalid_credentials";

/// The longest that is logged of a redirect URI, in bytes.
const LONGEST: usize = 200;

/// Who and what a refusal is about, as far as it is known.
#[derive(Default)]
struct About {
    client: Option<ClientId>,
    user: Option<UserId>,
    redirect_uri: Option<String>,
}

/// A program is refused: a client at the endpoints where it authenticates, or whoever shows a token.
pub(crate) fn of_program(code: &str, cause: &str, client: Option<ClientId>) {
    let about = About {
        client,
        ..About::default()
    };
    log(code, cause, &about);
}

/// An authorization request leads nowhere: there is nobody whom the browser could be sent to.
pub(crate) fn of_request(fault: &impl ToString, params: &Params) {
    let sent = |name| params.one(name).ok().flatten();
    let about = About {
        client: sent("client_id").and_then(|it| it.parse().ok()),
        redirect_uri: sent("redirect_uri").map(place),
        user: None,
    };
    log("invalid_request", &fault.to_string(), &about);
}

/// An authorization request is answered with an error: a fault of its client, and no attack of the user
/// who brings it. That a user says no, or that nobody can be asked, is no fault.
pub(crate) fn of_authorization(refused: &Refused) {
    let error = &refused.error;
    if matches!(
        error.code,
        ErrorCode::AccessDenied | ErrorCode::LoginRequired | ErrorCode::ConsentRequired
    ) {
        return;
    }
    let about = About {
        client: Some(refused.client),
        ..About::default()
    };
    let cause = error.cause.unwrap_or(&error.description);
    log(error.code.name(), cause, &about);
}

/// A logout request ends here, and not at its client.
pub(crate) fn of_logout(fault: LogoutFault) {
    let cause = format!("a logout request leads nowhere: {fault}");
    log("invalid_request", &cause, &About::default());
}

/// Nobody is signed in.
pub(crate) fn of_sign_in(fault: SignInFault) {
    let about = About {
        user: fault.user(),
        ..About::default()
    };
    log(INVALID_CREDENTIALS, fault.name(), &about);
}

/// A request was answered. Where that is an error, its ID is in the log: by a line that says more, or
/// by this one.
pub(crate) fn answered(status: StatusCode) {
    if !(status.is_client_error() || status.is_server_error()) {
        return;
    }
    context::read(|context| {
        if context.is_told() || !admitted(context, &context.quota().answers) {
            return;
        }
        tracing::info!(
            status = status.as_u16(),
            source = context.source().map(tracing::field::display),
            request_id = %context.id(),
            "answered with an error"
        );
    });
}

/// A request could not be answered, for a reason of ours. While the store is away that is every one,
/// however many are sent.
pub(crate) fn of_ours(reason: &Failure) {
    let withheld = context::read(|context| {
        context.tell();
        !admitted(context, &context.quota().answers)
    });
    if withheld == Some(true) {
        return;
    }
    match reason {
        // No fault of ours: more is asked for than the machine can do.
        Failure::Busy => tracing::warn!(failure = %reason, "a request could not be answered"),
        _ => tracing::error!(failure = %reason, "a request could not be answered"),
    }
}

/// The order of the fields is promised: what a stranger chose comes last.
fn log(error: &str, cause: &str, about: &About) {
    context::read(|context| {
        context.tell();
        let count = match error {
            INVALID_CREDENTIALS | "invalid_client" => &context.quota().guesses,
            _ => &context.quota().refusals,
        };
        if !admitted(context, count) {
            return;
        }
        tracing::warn!(
            error,
            source = context.source().map(tracing::field::display),
            cause,
            client = about.client.map(tracing::field::display),
            user = about.user.map(tracing::field::display),
            request_id = %context.id(),
            redirect_uri = about.redirect_uri.as_deref(),
            "refused"
        );
    });
}

fn admitted(context: &Context, count: &Count) -> bool {
    match count.take(context.source(), Instant::now()) {
        Verdict::Withhold => false,
        Verdict::Write { withheld: 0 } => true,
        Verdict::Write { withheld } => {
            tracing::warn!(withheld, "lines were withheld, for there were too many");
            true
        }
    }
}

/// Where a redirect URI points to, in ASCII without spaces: no query, no fragment, no user.
fn place(redirect_uri: &str) -> String {
    let uri = redirect_uri.split(['?', '#']).next().unwrap_or_default();
    let uri = match uri.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => uri.to_owned(),
    };
    let mut place = encoding::addressable(uri.as_bytes());
    place.truncate(LONGEST);
    place
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_redirect_uri_is_logged_without_what_may_be_secret_or_mislead() {
        for (sent, logged) in [
            ("https://a.example/cb", "https://a.example/cb"),
            ("https://a.example/cb?code=x#y", "https://a.example/cb"),
            ("https://me:pw@a.example/cb", "https://a.example/cb"),
            ("com.example.app:/cb", "com.example.app:/cb"),
            (
                "a\n\"source\":\"192.0.2.1\"",
                "a%0A%22source%22:%22192.0.2.1%22",
            ),
            ("\u{202e}x \u{1b}[31m", "%E2%80%AEx%20%1B[31m"),
        ] {
            assert_eq!(place(sent), logged);
        }
        assert_eq!(place(&"\u{fc}".repeat(1000)).len(), 200);
    }
}

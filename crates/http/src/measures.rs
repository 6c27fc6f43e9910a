//! What is measured. The names and their meanings are in `docs/operating.md`; every label has a
//! small number of values, whatever is sent here.

use std::{sync::Arc, time::Instant};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode},
    middleware::Next,
};
use alias_domain::{
    Aftermath, TokenRequest,
    flows::SignIn,
    ports::{Failure, StoreError},
};
use chrono::{DateTime, Utc};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::{connections::Cause, refusal};

/// Renders what was measured, in Prometheus' text format.
pub type Exposition = Arc<dyn Fn() -> String + Send + Sync>;

/// The upper bounds of the buckets that durations are counted in, in seconds. A refresh takes a
/// few milliseconds, a sign-in some tens for its hash.
pub const DURATION_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

const REQUESTS: &str = "alias_http_requests_total";
const DURATION: &str = "alias_http_request_duration_seconds";
const IN_FLIGHT: &str = "alias_http_requests_in_flight";
const CONNECTIONS: &str = "alias_http_connections";
const CONNECTIONS_ENDED: &str = "alias_http_connections_ended_total";
const TOKENS_ISSUED: &str = "alias_tokens_issued_total";
const TOKENS_REFUSED: &str = "alias_tokens_refused_total";
const SIGN_INS: &str = "alias_sign_ins_total";
const FAILURES: &str = "alias_failures_total";
const LOGOUTS: &str = "alias_logout_notices_total";
const PANICS: &str = "alias_panics_total";
const LOG_LINES_LOST: &str = "alias_log_lines_lost_total";
const CERTIFICATE: &str = "alias_tls_certificate_expiry_timestamp_seconds";
const OVER_LIMIT: &str = "alias_requests_over_limit_total";
const BUILD: &str = "alias_build_info";

const AUTHORIZATION_CODE: &str = "authorization_code";
const REFRESH_TOKEN: &str = "refresh_token";
const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";
const GIVEN_UP: &str = "given_up";
const DONE: &str = "done";
const REFUSED: &str = "refused";
const STORE_UNAVAILABLE: &str = "store_unavailable";
const STORE_CORRUPT: &str = "store_corrupt";
const STORE_DISAGREEMENT: &str = "store_disagreement";
const CRYPTOGRAPHY: &str = "cryptography";
const BUSY: &str = "busy";
const PANIC: &str = "panic";

/// Tells the recorder, once it is installed, what there will be, and which version measures. What
/// has not happened yet is there as 0, for an alert sees no first time otherwise.
pub fn describe(version: &'static str) {
    describe_counter!(REQUESTS, "Requests answered at the public address");
    describe_histogram!(DURATION, Unit::Seconds, "How long an answer took");
    describe_gauge!(IN_FLIGHT, "Requests that are being answered");
    describe_gauge!(CONNECTIONS, "Connections that are open");
    describe_counter!(
        CONNECTIONS_ENDED,
        "Connections that waited for their peer for too long, or gave way"
    );
    describe_counter!(TOKENS_ISSUED, "Token requests granted");
    describe_counter!(TOKENS_REFUSED, "Token requests refused, by OAuth 2.0 error");
    describe_counter!(SIGN_INS, "Attempts to sign in");
    describe_counter!(LOGOUTS, "Tries to tell a client that a session ended");
    describe_counter!(OVER_LIMIT, "Requests refused because there were too many");
    describe_counter!(
        FAILURES,
        "Failures of the store or of cryptography, too much at once, and panics"
    );
    describe_counter!(PANICS, "Panics, on whichever thread");
    describe_counter!(LOG_LINES_LOST, "Lines of the log that could not be written");
    describe_gauge!(CERTIFICATE, "When the certificate in use expires");
    describe_gauge!(BUILD, "1, with the version that runs");
    gauge!(BUILD, "version" => version).set(1);
    gauge!(IN_FLIGHT).set(0);
    gauge!(CONNECTIONS).set(0);
    for cause in [
        Cause::Head,
        Cause::Body,
        Cause::Unread,
        Cause::Idle,
        Cause::Full,
    ] {
        counter!(CONNECTIONS_ENDED, "cause" => named(cause)).increment(0);
    }
    for grant_type in [AUTHORIZATION_CODE, REFRESH_TOKEN] {
        counter!(TOKENS_ISSUED, "grant_type" => grant_type).increment(0);
    }
    for outcome in [DONE, REFUSED] {
        counter!(SIGN_INS, "outcome" => outcome).increment(0);
    }
    for outcome in [DELIVERED, FAILED, GIVEN_UP] {
        counter!(LOGOUTS, "outcome" => outcome).increment(0);
    }
    for limit in ["limits.requests", "limits.requests_total"] {
        counter!(OVER_LIMIT, "limit" => limit).increment(0);
    }
    for cause in [
        STORE_UNAVAILABLE,
        STORE_CORRUPT,
        STORE_DISAGREEMENT,
        CRYPTOGRAPHY,
        BUSY,
        PANIC,
    ] {
        counter!(FAILURES, "cause" => cause).increment(0);
    }
}

/// A connection was ended, for it waited for its peer.
pub(crate) fn connection_ended(cause: Cause) {
    counter!(CONNECTIONS_ENDED, "cause" => named(cause)).increment(1);
}

const fn named(cause: Cause) -> &'static str {
    match cause {
        Cause::Head => "head",
        Cause::Body => "body",
        Cause::Unread => "unread",
        Cause::Idle => "idle",
        Cause::Full => "full",
    }
}

/// A connection that is open.
pub(crate) struct Open;

impl Open {
    pub(crate) fn connection() -> Self {
        gauge!(CONNECTIONS).increment(1);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!(CONNECTIONS).decrement(1);
    }
}

/// Measures each request: by its route, never by the address as sent.
pub(crate) async fn requests(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let method = method(request.method());
    let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
    let started = Instant::now();
    let in_flight = InFlight::begun();
    let answer = next.call(request).await;
    drop(in_flight);
    let status = class(match &answer {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    });
    counter!(REQUESTS, "route" => route.clone(), "method" => method, "status" => status)
        .increment(1);
    histogram!(DURATION, "route" => route, "method" => method)
        .record(started.elapsed().as_secs_f64());
    answer
}

/// A request that is being answered. One whose client has gone is dropped, and counts no more.
struct InFlight;

impl InFlight {
    fn begun() -> Self {
        gauge!(IN_FLIGHT).increment(1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1);
    }
}

/// Anybody may invent a method.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// The grant type of a token request, as a client writes it.
pub(crate) const fn grant_type(request: &TokenRequest) -> &'static str {
    match request {
        TokenRequest::Code { .. } => AUTHORIZATION_CODE,
        TokenRequest::Refresh { .. } => REFRESH_TOKEN,
    }
}

pub(crate) fn tokens_issued(grant_type: &'static str) {
    counter!(TOKENS_ISSUED, "grant_type" => grant_type).increment(1);
}

pub(crate) fn tokens_refused(error: &'static str) {
    counter!(TOKENS_REFUSED, "error" => error).increment(1);
}

/// Counts a sign-in, and logs one that is refused.
pub(crate) fn sign_in(outcome: &SignIn) {
    let outcome = match outcome {
        SignIn::Done(_) => DONE,
        SignIn::Refused(fault) => {
            refusal::of_sign_in(*fault);
            REFUSED
        }
        // Nothing was tried.
        SignIn::Abandoned => return,
    };
    counter!(SIGN_INS, "outcome" => outcome).increment(1);
}

/// A try to tell a client that a session ended.
pub fn logout(aftermath: Aftermath) {
    let outcome = match aftermath {
        Aftermath::Delivered => DELIVERED,
        Aftermath::Again(_) => FAILED,
        Aftermath::GivenUp => GIVEN_UP,
    };
    counter!(LOGOUTS, "outcome" => outcome).increment(1);
}

/// A request that is refused, for there were too many; with the setting that bounds them.
pub fn over_limit(setting: &'static str) {
    counter!(OVER_LIMIT, "limit" => setting).increment(1);
}

/// Logs and counts why a request could not be answered.
pub(crate) fn unanswered(reason: &Failure) {
    refusal::of_ours(reason);
    failure(reason);
}

pub(crate) fn failure(failure: &Failure) {
    let cause = match failure {
        Failure::Store(StoreError::Unavailable(_)) => STORE_UNAVAILABLE,
        Failure::Store(StoreError::Corrupt { .. }) => STORE_CORRUPT,
        Failure::Store(StoreError::Disagreement { .. }) => STORE_DISAGREEMENT,
        Failure::Crypto(_) => CRYPTOGRAPHY,
        Failure::Busy => BUSY,
    };
    counter!(FAILURES, "cause" => cause).increment(1);
}

/// A request that panicked.
pub(crate) fn panic() {
    counter!(FAILURES, "cause" => PANIC).increment(1);
}

/// How often the process panicked, and how many lines of its log were lost, since it started. Neither
/// can be counted here while it happens.
pub fn faults(panics: u64, lost_lines: u64) {
    counter!(PANICS).absolute(panics);
    counter!(LOG_LINES_LOST).absolute(lost_lines);
}

pub(crate) fn certificate(expires_at: DateTime<Utc>) {
    let since = expires_at - DateTime::UNIX_EPOCH;
    gauge!(CERTIFICATE).set(since.as_seconds_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_method_is_other() {
        let invented = Method::from_bytes(b"BREW").expect("a token");
        assert_eq!(method(&invented), "other");
        assert_eq!(method(&Method::DELETE), "DELETE");
    }

    #[test]
    fn a_status_counts_by_its_class() {
        assert_eq!(class(StatusCode::SEE_OTHER), "3xx");
        assert_eq!(class(StatusCode::CONFLICT), "4xx");
        assert_eq!(class(StatusCode::SERVICE_UNAVAILABLE), "5xx");
    }
}

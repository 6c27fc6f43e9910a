use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use alias_domain::Secret;

use crate::Refusal;

/// Alias makes no longer ones.
const LONGEST: usize = 32 * 1024;

/// The token of a request: in the `Authorization` header and nowhere else (RFC 6750 2.1), for
/// addresses are logged, and a form can be sent from any page.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Secret, Refusal> {
    let mut sent = headers.get_all(AUTHORIZATION);
    let header = sent.next().ok_or(Refusal::MissingToken)?;
    if sent.next().is_some() {
        return Err(Refusal::RepeatedHeader);
    }
    let header = header.as_bytes();
    let scheme = header.split(|it| *it == b' ').next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Err(Refusal::MissingToken);
    }
    let token = header[scheme.len()..].trim_ascii();
    if token.is_empty() {
        return Err(Refusal::MissingToken);
    }
    match std::str::from_utf8(token) {
        Ok(token) if is_token(token) => Ok(Secret::new(token.to_owned())),
        _ => Err(Refusal::InvalidToken),
    }
}

/// The grammar of RFC 6750 2.1, and no more than Alias would look at.
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let admitted = |it: u8| it.is_ascii_alphanumeric() || b"-._~+/".contains(&it);
    text.len() <= LONGEST && !body.is_empty() && body.bytes().all(admitted)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn token(headers: &[&str]) -> Result<String, Refusal> {
        let mut request = TestRequest::default();
        for header in headers {
            request = request.append_header((AUTHORIZATION, *header));
        }
        let request = request.to_http_request();
        bearer(request.headers()).map(|it| it.expose().to_owned())
    }

    #[test]
    fn the_token_is_that_of_the_one_authorization_header() {
        for header in ["Bearer a.b-_~+/=", "bearer a.b-_~+/=", "BEARER  a.b-_~+/= "] {
            assert_eq!(token(&[header]), Ok("a.b-_~+/=".to_owned()), "{header}");
        }
        assert_eq!(token(&[]), Err(Refusal::MissingToken));
        for several in [["Bearer a", "Bearer a"], ["Basic YTpi", "Bearer a"]] {
            assert_eq!(token(&several), Err(Refusal::RepeatedHeader));
        }
    }

    #[test]
    fn another_scheme_is_no_token() {
        for header in ["Basic YTpi", "Bearer", "Bearer  ", "Bearerx y", "a", ""] {
            assert_eq!(token(&[header]), Err(Refusal::MissingToken), "{header}");
        }
    }

    #[test]
    fn what_no_token_looks_like_is_refused_without_asking() {
        let long = format!("Bearer {}", "a".repeat(LONGEST + 1));
        for header in [
            "Bearer a b",
            "Bearer a,Bearer b",
            "Bearer \"a\"",
            "Bearer =",
            &long,
        ] {
            assert_eq!(token(&[header]), Err(Refusal::InvalidToken));
        }
        assert!(token(&[&long[..long.len() - 1]]).is_ok());
    }
}

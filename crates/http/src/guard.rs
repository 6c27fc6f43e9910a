use actix_web::{HttpRequest, http::header::ORIGIN};

/// Whether a request that changes something comes from one of our own pages, as far as the
/// browser tells: neither header may speak against it. Under `Referrer-Policy: no-referrer` a
/// browser's `Origin` is `null` even for our own forms, so that says nothing. A program sends
/// neither, and what it asks for is then decided by the form's token.
pub(crate) fn is_own(request: &HttpRequest, issuer: &str) -> bool {
    let header = |name: &str| request.headers().get(name).map(|it| it.as_bytes());
    let own_origin = match header(ORIGIN.as_str()) {
        None | Some(b"null") => true,
        Some(origin) => origin == issuer_origin(issuer).as_bytes(),
    };
    let own_site = match header("sec-fetch-site") {
        None => true,
        Some(site) => matches!(site, b"same-origin" | b"none"),
    };
    own_origin && own_site
}

/// Whether a browser navigates, and not a program: it keeps in its history what it posted, and Chromium
/// holds every redirect after a form against the `form-action` of the page that had it.
pub(crate) fn navigates(request: &HttpRequest) -> bool {
    let mode = request.headers().get("sec-fetch-mode");
    mode.is_some_and(|it| it.as_bytes() == b"navigate")
}

/// The issuer without its path, if it has one.
fn issuer_origin(issuer: &str) -> &str {
    let host = issuer.find("://").map_or(0, |it| it + 3);
    let end = issuer[host..]
        .find('/')
        .map_or(issuer.len(), |it| host + it);
    &issuer[..end]
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::is_own;

    const ISSUER: &str = "https://id.example/tenant";

    fn own(headers: &[(&'static str, &'static str)]) -> bool {
        let request = headers
            .iter()
            .fold(TestRequest::post(), |it, header| it.insert_header(*header));
        is_own(&request.to_http_request(), ISSUER)
    }

    #[test]
    fn a_form_of_another_origin_is_told_apart() {
        assert!(own(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "null")
        ]));
        assert!(own(&[("origin", "https://id.example")]));
        assert!(own(&[]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
        assert!(!own(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "null")
        ]));
        assert!(!own(&[("origin", "https://evil.example")]));
        assert!(!own(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://evil.example")
        ]));
        assert!(!own(&[("origin", "https://id.example.evil.example")]));
    }
}

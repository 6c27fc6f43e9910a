use actix_web::{HttpRequest, http::header::ORIGIN};

/// Whether a request that changes something comes from one of our own pages, as far as the
/// browser tells. `Sec-Fetch-Site` decides where it is sent: under `Referrer-Policy: no-referrer`
/// a browser's `Origin` is `null` even for our own forms. A program sends neither, and what it
/// asks for is then decided by the form's token.
pub(crate) fn is_own(request: &HttpRequest, issuer: &str) -> bool {
    let header = |name: &str| request.headers().get(name).map(|it| it.as_bytes());
    match (header("sec-fetch-site"), header(ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, b"same-origin" | b"none"),
        (None, None | Some(b"null")) => true,
        (None, Some(origin)) => origin == issuer_origin(issuer).as_bytes(),
    }
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
        assert!(!own(&[("origin", "https://id.example.evil.example")]));
    }
}

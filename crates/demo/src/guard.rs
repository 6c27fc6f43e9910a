//! Which forms are believed: those that a page of Fieldnotes sent for this very visitor.

use actix_web::http::header::{HeaderMap, ORIGIN};
use subtle::ConstantTimeEq;

/// Whether a form comes from a page at `own`, as far as the browser says.
///
/// `Sec-Fetch-Site` is asked first, for under `Referrer-Policy: no-referrer` a browser sends
/// `Origin: null` with its own forms too. Where neither says anything, the form token decides.
pub(crate) fn sent_from(own: &str, headers: &HeaderMap) -> bool {
    match (headers.get("Sec-Fetch-Site"), headers.get(ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == own || origin == "null",
        (None, None) => true,
    }
}

/// Whether two secrets are the same, found out in a time that tells nothing of where they differ.
pub(crate) fn same_secret(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    const OWN: &str = "http://127.0.0.1:8081";

    fn sent_with(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|&(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect();
        sent_from(OWN, &headers)
    }

    #[test]
    fn a_form_of_ones_own_page_is_believed() {
        assert!(sent_with(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "null")
        ]));
        assert!(sent_with(&[("origin", OWN)]));
        assert!(sent_with(&[]));
    }

    #[test]
    fn a_form_of_another_site_is_not_believed() {
        assert!(!sent_with(&[("sec-fetch-site", "cross-site")]));
        assert!(!sent_with(&[("origin", "http://127.0.0.1:9999")]));
    }

    #[test]
    fn an_origin_does_not_outweigh_the_fetch_metadata() {
        assert!(!sent_with(&[
            ("sec-fetch-site", "same-site"),
            ("origin", OWN)
        ]));
    }
}

//! Taking an answer to the client.

use askama::Template;

use super::text::TEXT;

/// The page that posts an authorization response to the client (OAuth 2.0 Form Post Response Mode):
/// by itself where scripts run, by its button where they do not.
#[derive(Template)]
#[template(path = "form_post.html")]
pub struct FormPostPage {
    /// The client's redirect URI.
    pub action: String,
    /// Where that is, for people.
    pub host: String,
    /// The response.
    pub fields: Vec<FormPostField>,
}

/// A parameter of the response.
#[derive(Clone, Debug)]
pub struct FormPostField {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

impl FormPostPage {
    /// The page's script, whole: the content security policy admits it by its hash.
    pub const SCRIPT: &str = "document.forms[0].submit()";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::markup::{elements, input, render};

    fn page() -> FormPostPage {
        let field = |name, value: &str| FormPostField {
            name,
            value: value.to_owned(),
        };
        FormPostPage {
            action: "https://shop.example/callback?a=1".to_owned(),
            host: "shop.example".to_owned(),
            fields: vec![field("code", "8amd"), field("state", "a \"b\"")],
        }
    }

    #[test]
    fn the_form_goes_to_the_callback_as_it_was_registered() {
        let html = render(&page());
        assert!(elements(&html, "form")[0].is("action", "https://shop.example/callback?a=1"));
    }

    #[test]
    fn the_form_has_the_fields_of_the_response_and_no_other() {
        let html = render(&page());
        assert!(input(&html, "code", "8amd").is("type", "hidden"));
        assert!(input(&html, "state", "a &#34;b&#34;").is("type", "hidden"));
        assert_eq!(elements(&html, "input").len(), 2);
        assert!(!elements(&html, "button")[0].has("name"));
    }

    #[test]
    fn the_page_has_exactly_the_script_that_its_policy_admits() {
        let html = render(&page());
        let script = format!("<script>{}</script>", FormPostPage::SCRIPT);
        assert_eq!(html.matches(&script).count(), 1);
        assert_eq!(elements(&html, "script").len(), 1);
    }

    #[test]
    fn without_scripts_there_is_a_button_and_it_says_where_it_leads() {
        let html = render(&page());
        assert!(html.contains("<bdi class=\"name\">shop.example</bdi>"));
        assert!(html.contains(">Continue</button>"));
    }
}

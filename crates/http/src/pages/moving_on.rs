//! Leaving for a client.

use askama::Template;

use super::text::TEXT;

/// The page that sends a browser on to a client, by itself, without a script. It stands between a form
/// and the client's address, which no policy of the form then holds.
#[derive(Template)]
#[template(path = "moving_on.html")]
pub struct MovingOnPage {
    /// Where it leads: `https` or `http`.
    pub address: String,
    /// Where that is, for people.
    pub host: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::markup::{elements, render};

    fn page() -> MovingOnPage {
        MovingOnPage {
            address: "https://shop.example/callback?code=8amd&state='a'".to_owned(),
            host: "shop.example".to_owned(),
        }
    }

    #[test]
    fn the_page_moves_on_at_once_and_by_no_form() {
        let html = render(&page());
        let moves = elements(&html, "meta")
            .into_iter()
            .find(|it| it.is("http-equiv", "refresh"));
        let address = "https://shop.example/callback?code=8amd&#38;state=&#39;a&#39;";
        let expected = format!("0;url={address}");
        let content = moves.and_then(|it| it.attribute("content").map(str::to_owned));
        assert_eq!(content, Some(expected));
        assert!(elements(&html, "form").is_empty() && elements(&html, "script").is_empty());
    }

    #[test]
    fn where_a_browser_does_not_move_by_itself_a_link_leads_there_and_says_where() {
        let html = render(&page());
        let address = "https://shop.example/callback?code=8amd&#38;state=&#39;a&#39;";
        assert!(elements(&html, "a")[0].is("href", address));
        assert!(html.contains("<bdi class=\"name\">shop.example</bdi>"));
    }
}

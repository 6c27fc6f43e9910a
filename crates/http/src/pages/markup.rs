//! Just enough reading of markup to test what the pages say. It relies on the templates' own habits:
//! every attribute's value is quoted, and `<` and `>` in values are escaped.

use askama::Template;

/// A start tag, or an end tag, whose name then begins with a slash.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    /// An attribute's value as it is written, empty if it has none.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes
            .iter()
            .find_map(|&(key, value)| (key == name).then_some(value))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// Whether it holds script or style of its own, which the content security policy would refuse.
    pub(super) fn is_inline_code(&self) -> bool {
        ["script", "style"].contains(&self.name)
            || self
                .attributes
                .iter()
                .any(|(name, _)| *name == "style" || name.starts_with("on"))
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.attribute(name) == Some(value)
    }
}

pub(super) fn render(page: &impl Template) -> String {
    page.render().expect("a page of plain values renders")
}

/// Every tag, in the order of the document.
pub(super) fn tags(html: &str) -> Vec<Tag<'_>> {
    html.split('<')
        .skip(1)
        .map(|rest| rest.split_once('>').expect("a tag ends").0)
        .filter(|tag| !tag.starts_with('!'))
        .map(parse)
        .collect()
}

/// Every start tag of a name.
pub(super) fn elements<'a>(html: &'a str, name: &str) -> Vec<Tag<'a>> {
    let mut tags = tags(html);
    tags.retain(|tag| tag.name == name);
    tags
}

/// The only input with a value of a name.
pub(super) fn input<'a>(html: &'a str, name: &str, value: &str) -> Tag<'a> {
    let mut inputs = elements(html, "input");
    inputs.retain(|tag| tag.is("name", name) && tag.is("value", value));
    assert_eq!(inputs.len(), 1, "inputs {name}={value} in {html}");
    inputs.remove(0)
}

/// What stands in the label of a form field, tags included.
pub(super) fn label<'a>(html: &'a str, field: &Tag<'_>) -> &'a str {
    let id = field.attribute("id").expect("a field has an ID");
    html.split_once(&format!("<label for=\"{id}\">"))
        .and_then(|(_, rest)| rest.split_once("</label>"))
        .expect("a field has a label")
        .0
}

/// The markup of every form.
pub(super) fn forms(html: &str) -> Vec<&str> {
    html.split("<form ")
        .skip(1)
        .map(|rest| rest.split_once("</form>").expect("a form ends").0)
        .collect()
}

fn parse(tag: &str) -> Tag<'_> {
    let (name, mut rest) = tag.split_at(tag.find(char::is_whitespace).unwrap_or(tag.len()));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Tag { name, attributes };
        }
        let end = rest
            .find(|character: char| character == '=' || character.is_whitespace())
            .unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let (value, after) = after.strip_prefix("=\"").map_or(("", after), |quoted| {
            quoted.split_once('"').expect("a value's quotes close")
        });
        attributes.push((key, value));
        rest = after;
    }
}

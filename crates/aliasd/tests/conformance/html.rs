//! As much of HTML as a browser without scripts needs for a form.

use std::collections::BTreeMap;

/// An element's start tag: its attributes, with the character references resolved.
#[derive(Debug)]
pub(crate) struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
}

/// A form, with its controls in order.
#[derive(Debug)]
pub(crate) struct Form {
    element: Element,
    controls: Vec<Element>,
}

impl Element {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == Some(value)
    }

    fn is_button(&self) -> bool {
        self.name == "button" || self.is("type", "submit")
    }
}

impl Form {
    /// Every form of a page.
    pub(crate) fn all(html: &str) -> Vec<Self> {
        let mut forms: Vec<Self> = Vec::new();
        let mut open = false;
        for element in elements(html) {
            match element.name.as_str() {
                "form" => {
                    open = true;
                    let controls = Vec::new();
                    forms.push(Self { element, controls });
                }
                "/form" => open = false,
                "input" | "button" if open => {
                    forms.last_mut().expect("a form").controls.push(element);
                }
                _ => {}
            }
        }
        forms
    }

    pub(crate) fn action(&self) -> &str {
        self.element.get("action").unwrap_or_default()
    }

    pub(crate) fn is_posted(&self) -> bool {
        self.element.is("method", "post")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.control(name).is_some()
    }

    pub(crate) fn control(&self, name: &str) -> Option<&Element> {
        self.controls.iter().find(|it| it.is("name", name))
    }

    pub(crate) fn has_button(&self, name: &str, value: &str) -> bool {
        let is_it = |it: &&Element| it.is_button() && it.is("name", name) && it.is("value", value);
        self.controls.iter().any(|it| is_it(&it))
    }

    /// What is sent when these fields are filled in and this button is pressed.
    pub(crate) fn submitted(
        &self,
        filled_in: &[(&str, &str)],
        button: Option<(&str, &str)>,
    ) -> Vec<(String, String)> {
        for (name, _) in filled_in {
            assert!(self.has(name), "no {name} to fill in");
        }
        if let Some((name, value)) = button {
            assert!(self.has_button(name, value), "no button {name} {value}");
        }
        let mut fields = Vec::new();
        for control in &self.controls {
            let Some(name) = control.get("name") else {
                continue;
            };
            let is_box = control.is("type", "checkbox");
            if control.is_button() || control.get("disabled").is_some() {
                continue;
            }
            if is_box && control.get("checked").is_none() {
                continue;
            }
            let filled_in = filled_in.iter().find(|it| it.0 == name).map(|it| it.1);
            let value = filled_in.or(control.get("value")).unwrap_or_default();
            fields.push((name.to_owned(), value.to_owned()));
        }
        fields.extend(button.map(|(name, value)| (name.to_owned(), value.to_owned())));
        fields
    }
}

/// The start tags and end tags of a page.
fn elements(html: &str) -> Vec<Element> {
    let mut elements = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find(|it: char| it.is_whitespace() || it == '>');
        let end = end.expect("a tag ends");
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let mut attributes = BTreeMap::new();
        loop {
            rest = rest.trim_start();
            if rest.starts_with('>') || rest.is_empty() {
                break;
            }
            let end = rest.find(|it: char| it.is_whitespace() || it == '=' || it == '>');
            let (name, after) = rest.split_at(end.expect("an attribute ends"));
            rest = after;
            let mut value = "";
            if let Some(quoted) = rest.strip_prefix("=\"") {
                (value, rest) = quoted.split_once('"').expect("a quoted value");
            }
            attributes.insert(name.to_owned(), resolved(value));
        }
        elements.push(Element { name, attributes });
    }
    elements
}

/// Character references, as templates write them.
pub(crate) fn resolved(text: &str) -> String {
    let mut parts = text.split('&');
    let mut resolved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (reference, rest) = part.split_once(';').expect("a character reference");
        let character = match reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            number => {
                let code = number.strip_prefix('#').and_then(|it| it.parse().ok());
                code.and_then(char::from_u32).expect("a character")
            }
        };
        resolved.push(character);
        resolved.push_str(rest);
    }
    resolved
}

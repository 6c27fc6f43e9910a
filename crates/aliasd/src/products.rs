//! Products that people put behind Alias: what each needs to be registered with, the lines of its
//! configuration, and its page in `docs/products`, which is made of the same file.

use std::fmt;

use alias_domain::{AuthMethod, ClientKind, NicknameClaims, Registration};
use config::{Config, File, FileFormat};
use fluent_uri::Uri;
use serde::{Deserialize, Serialize};

/// Each file is called as `--for` takes the product.
const SOURCES: &[(&str, &str)] = &[
    ("better-auth", include_str!("../products/better-auth.toml")),
    ("dex", include_str!("../products/dex.toml")),
    (
        "django-allauth",
        include_str!("../products/django-allauth.toml"),
    ),
    ("grafana", include_str!("../products/grafana.toml")),
    ("jupyterhub", include_str!("../products/jupyterhub.toml")),
    ("keycloak", include_str!("../products/keycloak.toml")),
    ("kubelogin", include_str!("../products/kubelogin.toml")),
    ("miniflux", include_str!("../products/miniflux.toml")),
    (
        "mozilla-django-oidc",
        include_str!("../products/mozilla-django-oidc.toml"),
    ),
    (
        "oauth2-proxy",
        include_str!("../products/oauth2-proxy.toml"),
    ),
    ("oidc-agent", include_str!("../products/oidc-agent.toml")),
    ("pgadmin", include_str!("../products/pgadmin.toml")),
    (
        "python-social-auth",
        include_str!("../products/python-social-auth.toml"),
    ),
    ("spring", include_str!("../products/spring.toml")),
    ("streamlit", include_str!("../products/streamlit.toml")),
    ("synapse", include_str!("../products/synapse.toml")),
];

/// A product, and what it needs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Product {
    #[serde(skip)]
    slug: &'static str,
    name: String,
    /// What it is, as a sentence without its full stop.
    about: String,
    #[serde(default = "confidential")]
    kind: ClientKind,
    #[serde(default)]
    auth_method: AuthMethod,
    /// Where it is, if that is the same for everybody.
    url: Option<String>,
    /// Where below its address codes go.
    callback: String,
    /// The claims that it is told the nickname as.
    #[serde(default)]
    claims: Vec<String>,
    /// By what it knows its users.
    users: String,
    /// What was tried of it: a registry, and a version.
    tried: Option<String>,
    /// Why it was not tried.
    untried: Option<String>,
    #[serde(default)]
    notes: Vec<String>,
    #[serde(rename = "file")]
    files: Vec<Lines>,
}

/// Lines of a product's configuration, with placeholders.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    name: String,
    language: String,
    lines: String,
}

/// What stands for the placeholders.
pub(crate) struct Values<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a str,
    /// The product's own address, without a slash at its end.
    pub(crate) url: &'a str,
    /// 32 random bytes, for what the product keeps to itself.
    pub(crate) random: &'a str,
}

/// A page of `docs/products`, or its table.
#[derive(Serialize)]
pub(crate) struct Page {
    markdown: String,
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.markdown)
    }
}

/// Lines to be put into a file.
#[derive(Debug, Serialize)]
pub(crate) struct Configuration {
    pub(crate) file: String,
    pub(crate) text: String,
}

const fn confidential() -> ClientKind {
    ClientKind::Confidential
}

/// The names that `--for` takes.
pub(crate) fn slugs() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|(slug, _)| *slug)
}

/// All products, by their names on the command line.
fn all() -> Vec<Product> {
    slugs().filter_map(named).collect()
}

/// A product; `None` if there is none of this name.
pub(crate) fn named(name: &str) -> Option<Product> {
    let (slug, source) = SOURCES.iter().find(|(slug, _)| *slug == name)?;
    let parsed = Config::builder().add_source(File::from_str(source, FileFormat::Toml));
    let product = parsed.build().and_then(Config::try_deserialize::<Product>);
    product.ok().map(|it| Product { slug, ..it })
}

/// The address of a product, as `--url` takes it: without a slash at its end.
///
/// # Errors
/// What no product's pages can have before theirs.
pub(crate) fn site(text: &str) -> Result<String, &'static str> {
    const ABSOLUTE: &str = "an absolute URL is expected, such as https://notes.example";
    let uri = Uri::parse(text).map_err(|_| ABSOLUTE)?;
    let authority = uri.authority().ok_or(ABSOLUTE)?;
    let host = authority.host();
    if host.is_empty() {
        return Err(ABSOLUTE);
    }
    match uri.scheme().as_str() {
        "https" => {}
        "http" if matches!(host, "localhost" | "127.0.0.1" | "[::1]") => {}
        _ => return Err("https is required: http is for localhost, 127.0.0.1 and [::1] alone"),
    }
    if authority.has_userinfo() {
        return Err("there must be no user information (…@)");
    }
    if authority.port_to_u16().is_err() {
        return Err("its port must be 65535 at most");
    }
    if uri.has_query() || uri.has_fragment() {
        return Err(
            "there must be neither a query (?…) nor a fragment (#…): the product's paths follow",
        );
    }
    Ok(text.trim_end_matches('/').to_owned())
}

impl Product {
    /// Where the product is; `None` if whoever registers it must say so.
    pub(crate) fn url(&self, given: Option<&str>) -> Option<String> {
        given.or(self.url.as_deref()).map(str::to_owned)
    }

    /// What it is registered with, where it is at this address.
    pub(crate) fn registration(&self, url: &str) -> Registration {
        let claim = |name: &String| (name.clone(), NicknameClaims::SOURCE.to_owned());
        Registration {
            name: self.name.clone(),
            kind: self.kind,
            auth_method: self.auth_method,
            redirect_uris: vec![format!("{url}{}", self.callback)],
            claims: self.claims.iter().map(claim).collect(),
            ..Registration::default()
        }
    }

    /// The lines of its configuration.
    pub(crate) fn configuration(&self, values: &Values<'_>) -> Vec<Configuration> {
        let file = |file: &Lines| Configuration {
            file: file.name.clone(),
            text: values.in_place(&file.lines),
        };
        self.files.iter().map(file).collect()
    }

    /// The line of the table in `docs/products`.
    fn line(&self) -> String {
        let claims = match self.claims.is_empty() {
            true => String::new(),
            false => format!("`{}`", self.claims.join("`, `")),
        };
        let tried = match &self.tried {
            Some(tried) => tried.as_str(),
            None => "not tried",
        };
        let (slug, name, users) = (self.slug, &self.name, &self.users);
        format!("| [{name}]({slug}.md) | `{slug}` | {users} | {claims} | {tried} |")
    }

    /// Its page in `docs/products`, in Markdown.
    pub(crate) fn page(&self) -> Page {
        let (slug, name, about) = (self.slug, &self.name, &self.about);
        let tried = match (&self.tried, &self.untried) {
            (Some(tried), _) => format!(
                "Tried with {tried}: `.ci/products {slug}` does what this page says, in a real browser."
            ),
            (None, reason) => format!(
                "**Not tried.** {} `.ci/products {slug}` would try it.",
                reason.as_deref().unwrap_or("Nobody has done so yet.")
            ),
        };
        let url = match &self.url {
            Some(_) => String::new(),
            None => format!(" --url {SITE}"),
        };
        let mut parts = vec![format!(
            "# {name}\n\n{about}. {tried}\n\n\
             ```console\n$ aliasd client create --for {slug}{url}\n```\n\n\
             It is registered with what the product needs, and prints these lines with what belongs in \
             them:\n"
        )];
        // Where a product is always at one place, its page says that.
        let example = Values {
            url: self.url.as_deref().unwrap_or(EXAMPLE.url),
            ..EXAMPLE
        };
        for (file, lines) in self.files.iter().zip(self.configuration(&example)) {
            let (name, language) = (&file.name, &file.language);
            parts.push(format!("\n`{name}`:\n\n```{language}\n{}```\n", lines.text));
        }
        parts.push("\n| | |\n|---|---|\n".to_owned());
        let registration = self.registration(self.url.as_deref().unwrap_or(SITE));
        let uris = registration.redirect_uris.iter();
        parts.extend(uris.map(|it| format!("| redirect URI | `{it}` |\n")));
        let sends = match self.kind {
            ClientKind::Public => "nothing: it is a public client, with PKCE".to_owned(),
            ClientKind::Confidential | ClientKind::ResourceServer => {
                format!("`{}`", self.auth_method.name())
            }
        };
        parts.push(format!("| sends its secret by | {sends} |\n"));
        parts.push(format!("| users are known by | {} |\n", self.users));
        if !self.claims.is_empty() {
            parts.push(format!(
                "| is told the nickname as | `{}`, where a user allows it; {} |\n",
                self.claims.join("`, `"),
                NicknameClaims::WARNING
            ));
        }
        if !self.notes.is_empty() {
            parts.push("\n".to_owned());
        }
        parts.extend(self.notes.iter().map(|it| format!("- {it}\n")));
        Page {
            markdown: parts.concat(),
        }
    }
}

/// The site of the pages' examples.
const SITE: &str = "https://notes.example";

const EXAMPLE: Values<'static> = Values {
    issuer: "ISSUER",
    client_id: "CLIENT_ID",
    client_secret: "CLIENT_SECRET",
    url: "BASE_URL",
    random: "RANDOM",
};

impl Values<'_> {
    fn in_place(&self, lines: &str) -> String {
        lines
            .replace("<issuer>", self.issuer)
            .replace("<client_id>", self.client_id)
            .replace("<client_secret>", self.client_secret)
            .replace("<url>", self.url)
            .replace("<random>", self.random)
    }
}

/// The table of all products, which `docs/products/README.md` is.
pub(crate) fn table() -> Page {
    let lines: Vec<_> = all().iter().map(Product::line).collect();
    Page {
        markdown: format!("{TABLE_HEAD}{}\n", lines.join("\n")),
    }
}

const TABLE_HEAD: &str = "\
# Products

What people put behind Alias. One command registers a product with what it needs, and prints the lines
of its configuration:

```console
$ aliasd client create --for oauth2-proxy --url https://notes.example
```

`--url` is where the product itself is. Its page says what else to know, and by what it knows its users:
by `sub`, always. A nickname names nobody uniquely and can change; where a product looks for a name to
show, it is told the nickname [under the claim](../clients.md#claims-for-products) that it looks for.
Alias tells no email address, verified or not.

On the pages `ISSUER`, `CLIENT_ID`, `CLIENT_SECRET` and `BASE_URL` stand for what the command puts in
their places, and `RANDOM` for 32 random bytes that are the product's own. The pages and this table are
printed by `aliasd client products`; `.ci/products` follows those that it can install.

| product | `--for` | users are known by | is told the nickname as | tried |
|---|---|---|---|---|
";

//! The settings as text, and where each came from: the defaults, then a file, then the environment.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use config::{Environment, File, FileFormat, Source, Value, ValueKind};

use super::{
    error::{ConfigError, Origin},
    file,
    links::is_link,
};

/// A setting that can be made.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name, as a file nests it.
    pub(crate) key: &'static str,
    /// What holds if nothing is said.
    pub(crate) default: Option<&'static str>,
    /// What of its value is never shown.
    secrecy: Secrecy,
    /// Whether a file may list what it has several of. The text then has commas in between.
    pub(crate) list: bool,
}

/// What of a setting's value is secret.
#[derive(Debug)]
enum Secrecy {
    /// Nothing.
    Open,
    /// The password of a URL.
    Password,
    /// All of it.
    Whole,
}

/// What stands for a secret.
const MASK: &str = "********";

impl Setting {
    /// The value as it may be shown.
    pub(crate) fn masked(&self, value: &str) -> String {
        match self.secrecy {
            Secrecy::Open => value.to_owned(),
            Secrecy::Password => without_password(value),
            Secrecy::Whole => MASK.to_owned(),
        }
    }
}

/// A URL with its password masked, wherever it stands: before the host, or as a parameter.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    let base = match base.rsplit_once('@') {
        Some((login, host)) => match login.split_once(':') {
            Some((user, _)) => format!("{user}:{MASK}@{host}"),
            None => base.to_owned(),
        },
        None => base.to_owned(),
    };
    // A name that is spelled oddly may be any.
    let open = |it: &&str| {
        let name = it.split('=').next().unwrap_or_default();
        !name.to_ascii_lowercase().starts_with("password") && !name.contains('%')
    };
    let (open, secret): (Vec<&str>, Vec<&str>) = query.split('&').partition(open);
    let mut shown = match scheme {
        "" => base,
        scheme => format!("{scheme}://{base}"),
    };
    for (index, parameter) in open.into_iter().filter(|it| !it.is_empty()).enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        shown.push_str(parameter);
    }
    if !secret.is_empty() {
        shown.push_str(&format!(
            "{}password={MASK}",
            if shown.contains('?') { '&' } else { '?' }
        ));
    }
    shown
}

/// Every setting, in the order in which it is shown.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("issuer", Some("http://localhost:8080")),
    setting("http.listen", Some("127.0.0.1:8080")),
    setting("http.tls.certificate", None),
    setting("http.tls.key", None),
    Setting {
        list: true,
        ..setting("http.trusted_proxies", None)
    },
    setting("http.internal_listen", None),
    setting("http.keep_alive", Some("75s")),
    setting("http.connections", Some("4096")),
    setting("http.drain_delay", Some("1s")),
    Setting {
        secrecy: Secrecy::Password,
        ..setting("database.url", Some("sqlite:.alias/alias.db"))
    },
    setting("database.password_file", None),
    setting("database.connections", Some("16")),
    Setting {
        secrecy: Secrecy::Whole,
        ..setting("keys.master", None)
    },
    setting("keys.master_file", None),
    setting("keys.lead", Some("10m")),
    setting("keys.rsa_bits", Some("3072")),
    setting("lifetimes.auth_code", Some("60s")),
    setting("lifetimes.user_token", Some("30m")),
    setting("lifetimes.id_token", Some("30m")),
    setting("lifetimes.refresh_token", Some("90d")),
    setting("lifetimes.refresh_grace", Some("1h")),
    setting("lifetimes.session", Some("14d")),
    setting("limits.requests", Some("300/5m")),
    setting("limits.requests_total", Some("6000/5m")),
    Setting {
        list: true,
        ..setting("outbound.allow_private", None)
    },
    setting("outbound.ca_file", None),
];

/// Settings that a later version will take. To accept one now would be to ignore it.
const LATER: &[&str] = &["mail.url"];

const PREFIX: &str = "ALIAS_";

/// Names the configuration file, so it is no setting itself.
const FILE_VARIABLE: &str = "ALIAS_CONFIG";

const fn setting(key: &'static str, default: Option<&'static str>) -> Setting {
    Setting {
        key,
        default,
        secrecy: Secrecy::Open,
        list: false,
    }
}

/// The effective text of every setting, with its origin.
pub(crate) struct Settings {
    texts: Vec<(&'static Setting, Option<String>, Origin)>,
    /// The variables that a container platform set for a service of our name.
    links: Vec<String>,
}

impl Settings {
    /// Reads the file, if one is named here or by `ALIAS_CONFIG`, and the environment.
    ///
    /// # Errors
    /// A file that cannot be read, or a setting that there is not.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::layered(file, std::env::vars_os())
    }

    /// As much as can be read, and all that is wrong with the rest.
    pub(crate) fn load_all(file: Option<&Path>) -> (Self, Vec<ConfigError>) {
        Self::all_layered(file, std::env::vars_os())
    }

    /// As [`load`](Self::load), with these variables for an environment.
    pub(super) fn layered(
        file: Option<&Path>,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let (settings, faults) = Self::all_layered(file, variables);
        ConfigError::all(faults).map(|()| settings)
    }

    fn all_layered(
        file: Option<&Path>,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> (Self, Vec<ConfigError>) {
        let (mut settings, mut faults) = (Self::defaults(), Vec::new());
        let (mut ours, mut named_file) = (BTreeMap::new(), None);
        for (name, value) in variables {
            let Some((name, rest)) = name
                .to_str()
                .and_then(|it| Some((it, it.strip_prefix(PREFIX)?)))
            else {
                continue;
            };
            if name == FILE_VARIABLE {
                named_file = (!value.is_empty()).then(|| PathBuf::from(value));
            } else if is_link(rest, &value.to_string_lossy()) {
                settings.links.push(name.to_owned());
            } else if let Ok(value) = value.into_string() {
                ours.insert(name.to_owned(), value);
            } else {
                // The value may be secret: it is not repeated.
                let variable = name.to_owned();
                faults.push(ConfigError::NotText { variable });
            }
        }
        settings.links.sort_unstable();
        if let Some(path) = file.or(named_file.as_deref()) {
            settings.take_file(path, &mut faults);
        }
        settings.take_environment(ours, &mut faults);
        (settings, faults)
    }

    fn defaults() -> Self {
        let default = |it: &'static Setting| (it, it.default.map(str::to_owned), Origin::Default);
        Self {
            texts: SETTINGS.iter().map(default).collect(),
            links: Vec::new(),
        }
    }

    fn take_file(&mut self, path: &Path, faults: &mut Vec<ConfigError>) {
        match Self::leaves(path) {
            Ok(leaves) => faults.extend(leaves.into_iter().filter_map(|(key, value)| {
                let origin = Origin::File(path.to_owned());
                self.take(&key, value, origin).err()
            })),
            Err(fault) => faults.push(fault),
        }
    }

    /// The values of a file, by the settings' keys.
    fn leaves(path: &Path) -> Result<BTreeMap<String, Value>, ConfigError> {
        let unreadable = |error: &dyn fmt::Display| ConfigError::File {
            path: path.to_owned(),
            reason: without_excerpt(&error.to_string()),
        };
        let text = file::read_text(path).map_err(|error| unreadable(&error))?;
        let tree = File::from_str(&text, FileFormat::Toml)
            .collect()
            .map_err(|error| unreadable(&error))?;
        let mut leaves = BTreeMap::new();
        flatten("", tree, &mut leaves);
        Ok(leaves)
    }

    /// An empty variable counts as absent, as deployment tools pass on what they were not given.
    fn take_environment(
        &mut self,
        variables: BTreeMap<String, String>,
        faults: &mut Vec<ConfigError>,
    ) {
        for variable in variables {
            let origin = Origin::Environment(variable.0.clone());
            let pairs = Environment::with_prefix(PREFIX.trim_end_matches('_'))
                .prefix_separator("_")
                .separator("__")
                .ignore_empty(true)
                .source(Some(HashMap::from([variable])))
                .collect();
            match pairs {
                Ok(pairs) => faults.extend(
                    pairs
                        .into_iter()
                        .filter_map(|(key, value)| self.take(&key, value, origin.clone()).err()),
                ),
                Err(error) => faults.push(ConfigError::Unreadable(error.to_string())),
            }
        }
    }

    fn take(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        if LATER.contains(&key) {
            return Err(ConfigError::Later {
                key: key.to_owned(),
                origin,
            });
        }
        let Some(slot) = self.texts.iter_mut().find(|(it, ..)| it.key == key) else {
            return Err(ConfigError::Unknown {
                key: key.to_owned(),
                origin,
            });
        };
        let text = text(value, slot.0.list)
            .map_err(|expected| ConfigError::invalid(slot.0.key, &origin, expected))?;
        *slot = (slot.0, Some(text), origin);
        Ok(())
    }

    /// Every setting with its text, if it has one, and where that came from.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Setting, Option<&str>, &Origin)> {
        self.texts
            .iter()
            .map(|(setting, text, origin)| (*setting, text.as_deref(), origin))
    }

    /// What a setting says, if it says anything.
    ///
    /// # Errors
    /// What `parse` has against it, with the setting and its origin.
    pub(crate) fn read<T, E: fmt::Display>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((setting, Some(text), origin)) = self.iter().find(|(it, ..)| it.key == key) else {
            return Ok(None);
        };
        parse(text)
            .map(Some)
            .map_err(|reason| ConfigError::invalid(setting.key, origin, reason))
    }

    /// What a setting says that must be set.
    ///
    /// # Errors
    /// As [`Settings::read`] has them, and if nobody said anything.
    pub(super) fn required<T, E: fmt::Display>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        self.read(key, parse)?.ok_or(ConfigError::Missing(key))
    }

    /// What is said of a setting that does not go with the others.
    pub(super) fn refusal(&self, key: &'static str, reason: impl fmt::Display) -> ConfigError {
        match self.iter().find(|(it, ..)| it.key == key) {
            Some((setting, _, origin)) => ConfigError::invalid(setting.key, origin, reason),
            None => ConfigError::Missing(key),
        }
    }

    /// The warning about variables that are passed over, if there are any.
    pub(crate) fn passed_over(&self) -> Option<String> {
        let names = self.links.join(", ");
        (!names.is_empty()).then(|| {
            format!(
                "{names}: a container platform set this for a service whose name begins with alias; it \
                 is no setting, and is passed over (on Kubernetes `enableServiceLinks: false` in the \
                 pod's spec ends it)"
            )
        })
    }

    /// Whether nobody set this.
    pub(crate) fn is_default(&self, key: &str) -> bool {
        self.iter()
            .any(|(it, _, origin)| it.key == key && *origin == Origin::Default)
    }
}

/// The text that a value is, or what is expected instead.
fn text(value: Value, list: bool) -> Result<String, &'static str> {
    match value.kind {
        ValueKind::String(text) => Ok(text),
        ValueKind::Array(items) if list => {
            let texts = items.into_iter().map(|it| text(it, false));
            let texts: Vec<String> = texts
                .collect::<Result<_, _>>()
                .map_err(|_| "a list of texts in quotes is expected")?;
            Ok(texts.join(", "))
        }
        _ if list => Err("a text in quotes, or a list of them, is expected"),
        _ => Err("a text in quotes is expected"),
    }
}

/// Names every leaf of a tree by its path. A list counts as a leaf.
fn flatten(prefix: &str, tree: HashMap<String, Value>, leaves: &mut BTreeMap<String, Value>) {
    for (name, value) in tree {
        let key = match prefix {
            "" => name,
            _ => format!("{prefix}.{name}"),
        };
        match value.kind {
            ValueKind::Table(inner) if !inner.is_empty() => flatten(&key, inner, leaves),
            // An empty table says nothing.
            ValueKind::Table(_) => {}
            _ => {
                leaves.insert(key, value);
            }
        }
    }
}

/// The parser shows the line that it stumbles over, and a secret may stand there.
fn without_excerpt(report: &str) -> String {
    let is_excerpt = |line: &&str| {
        let line = line
            .trim_start()
            .trim_start_matches(|it: char| it.is_ascii_digit());
        line.trim_start().starts_with('|')
    };
    let kept: Vec<&str> = report
        .lines()
        .filter(|line| !is_excerpt(line) && !line.trim().is_empty())
        .collect();
    kept.join(": ")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn settings(file: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let mut kept = tempfile::NamedTempFile::new().expect("a temporary file");
        kept.write_all(file.as_bytes()).expect("a file to write to");
        let variables = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Settings::layered(Some(kept.path()), variables)
    }

    fn refusal(file: &str, variables: &[(&str, &str)]) -> String {
        settings(file, variables)
            .err()
            .expect("a refusal")
            .to_string()
    }

    #[test]
    fn the_environment_outranks_the_file_which_outranks_the_default() {
        let settings = settings(
            "[http]\nlisten = \"127.0.0.1:1\"\n[lifetimes]\nsession = \"1d\"",
            &[("ALIAS_HTTP__LISTEN", "127.0.0.1:2"), ("HOME", "/root")],
        )
        .expect("settings");
        let find = |key| settings.iter().find(|(it, ..)| it.key == key).expect(key);

        let (_, listen, origin) = find("http.listen");
        assert_eq!(listen, Some("127.0.0.1:2"));
        assert_eq!(origin.to_string(), "ALIAS_HTTP__LISTEN");
        let (_, session, origin) = find("lifetimes.session");
        assert_eq!(session, Some("1d"));
        assert!(matches!(origin, Origin::File(_)));
        let (_, issuer, origin) = find("issuer");
        assert_eq!(issuer, Some("http://localhost:8080"));
        assert_eq!(*origin, Origin::Default);
    }

    #[test]
    fn an_unknown_setting_is_named_with_its_origin() {
        let refused = refusal("", &[("ALIAS_HTTP__LISEN", "x")]);
        assert!(refused.starts_with("unknown setting http.lisen (ALIAS_HTTP__LISEN)"));
        let refused = refusal("", &[("ALIAS_HTTP", "x")]);
        assert!(refused.starts_with("unknown setting http (ALIAS_HTTP)"));
        let refused = refusal("[http]\nlisen = \"x\"", &[]);
        assert!(
            refused.starts_with("unknown setting http.lisen (/"),
            "{refused}"
        );
        let refused = refusal("Issuer = \"x\"", &[]);
        assert!(
            refused.starts_with("unknown setting Issuer (/"),
            "{refused}"
        );
    }

    #[test]
    fn a_setting_of_a_later_version_is_refused_as_such() {
        let refused = refusal("", &[("ALIAS_MAIL__URL", "x")]);
        assert!(refused.contains("ALIAS_MAIL__URL"), "{refused}");
        assert!(refused.ends_with("is not supported yet"), "{refused}");
        let refused = refusal("[mail]\nurl = \"x\"", &[]);
        assert!(refused.ends_with("is not supported yet"), "{refused}");
    }

    #[test]
    fn a_list_is_its_texts_with_commas_in_between() {
        let read = |file, variables: &[_]| {
            let settings = settings(file, variables).expect("settings");
            let mut all = settings.iter();
            let found = all.find(|(it, ..)| it.key == "http.trusted_proxies");
            found.and_then(|(_, text, _)| text.map(str::to_owned))
        };
        let variable = [("ALIAS_HTTP__TRUSTED_PROXIES", "10.0.0.1,10.0.0.2")];
        for (file, variables, text) in [
            ("", &[][..], None),
            ("[http]\ntrusted_proxies = []", &[], Some("")),
            (
                "[http]\ntrusted_proxies = [\"10.0.0.1\", \"::1\"]",
                &[],
                Some("10.0.0.1, ::1"),
            ),
            (
                "[http]\ntrusted_proxies = \"10.0.0.1\"",
                &[],
                Some("10.0.0.1"),
            ),
            ("", &variable, Some("10.0.0.1,10.0.0.2")),
        ] {
            assert_eq!(read(file, variables).as_deref(), text, "{file}");
        }
        let refused = refusal("[http]\ntrusted_proxies = [1]", &[]);
        assert!(refused.ends_with("a list of texts in quotes is expected"));
        let refused = refusal("[http]\nlisten = [\"127.0.0.1:1\"]", &[]);
        assert!(refused.ends_with(": a text in quotes is expected"));
    }

    #[test]
    fn a_database_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("sqlite:.alias/alias.db", "sqlite:.alias/alias.db"),
            ("postgres://a@db/x", "postgres://a@db/x"),
            (
                "postgres://a:hunter2@db:5/x",
                "postgres://a:********@db:5/x",
            ),
            (
                "postgres://a:hun@ter2@db/x?sslmode=disable",
                "postgres://a:********@db/x?sslmode=disable",
            ),
            (
                "postgres://db/x?password=hunter2&user=a",
                "postgres://db/x?user=a&password=********",
            ),
            ("a:hunter2@db", "a:********@db"),
            (
                "postgres://h/d?user=u&pass%77ord=hunter2",
                "postgres://h/d?user=u&password=********",
            ),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn a_number_is_no_text() {
        let refused = refusal("[lifetimes]\nsession = 14", &[]);
        assert!(refused.starts_with("lifetimes.session (/"), "{refused}");
        assert!(
            refused.ends_with("a text in quotes is expected"),
            "{refused}"
        );
    }

    #[test]
    fn an_empty_variable_counts_as_absent() {
        let settings = settings("", &[("ALIAS_ISSUER", "")]).expect("settings");
        assert!(settings.is_default("issuer"));
    }

    #[test]
    fn a_file_that_is_no_toml_is_named_without_what_it_holds() {
        let refused = refusal("[keys]\nmaster = hunter2", &[]);
        assert!(refused.contains("line 2"), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }

    #[test]
    fn every_default_is_a_setting_that_is_accepted() {
        let defaults = settings("", &[]).expect("settings");
        let config = crate::config::Config::from_settings(&defaults).expect("a configuration");
        assert_eq!(config.lifetimes, alias_domain::Lifetimes::default());
        assert_eq!(config.lead, alias_domain::Lead::default());
        assert_eq!(config.rsa, alias_signing::RsaSize::default());
    }
}

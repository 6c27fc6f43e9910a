//! The files that hold secrets, and who can read them.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{Settings, error::Origin};

/// Container engines put secrets here, with rights that are theirs to choose.
const MOUNTED: &str = "/run/secrets";

/// A file that holds a secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SecretFile {
    /// Which secret it holds, by the name of its setting.
    pub(crate) setting: &'static str,
    /// Where it is.
    pub(crate) path: PathBuf,
}

impl Settings {
    /// The files that hold secrets: those that settings name, and a configuration file that has a
    /// secret in it.
    pub(crate) fn secret_files(&self) -> Vec<SecretFile> {
        let secret = |setting: &'static str, path: &Path| SecretFile {
            setting,
            path: path.to_owned(),
        };
        let files = self.iter().filter_map(|(setting, text, origin)| {
            let text = text?;
            match (setting.key, origin) {
                ("keys.master_file" | "database.password_file" | "http.tls.key", _) => {
                    Some(secret(setting.key, Path::new(text)))
                }
                // A masked setting has a secret in it.
                (key, Origin::File(path)) if setting.masked(text) != text => {
                    Some(secret(key, path))
                }
                _ => None,
            }
        });
        files.collect()
    }
}

impl SecretFile {
    /// Whether users who are neither its owner nor of its group can read or write it: by its own rights,
    /// and those of each folder on the way.
    pub(crate) fn is_open_to_others(&self) -> bool {
        let Ok(path) = fs::canonicalize(&self.path) else {
            return false;
        };
        let others_may = |path: &Path, what| {
            fs::metadata(path).is_ok_and(|it| it.permissions().mode() & what != 0)
        };
        !path.starts_with(MOUNTED)
            && others_may(&path, 0o006)
            && path.ancestors().skip(1).all(|it| others_may(it, 0o001))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("rights to set");
    }

    #[test]
    fn a_secret_is_open_to_others_if_they_can_reach_and_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master.key");
        fs::write(&path, "a secret").expect("a file");
        let file = SecretFile {
            setting: "keys.master_file",
            path: path.clone(),
        };
        for (folders, files, open) in [
            (0o755, 0o644, true),
            (0o755, 0o602, true),
            (0o711, 0o604, true),
            (0o700, 0o644, false),
            (0o755, 0o640, false),
            (0o755, 0o600, false),
        ] {
            set_mode(folder.path(), folders);
            set_mode(&path, files);
            assert_eq!(file.is_open_to_others(), open, "{folders:o} {files:o}");
        }
        fs::remove_file(&path).expect("a file to remove");
        assert!(
            !file.is_open_to_others(),
            "what is not there is told elsewhere"
        );
    }
}

//! `aliasd user …`.

use std::io::BufRead;

use alias_domain::{
    Email, Nickname, Secret, User, UserId, opaque_string,
    ports::{Chance, Passwords, Store},
};
use alias_signing::{Argon2Passwords, OsChance};
use clap::{Args, Subcommand};

use super::{Global, deleting};
use crate::{
    clock,
    error::Error,
    store,
    view::{Deleted, List, UserView},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account; the password is read from standard input
    #[command(after_help = "\
The password is one line of at least 8 characters; nothing but the line's ending is taken off.

Examples:
  aliasd user create --email fred@example.com --nickname Fred --password-stdin < password.txt
  pass show alias/fred | aliasd user create --email fred@example.com --password-stdin")]
    Create(Create),
    /// List all users, oldest first
    #[command(after_help = "Examples:\n  aliasd user list\n  aliasd user list --json")]
    List,
    /// Show a user
    #[command(after_help = "Example:\n  aliasd user show fred@example.com")]
    Show(Target),
    /// Lock a user: sessions end, and tokens are worth nothing until unlocked
    #[command(after_help = "Example:\n  aliasd user lock fred@example.com")]
    Lock(Target),
    /// Unlock a user: tokens are worth what they were, and sessions are not restored
    #[command(after_help = "Example:\n  aliasd user unlock fred@example.com")]
    Unlock(Target),
    /// Delete a user and everything of them, at once and without asking
    #[command(after_help = "Example:\n  aliasd user delete fred@example.com")]
    Delete(Target),
}

#[derive(Args, Debug)]
pub(crate) struct Create {
    /// The address that the user signs in with
    #[arg(long)]
    email: String,
    /// How the user wishes to be known
    #[arg(long)]
    nickname: Option<String>,
    /// Read the password from standard input (arguments are there for all to see)
    #[arg(long, required = true)]
    password_stdin: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The user ID or the email address
    // An ID may begin with a hyphen.
    #[arg(value_name = "ID|EMAIL", allow_hyphen_values = true)]
    user: String,
}

/// NIST SP 800-63B 5.1.1.2.
const SHORTEST_PASSWORD: usize = 8;

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Error> {
    let store = store::open(global).await?;
    let store = store.as_ref();
    let format = global.format();
    match command {
        Command::Create(create) => {
            let email: Email = create.email.parse()?;
            let nickname = create.nickname.as_deref().map(str::parse).transpose()?;
            let password = password(std::io::stdin().lock())?;
            let user = add(store, email, nickname, &password).await?;
            format.print(&UserView::of(&user))
        }
        Command::List => {
            let users = store.users().await?;
            let views = users.iter().map(UserView::of).collect();
            format.print(&List::new("no users", views))
        }
        Command::Show(target) => format.print(&UserView::of(&target.find(store).await?)),
        Command::Lock(target) => format.print(&UserView::of(&target.lock(store, true).await?)),
        Command::Unlock(target) => format.print(&UserView::of(&target.lock(store, false).await?)),
        Command::Delete(target) => {
            let user = target.find(store).await?;
            if !store.delete_user(user.id).await? {
                return Err(target.missing());
            }
            format.print(&Deleted::User {
                user_id: user.id,
                email: user.email,
            })?;
            deleting::remove_rows(store).await;
            Ok(())
        }
    }
}

/// Makes an account.
///
/// # Errors
/// If the address is taken, the store does not answer or the cryptography fails.
pub(crate) async fn add(
    store: &dyn Store,
    email: Email,
    nickname: Option<Nickname>,
    password: &Secret,
) -> Result<User, Error> {
    let hash = Argon2Passwords::new()?.hash(password).await?;
    let user = User {
        id: UserId::from_uuid(OsChance.id()),
        email,
        nickname,
        locked: false,
        created_at: clock::now(),
    };
    store.insert_user(&user, &hash).await??;
    Ok(user)
}

/// One line, its ending stripped and nothing else.
fn password(mut input: impl BufRead) -> Result<Secret, Error> {
    let mut line = String::new();
    let read = input.read_line(&mut line);
    // From here on whatever was read is wiped when dropped.
    let line = Secret::new(line);
    read.map_err(|_| Error::Password("could not be read from standard input as UTF-8"))?;
    let text = line.expose();
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(Error::Password("is missing: standard input is empty"));
    }
    if text.contains(char::is_control) {
        return Err(Error::Password(
            "has a control character, which no form can send",
        ));
    }
    // As it will be hashed.
    let password = opaque_string(&Secret::new(text.to_owned()));
    let text = password.expose();
    if text.chars().count() < SHORTEST_PASSWORD {
        return Err(Error::Password(
            "is too short: at least 8 characters are needed",
        ));
    }
    if text.len() > Argon2Passwords::MAX_LENGTH {
        return Err(Error::Password("is too long: at most 1024 bytes are taken"));
    }
    Ok(password)
}

impl Target {
    fn missing(&self) -> Error {
        Error::NoUser(self.user.clone())
    }

    /// An email address has an `@`, an ID has none.
    async fn find(&self, store: &dyn Store) -> Result<User, Error> {
        let found = if self.user.contains('@') {
            let email = self.user.parse()?;
            store.user_by_email(&email).await?.map(|(user, _)| user)
        } else {
            // What is no ID is nobody's.
            let id = self.user.parse().map_err(|_| self.missing())?;
            store.user(id).await?
        };
        found.ok_or_else(|| self.missing())
    }

    async fn lock(&self, store: &dyn Store, locked: bool) -> Result<User, Error> {
        let user = self.find(store).await?;
        if !store.lock_user(user.id, locked).await? {
            return Err(self.missing());
        }
        Ok(User { locked, ..user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Result<String, String> {
        password(input)
            .map(|it| it.expose().to_owned())
            .map_err(|it| it.to_string())
    }

    #[test]
    fn a_password_is_one_line_and_nothing_but_its_ending_is_taken_off() {
        for input in [
            &b" two words \n"[..],
            b" two words \r\n",
            b" two words ",
            b" two words \nmore",
        ] {
            assert_eq!(read(input), Ok(" two words ".to_owned()));
        }
    }

    #[test]
    fn a_password_that_could_not_be_used_is_refused_without_repeating_it() {
        for (input, reason) in [
            (&b""[..], "missing"),
            (b"\n", "missing"),
            (b"\r\n", "missing"),
            (b"seven77\n", "too short"),
            (b"with\0control\n", "control character"),
            (b"with\rcontrol\n", "control character"),
            (b"\xff\xfe is no UTF-8\n", "UTF-8"),
            (&[b'x'; 1025], "too long"),
        ] {
            let refusal = read(input).expect_err("a refusal");
            assert!(refusal.contains(reason), "{refusal}");
        }
        assert!(read("ääääääää".as_bytes()).is_ok(), "eight characters");
    }
}

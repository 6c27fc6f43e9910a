//! A new password: asked for at a terminal, where it is not shown, or read from a pipe.

use std::io::{self, BufRead, IsTerminal};

use alias_domain::{Secret, opaque_string};
use alias_signing::Argon2Passwords;
use clap::Args;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use crate::error::Error;

/// Where a command has a new password from.
#[derive(Args, Debug)]
pub(crate) struct Source {
    /// Read the password from standard input (arguments are there for all to see) [default: ask for
    /// it at the terminal]
    #[arg(long)]
    password_stdin: bool,
}

/// NIST SP 800-63B 5.1.1.2.
const SHORTEST: usize = 8;

impl Source {
    /// Sees whether there is anybody to ask, or anything to read: before all else is done.
    ///
    /// # Errors
    /// If there is neither.
    pub(crate) fn demand(&self) -> Result<(), Error> {
        if self.password_stdin || io::stdin().is_terminal() {
            return Ok(());
        }
        Err(Error::Usage(
            "the password cannot be asked for, as standard input is no terminal: pipe it in, with \
             --password-stdin",
        ))
    }

    /// The password.
    ///
    /// # Errors
    /// If there is none, it could not be used, or it was not typed twice.
    pub(crate) fn read(&self) -> Result<Secret, Error> {
        let input = io::stdin();
        // A terminal never shows a password, also with --password-stdin.
        if input.is_terminal() {
            let _unseen = Unseen::begin();
            return twice(|prompt| rpassword::prompt_password(prompt).map(Secret::new));
        }
        line(input.lock())
    }
}

/// A terminal that shows nothing of what is typed, until this is dropped. Whoever types as soon as they
/// are asked, or before, is to be unseen too; rpassword begins only after its prompt.
struct Unseen(Option<Termios>);

impl Unseen {
    fn begin() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut terminal) = before.clone() {
            terminal.local_flags.remove(LocalFlags::ECHO);
            // Where it cannot be, rpassword says so.
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &terminal);
        }
        Self(before)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, before);
        }
    }
}

/// The password that is given twice.
fn twice(mut ask: impl FnMut(&str) -> io::Result<Secret>) -> Result<Secret, Error> {
    let mut asked = |prompt| {
        let typed = ask(prompt).map(|it| opaque_string(&it));
        typed.map_err(|_| Error::Password("could not be read at the terminal as UTF-8"))
    };
    let password = asked("Password: ")?;
    check(password.expose())?;
    let again = asked("The same again: ")?;
    if again.digest() != password.digest() {
        return Err(Error::Password(
            "was not the same the second time: nothing was changed",
        ));
    }
    Ok(password)
}

/// One line, its ending stripped and nothing else.
fn line(mut input: impl BufRead) -> Result<Secret, Error> {
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
    // As it will be hashed.
    let password = opaque_string(&Secret::new(text.to_owned()));
    check(password.expose())?;
    Ok(password)
}

/// Whether it can be used.
fn check(text: &str) -> Result<(), Error> {
    if text.contains(char::is_control) {
        return Err(Error::Password(
            "has a control character, which no form can send",
        ));
    }
    if text.chars().count() < SHORTEST {
        return Err(Error::Password(
            "is too short: at least 8 characters are needed",
        ));
    }
    if text.len() > Argon2Passwords::MAX_LENGTH {
        return Err(Error::Password("is too long: at most 1024 bytes are taken"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Result<String, String> {
        line(input)
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

    /// The result of typing these lines at a terminal, and the number of prompts.
    fn typed(lines: [&str; 2]) -> (Result<String, String>, usize) {
        let mut asked = 0;
        let read = twice(|_| {
            asked += 1;
            Ok(Secret::new(lines[asked - 1].to_owned()))
        });
        let read = read.map(|it| it.expose().to_owned());
        (read.map_err(|it| it.to_string()), asked)
    }

    #[test]
    fn at_a_terminal_the_password_is_given_twice_and_must_be_the_same() {
        assert_eq!(
            typed([" pass word ", " pass word "]),
            (Ok(" pass word ".to_owned()), 2)
        );
        let (refused, asked) = typed(["pass word", "pass Word"]);
        assert_eq!(asked, 2);
        assert!(refused.is_err_and(|it| it.contains("nothing was changed")));
        let (refused, asked) = typed(["short", "short"]);
        assert_eq!(asked, 1, "nobody types in vain");
        assert!(refused.is_err_and(|it| it.contains("too short")));
    }
}

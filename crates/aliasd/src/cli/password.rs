//! A new password: asked for at a terminal, where it is not shown, or read from a pipe.

use std::io::{self, BufRead, ErrorKind};

use alias_domain::{Secret, opaque_string};
use alias_signing::Argon2Passwords;
use clap::Args;
use zeroize::Zeroizing;

use super::terminal::{self, Unseen};
use crate::error::Error;

/// Where a command has a new password from.
#[derive(Args, Debug)]
pub(crate) struct Source {
    /// Read the password from standard input (arguments are there for all to see) [default: ask for
    /// it at the terminal]
    #[arg(long)]
    password_stdin: bool,
}

const TOO_LONG: &str = "is too long: at most 1024 bytes are taken";

/// NIST SP 800-63B 5.1.1.2.
const SHORTEST: usize = 8;

impl Source {
    /// Sees whether there is anybody to ask, or anything to read: before all else is done. At a terminal
    /// nothing is shown of what is typed from now on.
    ///
    /// # Errors
    /// If there is neither.
    pub(crate) fn demand(&self) -> Result<Option<Unseen>, Error> {
        // A terminal never shows a password, also with --password-stdin.
        if terminal::is_there() {
            return Ok(Some(Unseen::begin()?));
        }
        if self.password_stdin {
            return Ok(None);
        }
        Err(Error::Usage(
            "the password cannot be asked for, as standard input is no terminal: pipe it in, with \
             --password-stdin",
        ))
    }
}

/// The password: asked for at the terminal, or read from a pipe if there is none.
///
/// # Errors
/// If there is none, it could not be used, or it was not typed twice.
pub(crate) fn read(terminal: Option<Unseen>) -> Result<Secret, Error> {
    match terminal {
        Some(unseen) => twice(|prompt| unseen.ask(prompt)),
        None => line(io::stdin().lock()),
    }
}

/// The password that is given twice.
fn twice(mut ask: impl FnMut(&'static str) -> io::Result<Option<Secret>>) -> Result<Secret, Error> {
    let mut asked = |prompt| match ask(prompt) {
        Ok(Some(typed)) if !typed.expose().is_empty() => Ok(opaque_string(&typed)),
        Ok(_) => Err(Error::Password(
            "is missing: nothing was typed, and nothing was changed",
        )),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(Error::Password(
            "could not be read at the terminal as UTF-8",
        )),
        Err(error) => Err(error.into()),
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

/// A longer line is not read on, for its password is too long in any case: [`opaque_string`] makes at
/// most three bytes one.
const LONGEST_LINE: usize = 4 * Argon2Passwords::MAX_LENGTH;

/// One line, its ending stripped and nothing else.
fn line(input: impl BufRead) -> Result<Secret, Error> {
    // Never moved while it grows, and wiped when dropped.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
    let read = input.take(LONGEST_LINE as u64).read_until(b'\n', &mut line);
    read.map_err(|_| Error::Password("could not be read from standard input"))?;
    if line.len() == LONGEST_LINE {
        return Err(Error::Password(TOO_LONG));
    }
    let text = std::str::from_utf8(&line);
    let text =
        text.map_err(|_| Error::Password("could not be read from standard input as UTF-8"))?;
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
        return Err(Error::Password(TOO_LONG));
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

    #[test]
    fn a_line_that_does_not_end_is_not_read_to_its_end() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let refusal = line(endless).expect_err("a refusal").to_string();
        assert!(refusal.contains("too long"), "{refusal}");
        // Three bytes of what is typed may be one of what is hashed.
        let spaces = "\u{3000}".repeat(Argon2Passwords::MAX_LENGTH);
        assert!(read(spaces.as_bytes()).is_ok());
    }

    /// The result of typing these lines at a terminal, and the number of prompts.
    fn typed<'a>(lines: [impl Into<Option<&'a str>>; 2]) -> (Result<String, String>, usize) {
        let lines = lines.map(Into::into);
        let mut asked = 0;
        let read = twice(|_| {
            asked += 1;
            Ok(lines[asked - 1].map(|it| Secret::new(it.to_owned())))
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
        for nothing in [None, Some("")] {
            let (refused, asked) = typed([nothing, nothing]);
            assert_eq!(asked, 1);
            assert!(refused.is_err_and(|it| it.contains("nothing was typed")));
        }
    }
}

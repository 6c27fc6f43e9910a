//! A terminal that is asked for what it must not show.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, IsTerminal, Read, Write},
    os::fd::AsFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use alias_domain::Secret;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP},
    iterator::Signals,
    low_level::emulate_default_handler,
};
use zeroize::Zeroizing;

/// What ends the process, stops it for a while, or lets it go on: each finds a terminal that it has to
/// leave as it was, or to hide again.
const SIGNALS: [i32; 6] = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT];

/// The longest line that Linux gives of a terminal.
const LONGEST_LINE: usize = 4096;

/// Whether there is one to ask at.
pub(super) fn is_there() -> bool {
    io::stdin().is_terminal()
}

/// The terminal that standard input is. It shows nothing of what is typed until this is dropped: who
/// types before they are asked is to be unseen too.
pub(super) struct Unseen(Arc<Terminal>);

struct Terminal {
    /// Standard input, past the buffer of the standard library, in which a password would stay.
    keyboard: File,
    state: Mutex<State>,
}

struct State {
    before: Termios,
    is_hidden: bool,
    prompt: &'static str,
}

impl Unseen {
    /// From now on it shows nothing.
    ///
    /// # Errors
    /// If it cannot be had so.
    pub(super) fn begin() -> io::Result<Self> {
        let keyboard = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let state = Mutex::new(State {
            before: tcgetattr(&keyboard)?,
            is_hidden: false,
            prompt: "",
        });
        let terminal = Arc::new(Terminal { keyboard, state });
        let (signals, followed) = (Signals::new(SIGNALS)?, Arc::clone(&terminal));
        // It runs on until the process ends: a signal that is caught once has no default any more.
        thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || followed.follow(signals))?;
        terminal.hide()?;
        Ok(Self(terminal))
    }

    /// Asks for a line; there is none if the input ends before anything is typed.
    ///
    /// # Errors
    /// If it cannot be read, or is no UTF-8 ([`ErrorKind::InvalidData`]).
    pub(super) fn ask(&self, prompt: &'static str) -> io::Result<Option<Secret>> {
        self.0.state().prompt = prompt;
        say(prompt);
        self.0.line()
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let mut state = self.0.state();
        self.0.show(&state);
        state.is_hidden = false;
    }
}

impl Terminal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hide(&self) -> io::Result<()> {
        let mut state = self.state();
        // Before it is done, so that whatever comes in between undoes it.
        state.is_hidden = true;
        self.hide_in(&state)
    }

    fn hide_in(&self, state: &State) -> io::Result<()> {
        let mut hidden = state.before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        // The end of a line is seen all the same, so that the next thing has a line of its own.
        hidden.local_flags.insert(LocalFlags::ECHONL);
        Ok(tcsetattr(&self.keyboard, SetArg::TCSANOW, &hidden)?)
    }

    fn show(&self, state: &State) {
        // What else could be done where it fails: the terminal is gone.
        let _ = tcsetattr(&self.keyboard, SetArg::TCSANOW, &state.before);
    }

    /// Does what each signal does by itself, and sees to the terminal first.
    fn follow(&self, mut signals: Signals) {
        for signal in signals.forever() {
            let state = self.state();
            if state.is_hidden {
                if signal == SIGCONT {
                    let _ = self.hide_in(&state);
                    say(state.prompt);
                } else {
                    self.show(&state);
                    say("\n");
                }
            }
            drop(state);
            let _ = emulate_default_handler(signal);
        }
    }

    /// What is typed, up to the end of the line.
    fn line(&self) -> io::Result<Option<Secret>> {
        let mut typed = Zeroizing::new([0; LONGEST_LINE]);
        let mut length = 0;
        while length < LONGEST_LINE && !typed[..length].ends_with(b"\n") {
            match (&self.keyboard).read(&mut typed[length..]) {
                Ok(0) if length == 0 => return Ok(None),
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let line = typed[..length].strip_suffix(b"\n");
        let line = std::str::from_utf8(line.unwrap_or(&typed[..length]));
        let line = line.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        Ok(Some(Secret::new(line.to_owned())))
    }
}

/// Writes to the terminal itself: the outputs may be files.
fn say(text: &str) {
    let terminal = OpenOptions::new().write(true).open("/dev/tty");
    // Who is asked without seeing it can type all the same.
    let _ = match terminal {
        Ok(mut terminal) => terminal.write_all(text.as_bytes()),
        Err(_) => io::stderr().write_all(text.as_bytes()),
    };
}

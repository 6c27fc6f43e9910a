//! A terminal that is asked for what it must not show.

mod signals;

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, IsTerminal, Read, Write},
    os::fd::AsFd,
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use alias_domain::Secret;
use nix::{
    sys::{
        signal::{SigSet, Signal},
        termios::{FlushArg, LocalFlags, SetArg, Termios, tcdrain, tcflush, tcgetattr, tcsetattr},
    },
    unistd::{getpgrp, getsid, tcgetpgrp},
};
use signal_hook::{iterator::Signals, low_level::emulate_default_handler};
use zeroize::Zeroizing;

use signals::Effect;

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
        // The system stops a background process here (SIGTTOU) until a shell brings it to the foreground:
        // the modes read below are then those that the shell gave the command, not the shell's own.
        tcdrain(&keyboard)?;
        let state = Mutex::new(State {
            before: tcgetattr(&keyboard)?,
            is_hidden: false,
            prompt: "",
        });
        let terminal = Arc::new(Terminal { keyboard, state });
        let followed = Arc::clone(&terminal);
        let signals = Signals::new(signals::to_follow().map(|it| it as i32))?;
        // It runs on until the process ends: a signal that is caught once has no default any more.
        thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || followed.follow(signals))?;
        let unseen = Self(terminal);
        unseen.0.hide()?;
        Ok(unseen)
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
        if self.0.is_ours() {
            self.0.show(&state);
        }
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

    /// Shows again what is typed from now on. What was typed and not read is dropped: the shell would
    /// show it, run it, and keep it.
    fn show(&self, state: &State) {
        // Both calls fail only where the terminal is gone, and then nothing is left to restore.
        let _ = tcflush(&self.keyboard, FlushArg::TCIFLUSH);
        let _ = tcsetattr(&self.keyboard, SetArg::TCSANOW, &state.before);
    }

    /// Whether it is this command's now, and not the shell's or that of another of its commands.
    fn is_ours(&self) -> bool {
        // A terminal that controls no process has no foreground.
        tcgetpgrp(&self.keyboard).map_or(true, |foreground| foreground == getpgrp())
    }

    /// Does what each signal does by itself, and sees to the terminal first.
    fn follow(&self, mut signals: Signals) {
        let mut stops = SigSet::empty();
        stops.add(Signal::SIGTTOU);
        // SIGTTOU is blocked in this thread: it restores the terminal of a process that is to be stopped,
        // and must not be stopped by that call.
        let _ = stops.thread_block();
        loop {
            let came = signals.wait();
            let mut came: Vec<_> = came.map(|it| (Effect::of(it), it)).collect();
            came.sort_unstable();
            for (effect, signal) in came {
                self.obey(effect, signal);
            }
        }
    }

    fn obey(&self, effect: Effect, signal: i32) {
        let state = self.state();
        let is_ours = self.is_ours();
        if effect == Effect::StopsInBackground && is_ours {
            // It is from before.
            return;
        }
        if effect == Effect::Stops && nobody_continues() {
            return;
        }
        if state.is_hidden && is_ours {
            if effect == Effect::GoesOn {
                let _ = self.hide_in(&state);
                say(state.prompt);
            } else {
                self.show(&state);
                say("\n");
            }
        }
        drop(state);
        let _ = emulate_default_handler(signal);
        if effect == Effect::Ends {
            // The few that the library does not know: as a shell tells of them.
            process::exit(128 + signal);
        }
    }

    /// Reads one typed line; `None` at the end of the input.
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

/// Whether no shell with job control is there, as behind `ssh -t` and in a container: the system does not
/// let Ctrl-Z stop what nobody could let go on.
fn nobody_continues() -> bool {
    // Such a shell leads the session, and gives each command a process group of its own.
    getsid(None).is_ok_and(|leader| leader == getpgrp())
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

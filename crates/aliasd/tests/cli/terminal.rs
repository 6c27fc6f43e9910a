//! A terminal at which a password is asked for: whatever ends that, or stops it for a while, the
//! terminal is as it was before.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command},
};

use nix::{
    pty::openpty,
    sys::termios::{LocalFlags, Termios, tcgetattr},
    unistd::tcgetpgrp,
};
use serde_json::json;

use crate::sandbox::Sandbox;

const CREATE: &[&str] = &["user", "create", "--email", "fred@example.com"];

/// What a shell with job control, such as an operator has, runs at the terminal.
const SCRIPT: &str =
    r#"trap : INT QUIT; "$@"; echo "ended $?."; read -r line; fg; echo "ended $?.""#;

/// A terminal with a shell that runs `aliasd`.
struct Terminal {
    /// The other end: what is written is typed, what is read is shown.
    other_end: File,
    before: Termios,
    shell: Child,
}

impl Terminal {
    fn running(sandbox: &Sandbox, words: &[&str]) -> Self {
        let pair = openpty(None, None).expect("a terminal");
        let (other_end, end) = (File::from(pair.master), File::from(pair.slave));
        let before = tcgetattr(&other_end).expect("a terminal");
        let program = sandbox.command(words);
        let shell = Command::new("setsid")
            .args(["--ctty", "sh", "-mc", SCRIPT, "sh"])
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(sandbox.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a path"))
            .envs(
                program
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(end.try_clone().expect("a terminal"))
            .stdout(end.try_clone().expect("a terminal"))
            .stderr(end)
            .spawn()
            .expect("setsid, of util-linux");
        Self {
            other_end,
            before,
            shell,
        }
    }

    /// Waits until it shows this, and gives all that it showed.
    fn shows(&mut self, mark: &str) -> String {
        let (mut shown, mut byte) = (String::new(), [0]);
        while !shown.ends_with(mark) {
            let read = self.other_end.read(&mut byte).expect("a terminal");
            assert_eq!(read, 1, "it ended: {shown}");
            shown.push(char::from(byte[0]));
        }
        shown
    }

    fn is_asked(&mut self, prompt: &str) {
        self.shows(prompt);
        let now = tcgetattr(&self.other_end).expect("a terminal");
        assert!(!now.local_flags.contains(LocalFlags::ECHO));
    }

    fn types(&mut self, keys: &str) {
        let typed = self.other_end.write_all(keys.as_bytes());
        typed.expect("a terminal");
    }

    /// Sends a signal to whatever runs in the foreground.
    fn signals(&self, name: &str) {
        let group = tcgetpgrp(&self.other_end).expect("a process group");
        let told = Command::new("kill")
            .args([&format!("-{name}"), "--", &format!("-{group}")])
            .status()
            .expect("kill runs");
        assert!(told.success());
    }

    /// Waits until `aliasd` has ended or stopped, with this exit status as a shell has it.
    #[track_caller]
    fn has_ended(&mut self, status: i32) -> String {
        let shown = self.shows(&format!("ended {status}.\r\n"));
        let now = tcgetattr(&self.other_end).expect("a terminal");
        assert!(now.local_flags.contains(LocalFlags::ECHO), "{shown}");
        assert_eq!(now, self.before, "{shown}");
        shown
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

#[test]
fn a_signal_at_the_password_ends_the_command_and_leaves_the_terminal_as_it_was() {
    let sandbox = Sandbox::migrated();
    for (signal, status) in [("INT", 130), ("QUIT", 131), ("TERM", 143), ("HUP", 129)] {
        let mut terminal = Terminal::running(&sandbox, CREATE);
        terminal.is_asked("Password: ");
        match signal {
            "INT" => terminal.types("half\x03"),
            "QUIT" => terminal.types("half\x1c"),
            _ => terminal.signals(signal),
        }
        terminal.has_ended(status);
    }
    let mut terminal = Terminal::running(&sandbox, CREATE);
    terminal.is_asked("Password: ");
    terminal.types("correct horse\n");
    terminal.is_asked("The same again: ");
    terminal.types("\x03");
    terminal.has_ended(130);
    assert_eq!(sandbox.json(&["user", "list"]), json!([]));
}

#[test]
fn a_command_that_is_stopped_at_the_password_goes_on_unseen() {
    let sandbox = Sandbox::migrated();
    let mut terminal = Terminal::running(&sandbox, CREATE);
    terminal.is_asked("Password: ");
    terminal.types("\x1a");
    // As a shell counts one that stopped itself.
    terminal.has_ended(128 + 19);
    terminal.types("go on\n");
    terminal.is_asked("Password: ");
    terminal.types("correct horse\n");
    terminal.is_asked("The same again: ");
    terminal.types("correct horse\n");
    let shown = terminal.has_ended(0);
    assert!(!shown.contains("horse"), "{shown}");
    let users = sandbox.json(&["user", "list"]);
    assert_eq!(users[0]["email"], "fred@example.com");
}

#[test]
fn that_no_password_was_typed_is_said() {
    let sandbox = Sandbox::migrated();
    for keys in ["\x04", "\n"] {
        let mut terminal = Terminal::running(&sandbox, CREATE);
        terminal.is_asked("Password: ");
        terminal.types(keys);
        let shown = terminal.has_ended(1);
        assert!(shown.contains("nothing was typed"), "{shown}");
    }
}

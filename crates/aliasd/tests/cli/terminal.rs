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
        Self::with_script(sandbox, words, SCRIPT)
    }

    fn with_script(sandbox: &Sandbox, words: &[&str], script: &str) -> Self {
        let pair = openpty(None, None).expect("a terminal");
        let (other_end, end) = (File::from(pair.master), File::from(pair.slave));
        let before = tcgetattr(&other_end).expect("a terminal");
        let program = sandbox.command(words);
        // Whatever runs the tests may ignore signals, as nohup does, and so would all that it runs.
        let shell = sandbox
            .system("env")
            .arg("--default-signal=HUP,INT,QUIT,TERM,TSTP,TTIN,TTOU")
            .args(["setsid", "--ctty", "sh", "-mc", script, "sh"])
            .arg(program.get_program())
            .args(program.get_args())
            .stdin(end.try_clone().expect("a terminal"))
            .stdout(end.try_clone().expect("a terminal"))
            .stderr(end)
            .spawn()
            .expect("env, of coreutils");
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

    /// Answers both questions, of which the first was seen.
    fn types_it_twice(&mut self, password: &str) {
        self.types(&format!("{password}\n"));
        self.is_asked("The same again: ");
        self.types(&format!("{password}\n"));
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
    for (signal, status) in [
        ("INT", 130),
        ("QUIT", 131),
        ("TERM", 143),
        ("HUP", 129),
        ("ALRM", 142),
        ("USR1", 138),
        ("USR2", 140),
        ("XCPU", 152),
        ("VTALRM", 154),
        ("PROF", 155),
        ("IO", 157),
        ("PWR", 158),
        ("SYS", 159),
    ] {
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
    terminal.types_it_twice("correct horse");
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

#[test]
fn a_password_that_is_pasted_and_not_read_is_neither_shown_nor_run() {
    let sandbox = Sandbox::migrated();
    let script = r#""$@"; echo "ended $?."; read -r line; echo "read $line.""#;
    let mut terminal = Terminal::with_script(&sandbox, CREATE, script);
    terminal.is_asked("Password: ");
    terminal.types("half a secret");
    terminal.signals("TERM");
    terminal.has_ended(143);
    terminal.types("next\n");
    terminal.shows("read next.");
    for (pasted, status) in [
        ("seven77\nseven77\n", 1),
        ("correct horse\nbattery staple\ncorrect horse\nunended", 1),
        ("correct horse\ncorrect horse\ncorrect horse\n", 0),
    ] {
        let mut terminal = Terminal::with_script(&sandbox, CREATE, script);
        terminal.is_asked("Password: ");
        terminal.types(pasted);
        let shown = terminal.has_ended(status);
        terminal.types("next\n");
        let shown = shown + &terminal.shows("read next.");
        for secret in ["seven77", "horse", "staple", "unended"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn a_command_that_is_stopped_at_the_password_can_be_ended_and_let_on_in_the_background() {
    let sandbox = Sandbox::migrated();
    for signal in ["TERM", "HUP", "INT"] {
        let script = format!(
            r#"trap : INT; "$@"; echo "ended $?."; kill -{signal} %1; kill -CONT %1; wait %1; echo gone."#
        );
        let mut terminal = Terminal::with_script(&sandbox, CREATE, &script);
        terminal.is_asked("Password: ");
        terminal.types("\x1a");
        terminal.has_ended(128 + 19);
        let shown = terminal.shows("gone.\r\n");
        assert!(!shown.contains("Password"), "{shown}");
    }
    let script = r#""$@"; echo "ended $?."; bg; echo on.; read -r line; fg; echo "ended $?.""#;
    let mut terminal = Terminal::with_script(&sandbox, CREATE, script);
    terminal.is_asked("Password: ");
    terminal.types("\x1a");
    terminal.has_ended(128 + 19);
    terminal.shows("on.\r\n");
    terminal.types("go on\n");
    terminal.is_asked("Password: ");
    terminal.types_it_twice("correct horse");
    let shown = terminal.has_ended(0);
    assert!(!shown.contains("Password"), "{shown}");
}

#[test]
fn a_command_that_is_started_in_the_background_asks_once_it_is_in_front() {
    let sandbox = Sandbox::migrated();
    // It is stopped before it has asked, as Linux tells.
    let script =
        r#""$@" & until grep -q 'State:.T' /proc/$!/status; do :; done; fg; echo "ended $?.""#;
    let mut terminal = Terminal::with_script(&sandbox, CREATE, script);
    terminal.is_asked("Password: ");
    terminal.types("correct horse\n");
    let shown = terminal.shows("The same again: ");
    assert!(!shown.contains("Password"), "{shown}");
    terminal.types("correct horse\n");
    terminal.has_ended(0);
}

#[test]
fn a_signal_that_the_caller_ignores_stays_ignored_at_the_password() {
    let sandbox = Sandbox::migrated();
    let script = r#"trap '' INT HUP; "$@"; echo "ended $?.""#;
    let mut terminal = Terminal::with_script(&sandbox, CREATE, script);
    terminal.is_asked("Password: ");
    terminal.types("half\x03");
    terminal.signals("HUP");
    terminal.types_it_twice("correct horse");
    terminal.has_ended(0);
}

#[test]
fn what_is_typed_before_the_store_is_there_is_unseen() {
    let mut sandbox = Sandbox::embedded();
    // It is there and says nothing, as one that is far away.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("an address");
    sandbox.set(
        "ALIAS_DATABASE__URL",
        &format!("postgres://alias@{address}/alias?sslmode=disable"),
    );
    let mut terminal = Terminal::running(&sandbox, CREATE);
    let (_connection, _) = silent.accept().expect("a connection");
    let now = tcgetattr(&terminal.other_end).expect("a terminal");
    assert!(!now.local_flags.contains(LocalFlags::ECHO));
    terminal.types("\x03");
    terminal.has_ended(130);
}

#[test]
fn a_command_that_nobody_could_let_go_on_does_not_stop() {
    let sandbox = Sandbox::migrated();
    let script = r#"set +m; "$@"; echo "ended $?.""#;
    let mut terminal = Terminal::with_script(&sandbox, CREATE, script);
    terminal.is_asked("Password: ");
    terminal.types("\x1a");
    terminal.types_it_twice("correct horse");
    terminal.has_ended(0);
}

//! A PostgreSQL server that a test may stop.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Begins a server of its own, like that of all other tests.
const WITH_POSTGRES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/with-postgres");

/// Says where the server is, and then does what it is told to it.
const OBEY: &str = r#"
    echo "$ALIAS_TEST_POSTGRES"
    while read -r order; do $ALIAS_TEST_POSTGRES_CTL $order >&2 && echo "$order"; done
"#;

/// A server of its own; it ends with this.
pub(crate) struct Server {
    child: Child,
    /// `None` once it has ended.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// A database on it.
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(WITH_POSTGRES)
            .args(["bash", "-c", OBEY])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script runs");
        let answers = BufReader::new(child.stdout.take().expect("standard output"));
        let mut server = Self {
            orders: child.stdin.take(),
            answers,
            child,
            url: String::new(),
        };
        server.url = server.line();
        server
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("UTF-8");
        assert!(line.ends_with('\n'), "the server is gone");
        line.trim_end().to_owned()
    }

    /// Stops or starts it, as `pg_ctl` understands the order, and waits until that is done.
    pub(crate) fn obey(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("it runs");
        writeln!(orders, "{order}").expect("it listens");
        assert_eq!(self.line(), order);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

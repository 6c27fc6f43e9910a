use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use super::TestDatabase;

/// A way to a server, which counts what a store sends, and loses what it is told to. Its clones are
/// the same.
///
/// ```no_run
/// use alias_storage_postgres::testing::{Proxy, TestDatabase};
/// let proxy = Proxy::to(&TestDatabase::migrated());
/// assert_eq!((proxy.round_trips(), proxy.statements()), (0, 0));
/// // From here on nothing passes.
/// proxy.breaks_after(0);
/// proxy.is_silent(true);
/// assert!(!proxy.broke() && proxy.url().starts_with("postgres://"));
/// ```
#[derive(Clone)]
pub struct Proxy {
    way: Arc<Way>,
    url: String,
}

struct Way {
    round_trips: AtomicUsize,
    statements: AtomicUsize,
    /// Messages that still pass.
    pass: AtomicUsize,
    /// Whether answers are held back.
    silent: Mutex<bool>,
    spoke: Condvar,
}

impl Proxy {
    /// Listens at a port of its own. See the type for an example.
    ///
    /// # Panics
    /// If the system gives it none, or the server's URL is odd.
    #[must_use]
    pub fn to(database: &TestDatabase) -> Self {
        let url = database.url();
        let (server, name) = url.rsplit_once('/').expect("a database URL");
        let (user, server) = server.split_once('@').expect("a user");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("{user}@127.0.0.1:{port}/{name}");
        let way = Arc::new(Way {
            round_trips: AtomicUsize::new(0),
            statements: AtomicUsize::new(0),
            pass: AtomicUsize::new(usize::MAX),
            silent: Mutex::new(false),
            spoke: Condvar::new(),
        });
        let (server, along) = (server.to_owned(), Arc::clone(&way));
        thread::spawn(move || {
            for store in listener.incoming() {
                along.connect(store.expect("a connection"), &server);
            }
        });
        Self { way, url }
    }

    /// The database, by this way. See the type for an example.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How often the store has waited for an answer. See the type for an example.
    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.way.round_trips.load(SeqCst)
    }

    /// How many statements the server had to parse. See the type for an example.
    #[must_use]
    pub fn statements(&self) -> usize {
        self.way.statements.load(SeqCst)
    }

    /// Lets so many messages reach the server, and then breaks every connection. See the type for
    /// an example.
    pub fn breaks_after(&self, messages: usize) {
        self.way.pass.store(messages, SeqCst);
    }

    /// Whether it came to that. See the type for an example.
    #[must_use]
    pub fn broke(&self) -> bool {
        self.way.pass.load(SeqCst) == 0
    }

    /// From now on lets no answer through, or every one. Those that were held back come then, as they
    /// do on a connection that lives: nothing is lost from its midst. See the type for an example.
    ///
    /// # Panics
    /// If a thread of it did.
    pub fn is_silent(&self, silent: bool) {
        *self.way.silent.lock().expect("no thread panics") = silent;
        self.way.spoke.notify_all();
    }
}

impl Way {
    fn connect(self: &Arc<Self>, store: TcpStream, server: &str) {
        let server = TcpStream::connect(server).expect("the server");
        for end in [&store, &server] {
            end.set_nodelay(true).expect("a connection");
        }
        let again = |it: &TcpStream| it.try_clone().expect("a connection");
        let (asked, answered) = (again(&server), again(&store));
        // Each ends with the connection, however that ends.
        let along = Arc::clone(self);
        thread::spawn(move || along.ask(store, asked));
        let along = Arc::clone(self);
        thread::spawn(move || along.answer(server, answered));
    }

    /// Passes on message by message. Each is a type, unless it is the first, and a length that
    /// counts itself (PostgreSQL's documentation, "Message Formats").
    fn ask(&self, mut store: TcpStream, mut server: TcpStream) -> io::Result<()> {
        let mut kind = Vec::new();
        loop {
            let mut length = [0; 4];
            store.read_exact(&mut length)?;
            let mut rest = vec![0; u32::from_be_bytes(length) as usize - length.len()];
            store.read_exact(&mut rest)?;
            match kind.as_slice() {
                // Sync, or a simple query.
                b"S" | b"Q" => self.round_trips.fetch_add(1, SeqCst),
                b"P" => self.statements.fetch_add(1, SeqCst),
                _ => 0,
            };
            server.write_all(&[&kind, length.as_slice(), &rest].concat())?;
            if self.is_the_last() {
                server.shutdown(Shutdown::Both)?;
                return store.shutdown(Shutdown::Both);
            }
            kind = vec![0];
            store.read_exact(&mut kind)?;
        }
    }

    fn is_the_last(&self) -> bool {
        let one_less = |left: usize| match left {
            usize::MAX => Some(left),
            left => Some(left.saturating_sub(1)),
        };
        let left = self.pass.fetch_update(SeqCst, SeqCst, one_less);
        left.is_ok_and(|it| it <= 1)
    }

    fn answer(&self, mut server: TcpStream, mut store: TcpStream) -> io::Result<()> {
        let mut some = [0; 4096];
        loop {
            let length = server.read(&mut some)?;
            if length == 0 {
                return store.shutdown(Shutdown::Both);
            }
            let silent = self.silent.lock().expect("no thread panics");
            drop(self.spoke.wait_while(silent, |silent| *silent));
            store.write_all(&some[..length])?;
        }
    }
}

//! `aliasd user …`.

use std::collections::BTreeSet;

use alias_domain::{
    Client, ClientId, Email, Nickname, Revocation, Scope, Secret, Session, SessionId, User, UserId,
    flows::{Operator, TakenBack, UserChange, user_of},
    ports::{Chance, EmailTaken, Passwords, Store},
};
use alias_signing::{Argon2Passwords, OsChance};
use clap::{
    ArgGroup, Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{deleting, password, terminal::Unseen};
use crate::global::Global;
use crate::{
    clock,
    error::Error,
    output::Format,
    store,
    view::{ConnectedUserView, Deleted, List, SessionView, TakenBackView, UserView},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account; asks for the password, or reads it from standard input
    #[command(after_help = "\
At a terminal the password is asked for twice, and not shown. Otherwise --password-stdin reads it: one
line of at least 8 characters, from which nothing but the line's ending is taken off.

Examples:
  aliasd user create --email fred@example.com --nickname Fred
  aliasd user create --email fred@example.com --password-stdin < password.txt
  pass show alias/fred | aliasd user create --email fred@example.com --password-stdin")]
    Create(Create),
    /// List all users, oldest first
    #[command(after_help = "Examples:\n  aliasd user list\n  aliasd user list --json")]
    List,
    /// Show a user, and what they allow which clients
    #[command(after_help = "Example:\n  aliasd user show fred@example.com")]
    Show(Target),
    /// Change what the options name; the rest stays
    #[command(
        override_usage = "aliasd user update <ID|EMAIL> <OPTIONS>",
        after_help = "\
Sessions go on, and clients know the user by the same ID as before.

Examples:
  aliasd user update fred@example.com --email frederick@example.com
  aliasd user update fred@example.com --nickname Freddie
  aliasd user update fred@example.com --no-nickname"
    )]
    Update(Update),
    /// Set another password, which ends every session of the user
    #[command(after_help = "\
At a terminal the password is asked for twice, and not shown; otherwise --password-stdin reads it. All
sessions end, for whoever had the old password may have one. What clients were allowed stays allowed:
`aliasd user revoke` takes that back.

Examples:
  aliasd user reset-password fred@example.com
  pass show alias/fred | aliasd user reset-password fred@example.com --password-stdin")]
    ResetPassword(ResetPassword),
    /// Show a user's sessions, the latest sign-in first, and end them
    #[command(after_help = "\
What is left is printed. Each client that took part in a session that ends, and is registered for
back-channel logout, is told by the service. Clients keep what the user allows them.

Examples:
  aliasd user sessions fred@example.com
  aliasd user sessions fred@example.com --end 3q2-7wAAQACAAAAAAAAAAQ
  aliasd user sessions fred@example.com --end-all")]
    Sessions(Sessions),
    /// Take back what a user allows clients: everything, one scope or one channel
    #[command(after_help = "\
It is as if the user had done so on the account page, and bites at once. Without CLIENT it is taken back
from every client. Without --scope and --channel the user is disconnected. What is left is printed.

Examples:
  aliasd user revoke fred@example.com
  aliasd user revoke fred@example.com bjOB6HV7cTKtxvfr2k2ucg
  aliasd user revoke fred@example.com --scope contact
  aliasd user revoke fred@example.com bjOB6HV7cTKtxvfr2k2ucg --channel events")]
    Revoke(Revoke),
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
    #[command(flatten)]
    password: password::Source,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
pub(crate) struct Update {
    #[command(flatten)]
    target: Target,
    /// The address that the user signs in with
    #[arg(long, group = "change")]
    email: Option<String>,
    /// How the user wishes to be known
    #[arg(long, group = "change")]
    nickname: Option<String>,
    /// The user has no nickname any more
    #[arg(long, group = "change", conflicts_with = "nickname")]
    no_nickname: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ResetPassword {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    password: password::Source,
}

#[derive(Args, Debug)]
pub(crate) struct Sessions {
    #[command(flatten)]
    target: Target,
    /// Ends this session
    // An ID may begin with a hyphen.
    #[arg(long, value_name = "SESSION", allow_hyphen_values = true)]
    end: Vec<String>,
    /// Ends every session
    #[arg(long, conflicts_with = "end")]
    end_all: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Revoke {
    #[command(flatten)]
    target: Target,
    /// The client ID [default: every client that has it]
    // An ID may begin with a hyphen.
    #[arg(value_name = "CLIENT", allow_hyphen_values = true)]
    client: Option<String>,
    /// Takes back one scope; openid disconnects
    #[arg(long, value_name = "SCOPE", value_parser = scope())]
    scope: Option<Scope>,
    /// Takes back one channel of CLIENT
    #[arg(
        long,
        value_name = "NAME",
        requires = "client",
        conflicts_with = "scope"
    )]
    channel: Option<String>,
}

fn scope() -> impl TypedValueParser<Value = Scope> {
    let names = Scope::ALL.map(Scope::name);
    PossibleValuesParser::new(names).try_map(|it| it.parse())
}

#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The user ID or the email address
    // An ID may begin with a hyphen.
    #[arg(value_name = "ID|EMAIL", allow_hyphen_values = true)]
    user: String,
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Error> {
    // Before the store is looked for, which takes its time: who types meanwhile is unseen.
    let terminal = command.demand_password()?;
    let store = store::open(global).await?;
    let store = store.as_ref();
    let format = global.format();
    match command {
        Command::Create(create) => {
            let email = Email::register(&create.email)?;
            let nickname = create.nickname.as_deref().map(Nickname::register);
            let nickname = nickname.transpose()?;
            // Before anybody types a password in vain.
            if store.user_by_email(&email).await?.is_some() {
                return Err(EmailTaken.into());
            }
            let password = password::read(terminal)?;
            let user = add(store, email, nickname, &password).await?;
            report(format, &user, "was created")
        }
        Command::List => {
            let users = store.users().await?;
            let views = users.iter().map(UserView::of).collect();
            format.print(&List::new("no users", views))
        }
        Command::Show(target) => {
            let user = target.find(store).await?;
            let connections = Operator::new(store).connections(user.id).await?;
            format.print(&ConnectedUserView::of(&user, &connections))
        }
        Command::Update(update) => report(format, &update.apply(store).await?, "was changed"),
        Command::ResetPassword(reset) => {
            let done = "has the new password, and their sessions ended";
            report(format, &reset.apply(store, terminal).await?, done)
        }
        Command::Sessions(sessions) => {
            let left = List::new("no sessions", sessions.apply(store).await?);
            match sessions.ends_any() {
                true => format.report(&left, "the sessions were ended"),
                false => format.print(&left),
            }
        }
        Command::Revoke(revoke) => {
            let taken = revoke.apply(store).await?;
            let views: Vec<_> = taken.iter().map(TakenBackView::of).collect();
            let done = match taken.is_empty() {
                true => "there was nothing to take back",
                false => "it was taken back",
            };
            format.report(&List::new("no client has anything of that", views), done)
        }
        Command::Lock(target) => report(format, &target.lock(store, true).await?, "was locked"),
        Command::Unlock(target) => {
            report(format, &target.lock(store, false).await?, "was unlocked")
        }
        Command::Delete(target) => {
            let user = target.find(store).await?;
            if !store.delete_user(user.id).await? {
                return Err(target.missing());
            }
            let done = format!("user {} was deleted", user.email);
            let deleted = Deleted::User {
                user_id: user.id,
                email: user.email,
            };
            format.report(&deleted, done)?;
            deleting::remove_rows(store).await;
            Ok(())
        }
    }
}

impl Command {
    /// The terminal at which a command that needs a password asks for it, if it does.
    fn demand_password(&self) -> Result<Option<Unseen>, Error> {
        match self {
            Self::Create(create) => create.password.demand(),
            Self::ResetPassword(reset) => reset.password.demand(),
            _ => Ok(None),
        }
    }
}

/// Prints a user as they are now, by what was done about them.
fn report(format: Format, user: &User, done: &str) -> Result<(), Error> {
    let done = format!("user {} {done}", user.email);
    format.report(&UserView::of(user), done)
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

impl Target {
    fn missing(&self) -> Error {
        Error::NoUser(self.user.clone())
    }

    /// An email address has an `@`, an ID has none.
    async fn find(&self, store: &dyn Store) -> Result<User, Error> {
        let found = if self.user.contains('@') {
            let email = self.user.parse()?;
            user_of(store, &email).await?.map(|(user, _)| user)
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

impl Update {
    async fn apply(&self, store: &dyn Store) -> Result<User, Error> {
        let nickname = self.nickname.as_deref().map(Nickname::register);
        let nickname = nickname.transpose()?;
        let change = UserChange {
            email: self.email.as_deref().map(Email::register).transpose()?,
            nickname: match self.no_nickname {
                true => Some(None),
                false => nickname.map(Some),
            },
        };
        let user = self.target.find(store).await?;
        let changed = Operator::new(store).change_user(user.id, &change).await??;
        changed.ok_or_else(|| self.target.missing())
    }
}

impl ResetPassword {
    async fn apply(&self, store: &dyn Store, terminal: Option<Unseen>) -> Result<User, Error> {
        let user = self.target.find(store).await?;
        let password = password::read(terminal)?;
        let passwords = Argon2Passwords::new()?;
        let operator = Operator::new(store);
        let reset = operator.reset_password(user.id, &password, &passwords);
        match reset.await? {
            true => Ok(user),
            false => Err(self.target.missing()),
        }
    }
}

impl Sessions {
    fn ends_any(&self) -> bool {
        self.end_all || !self.end.is_empty()
    }

    /// The sessions that were named, each once.
    ///
    /// # Errors
    /// All that are none of these: then nothing is ended.
    fn to_end(&self, active: &[Session]) -> Result<BTreeSet<SessionId>, Error> {
        let (mut named, mut unknown) = (BTreeSet::new(), BTreeSet::new());
        for id in &self.end {
            match id.parse() {
                Ok(it) if active.iter().any(|session| session.id == it) => named.insert(it),
                _ => unknown.insert(id.as_str()),
            };
        }
        if unknown.is_empty() {
            return Ok(named);
        }
        Err(Error::NoSession {
            user: self.target.user.clone(),
            sessions: unknown.into_iter().collect::<Vec<_>>().join(", "),
        })
    }

    /// Ends what is to end, and shows what is left.
    async fn apply(&self, store: &dyn Store) -> Result<Vec<SessionView>, Error> {
        let user = self.target.find(store).await?.id;
        let operator = Operator::new(store);
        for session in self.to_end(&operator.sessions(user, clock::now()).await?)? {
            // One that somebody else has ended meanwhile has ended.
            operator.end_session(user, session, clock::now()).await?;
        }
        if self.end_all {
            operator.end_sessions(user).await?;
        }
        let left = operator.sessions(user, clock::now()).await?;
        Ok(left.iter().map(SessionView::of).collect())
    }
}

impl Revoke {
    fn revocation(&self) -> Revocation {
        match (self.scope, &self.channel) {
            (Some(scope), _) => Revocation::Scope(scope),
            (None, Some(channel)) => Revocation::Channel(channel.clone()),
            (None, None) => Revocation::Disconnect,
        }
    }

    async fn apply(&self, store: &dyn Store) -> Result<Vec<TakenBack>, Error> {
        let user = self.target.find(store).await?.id;
        let (operator, revocation) = (Operator::new(store), self.revocation());
        let taken = match &self.client {
            None => operator.revoke_all(user, &revocation, clock::now()).await?,
            Some(id) => {
                let client = client(store, id).await?;
                let taken = operator
                    .revoke(user, &client, &revocation, clock::now())
                    .await?;
                vec![taken.map_err(|reason| Error::NotRevoked {
                    client: client.name,
                    reason,
                })?]
            }
        };
        Ok(taken)
    }
}

/// The client of an ID.
async fn client(store: &dyn Store, id: &str) -> Result<Client, Error> {
    let none = || Error::NoClient(id.to_owned());
    let known: ClientId = id.parse().map_err(|_| none())?;
    store.client(known).await?.ok_or_else(none)
}

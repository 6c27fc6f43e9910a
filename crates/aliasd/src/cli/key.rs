//! `aliasd key …`.

use std::sync::Arc;

use alias_domain::{
    KeyAlgorithm, KeyStage, ScheduledKey, key_schedule,
    ports::{Store, StoredKey},
};
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};

use crate::global::Global;
use crate::{
    clock,
    config::Config,
    error::Error,
    serve, store,
    view::{Deleted, KeyView, List},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List all keys, oldest first
    #[command(after_help = "\
A key is published, then active, then retiring; the service removes it once nothing that it made is
alive. Of one that signed, the public half is remembered for as long as a session may last: it reads ID
tokens that come back as hints. RS256, ES256 and EdDSA sign ID tokens, A256GCM seals all other tokens.

Examples:
  aliasd key list
  aliasd key list --json")]
    List,
    /// Make new keys, which become active after keys.lead; prints them
    #[command(after_help = "\
Running services take a new key up within a second. It is refused while a new key waits already.
keys.master or keys.master_file must be set, as for serve.

Examples:
  aliasd key rotate
  aliasd key rotate --algorithm RS256
  aliasd key rotate --algorithm ES256 --algorithm A256GCM --json")]
    Rotate(Rotate),
    /// Remove a key at once, and with it the worth of all that it made
    #[command(after_help = "\
For a key that somebody else may have: rotate first, and remove it when its successor is active. While
no other key of its algorithm could take its place, it is refused.

Example:
  aliasd key remove VL39rz1dUwZcNOGTjzoJEw")]
    Remove(Remove),
}

#[derive(Args, Debug)]
pub(crate) struct Rotate {
    /// Of these algorithms [default: all]
    #[arg(
        long = "algorithm", value_name = "ALGORITHM", value_parser = algorithm()
    )]
    algorithms: Vec<KeyAlgorithm>,
}

#[derive(Args, Debug)]
pub(crate) struct Remove {
    /// The key ID
    // An ID may begin with a hyphen.
    #[arg(value_name = "KID", allow_hyphen_values = true)]
    kid: String,
}

fn algorithm() -> impl TypedValueParser<Value = KeyAlgorithm> {
    let names = KeyAlgorithm::ALL.map(KeyAlgorithm::name);
    PossibleValuesParser::new(names).try_map(|it| it.parse())
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Error> {
    let config = Config::load(global.config_file())?;
    let store = store::open_current(&config).await?;
    let format = global.format();
    match command {
        Command::List => {
            let keys = store.keys().await?;
            let schedule = key_schedule(&keys, &config.lifetimes, clock::now());
            let views = schedule.iter().map(KeyView::of).collect();
            format.print(&List::new("no keys: the service makes them", views))
        }
        Command::Rotate(rotate) => {
            let made = rotate.apply(&config, Arc::clone(&store)).await?;
            let keys = store.keys().await?;
            let schedule = key_schedule(&keys, &config.lifetimes, clock::now());
            let of = |new: &StoredKey| schedule.iter().find(|it| it.key.kid == new.kid);
            let views = made.iter().filter_map(of).map(KeyView::of).collect();
            let done = "new keys were made: `aliasd key list` shows them";
            format.report(&List::new("no keys", views), done)
        }
        Command::Remove(remove) => {
            remove.apply(&config, store.as_ref()).await?;
            let done = format!("key {} was removed", remove.kid);
            format.report(&Deleted::Key { kid: remove.kid }, done)
        }
    }
}

impl Rotate {
    async fn apply(&self, config: &Config, store: Arc<dyn Store>) -> Result<Vec<StoredKey>, Error> {
        let master = config.master_key.read()?;
        let keyring = serve::open_keys(config, &master, &store).await?;
        let mut algorithms = KeyAlgorithm::ALL.to_vec();
        if !self.algorithms.is_empty() {
            algorithms.retain(|it| self.algorithms.contains(it));
        }
        Ok(keyring.rotate(&algorithms, config.lead, clock::now).await?)
    }
}

impl Remove {
    async fn apply(&self, config: &Config, store: &dyn Store) -> Result<(), Error> {
        let mut rest = store.keys().await?;
        let position = rest.iter().position(|it| it.kid == self.kid);
        let no_key = || Error::NoKey(self.kid.clone());
        let key = rest.remove(position.ok_or_else(no_key)?);
        let now = clock::now();
        let schedule = key_schedule(&rest, &config.lifetimes, now);
        // One that would serve before its time is not known everywhere yet.
        let active =
            |it: &ScheduledKey<'_>| it.stage == KeyStage::Active && it.key.active_from <= now;
        let mut active = schedule.iter().filter(|it| active(it));
        // A remembered key signs nothing, so no successor is needed.
        let makes = KeyAlgorithm::ALL
            .iter()
            .any(|it| it.name() == key.algorithm);
        if makes && !active.any(|it| it.key.algorithm == key.algorithm) {
            return Err(Error::LastKey(self.kid.clone()));
        }
        if !store.remove_key(&self.kid).await? {
            return Err(no_key());
        }
        Ok(())
    }
}

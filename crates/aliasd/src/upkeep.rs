//! What is done beside requests, as long as the service runs.

use std::{convert::Infallible, sync::Arc};

use alias_domain::{flows::Provider, ports::Store};
use alias_outbound::Outbound;
use alias_signing::Keyring;

use crate::{keys, logout, panics::supervise, sweep};

/// What needs looking after.
pub(crate) struct Upkeep {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keyring: Keyring,
    pub(crate) provider: Provider,
    pub(crate) outbound: Outbound,
}

impl Upkeep {
    /// Looks after it, for ever. A panic of one is none of the others' business.
    pub(crate) async fn run(self) -> Infallible {
        let Self {
            store,
            keyring,
            provider,
            outbound,
        } = self;
        let outbound = Arc::new(outbound);
        tokio::select! {
            never = supervise("sweep", async || sweep::run(&store, &keyring).await) => never,
            never = supervise("keys", async || keys::run(&keyring).await) => never,
            never = supervise("notices", async || {
                logout::run(&provider, Arc::clone(&outbound)).await
            }) => never,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use alias_domain::{
        Digest, KeyAlgorithm, Lead, Lifetimes, SessionId, SigningAlgorithm,
        flows::Ports,
        ports::{Export, Import, Page, PasswordHash, StoredNotice, StoredSession},
        testing::{
            MemoryStore, Pages, TestChance, TestIdTokens, TestPasswords, TestSealer, Unlimited,
            sample,
        },
    };
    use alias_outbound::PrivateNetworks;
    use alias_signing::{MasterKey, RsaSize};
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::clock;

    /// Far longer than the tasks need to begin anew.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A session that has ended, a client that is to be told of another one, and somebody who signed in
    /// just now, so that the clock is believed.
    fn work_to_do() -> Pages {
        let mut client = sample::notice().client;
        // Nobody goes there, so it is tried again later.
        let backchannel = client.backchannel_logout.as_mut().expect("a back channel");
        backchannel.uri = "https://127.0.0.1/logout".parse().expect("a URI");
        let (session, client_id) = (sample::session(), client.id);
        Pages::of([
            Page::Clients(vec![(client, vec![])]),
            Page::Users(vec![(sample::user(), PasswordHash::new("$of-no-password"))]),
            Page::Sessions(vec![
                StoredSession {
                    id: session.id,
                    user_id: session.user.id,
                    token: Digest::of(b"a session token"),
                    auth_time: session.auth_time,
                    expires_at: session.expires_at,
                },
                StoredSession {
                    id: SessionId::from_uuid(client_id.uuid()),
                    user_id: session.user.id,
                    token: Digest::of(b"another session token"),
                    auth_time: clock::now(),
                    expires_at: clock::now() + Lifetimes::default().session,
                },
            ]),
            Page::Notices(vec![StoredNotice {
                session_id: session.id,
                client_id,
                alias_id: sample::notice().alias_id,
                attempts: 0,
                due_at: None,
            }]),
        ])
    }

    fn provider(store: Arc<dyn Store>) -> Provider {
        let ports = Ports {
            store,
            sealer: Arc::new(TestSealer::default()),
            id_tokens: Arc::new(TestIdTokens),
            passwords: Arc::new(TestPasswords),
            chance: Arc::new(TestChance::default()),
            limits: Arc::new(Unlimited),
        };
        Provider::new("https://id.example".to_owned(), Lifetimes::default(), ports)
    }

    /// How many sessions there are, and how often somebody was to be told.
    async fn done(store: &MemoryStore) -> (usize, u32) {
        let (mut sessions, mut attempts) = (0, 0);
        let mut all = store.export();
        while let Some(page) = all.next_page().await.expect("it does not fail") {
            match page {
                Page::Sessions(some) => sessions += some.len(),
                Page::Notices(some) => attempts += some.iter().map(|it| it.attempts).sum::<u32>(),
                _ => {}
            }
        }
        (sessions, attempts)
    }

    #[tokio::test]
    async fn each_task_does_its_work_although_it_panicked_at_first() {
        let store = Arc::new(MemoryStore::default());
        store.import(&mut work_to_do()).await.expect("imported");
        let master: MasterKey = "A".repeat(43).parse().expect("a master key");
        let keyring = async || {
            let keys: Arc<dyn Store> = store.clone();
            let (lifetimes, rsa) = (Lifetimes::default(), RsaSize::Bits2048);
            let keyring = Keyring::load_or_create(keys, &master, lifetimes, rsa, clock::now());
            keyring.await.expect("keys")
        };
        let (running, beside) = (keyring().await, keyring().await);
        let upkeep = Upkeep {
            store: store.clone(),
            keyring: running.clone(),
            provider: provider(store.clone()),
            outbound: Outbound::new(PrivateNetworks::default(), None).expect("a client"),
        };
        let next = [KeyAlgorithm::Signing(SigningAlgorithm::Es256)];
        let rotated = beside.rotate(&next, Lead::default(), clock::now).await;
        rotated.expect("a new key");
        let known = || running.key_set()["keys"].as_array().map(Vec::len);
        assert_eq!((done(&store).await, known()), ((2, 0), Some(3)));

        // The first step of each of the three.
        store.panic_in_next(3);
        let all_done = async {
            while (done(&store).await, known()) != ((1, 1), Some(4)) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            never = upkeep.run() => match never {},
            in_time = timeout(PATIENCE, all_done) => assert!(in_time.is_ok()),
        }
    }
}

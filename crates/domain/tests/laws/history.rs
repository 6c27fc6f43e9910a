//! The laws through whole histories of requests, answers, exchanges, refreshes and revocations.

#![expect(
    clippy::panic,
    reason = "what cannot happen in a history fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};

use alias_domain::{
    Access, Client, ClientCredentials, ClientId, ClientSecret, Digest, Params, RequestedScope,
    Response, Revocation, Scope, Screen, Secret, SecretPlace, TokenRequest, UserId,
    flows::{
        ConsentAnswer, Outcome, Present, Provider, SignIn, Stage, TokenResponse, Verdict, Visitor,
    },
    ports::{Clients, PasswordHash, Users},
    testing::{
        MemoryStore, provider,
        sample::{self, NOON},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use pollster::block_on;
use proptest::prelude::*;

use crate::scope_list;

/// One step of a history. Numbers pick among what there is, modulo how much there is.
#[derive(Clone, Debug)]
enum Move {
    Ask {
        user: usize,
        client: usize,
        scope: String,
        channels: Vec<&'static str>,
        merge: (bool, bool),
        consent: bool,
    },
    Answer {
        screen: usize,
        verdict: u8,
        ticks: u8,
    },
    Exchange {
        code: usize,
    },
    Refresh {
        token: usize,
        scope: Option<String>,
    },
    Revoke {
        user: usize,
        client: usize,
        what: u8,
    },
    Lock {
        user: usize,
        locked: bool,
    },
    Withdraw {
        client: usize,
        declared: u8,
    },
    Wait {
        seconds: i64,
    },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let channels = prop::collection::vec(
        prop::sample::select(vec!["notifications", "product_updates"]),
        0..3,
    );
    let step = prop_oneof![
        6 => (0..2usize, 0..2usize, scope_list(), channels, any::<(bool, bool)>(), any::<bool>())
            .prop_map(|(user, client, scope, channels, merge, consent)| Move::Ask { user, client, scope, channels, merge, consent }),
        6 => (any::<usize>(), 0..8u8, any::<u8>())
            .prop_map(|(screen, verdict, ticks)| Move::Answer { screen, verdict, ticks }),
        6 => any::<usize>().prop_map(|code| Move::Exchange { code }),
        6 => (any::<usize>(), prop::option::of(scope_list()))
            .prop_map(|(token, scope)| Move::Refresh { token, scope }),
        3 => (0..2usize, 0..2usize, 0..7u8).prop_map(|(user, client, what)| Move::Revoke { user, client, what }),
        1 => (0..2usize, any::<bool>()).prop_map(|(user, locked)| Move::Lock { user, locked }),
        1 => (0..2usize, 0..4u8).prop_map(|(client, declared)| Move::Withdraw { client, declared }),
        2 => (0..2000i64).prop_map(|seconds| Move::Wait { seconds }),
    ];
    prop::collection::vec(step, 1..60)
}

/// A screen that waits for its answer.
struct Waiting {
    id: alias_domain::InteractionId,
    form: Secret,
    user: usize,
    client: usize,
    screen: Screen,
}

/// A code that was handed out, and what was approved with it.
struct Code {
    code: String,
    client: usize,
    approved: BTreeSet<String>,
    bought: u32,
}

struct Held {
    response: TokenResponse,
    client: usize,
    approved: BTreeSet<String>,
}

/// Everything that happened, beside the service that it happened to.
struct World {
    provider: Provider,
    now: DateTime<Utc>,
    clients: [Client; 2],
    users: [UserId; 2],
    screens: Vec<Waiting>,
    codes: Vec<Code>,
    tokens: Vec<Held>,
    /// What each user was shown by each client, and allowed (law 1), by the names of the
    /// declarations: a channel declared again is another.
    allowed: BTreeMap<(usize, usize), BTreeSet<String>>,
}

const PASSWORD: &str = "correct horse";

fn names(client: &Client, access: &Access) -> BTreeSet<String> {
    let channels = access.channels().cloned().unwrap_or_default();
    access
        .scopes()
        .map(|it| it.to_string())
        .chain(
            client
                .declared(&channels)
                .map(|it| format!("channel {}", it.id.0)),
        )
        .collect()
}

impl World {
    fn new() -> Self {
        let store = MemoryStore::default();
        let other = Client {
            id: ClientId::from_uuid(sample::public_client().id.uuid()),
            ..sample::client()
        };
        let clients = [sample::client(), other];
        let mut users = [sample::user(), sample::user()];
        users[1].id = UserId::from_uuid(sample::session().id.uuid());
        users[1].email = "ginger@example.com".parse().expect("an address");
        block_on(async {
            let secret = ClientSecret {
                digest: Secret::new("secret".to_owned()).digest(),
                expires_at: None,
            };
            for client in &clients {
                store
                    .insert_client(client, std::slice::from_ref(&secret))
                    .await
                    .expect("stored");
            }
            let hash = alias_domain::ports::Passwords::hash(
                &alias_domain::testing::TestPasswords,
                &Secret::new(PASSWORD.to_owned()),
            )
            .await
            .expect("hashed");
            for user in &users {
                let hash: PasswordHash = hash.clone();
                store
                    .insert_user(user, &hash)
                    .await
                    .expect("stored")
                    .expect("new");
            }
        });
        Self {
            provider: provider(store),
            now: NOON,
            clients,
            users: [users[0].id, users[1].id],
            screens: Vec::new(),
            codes: Vec::new(),
            tokens: Vec::new(),
            allowed: BTreeMap::new(),
        }
    }

    /// The user at their browser, signed in anew; `None` while they are locked.
    async fn visitor(&self, user: usize) -> Option<Visitor> {
        let email = ["fred@example.com", "ginger@example.com"][user];
        let password = Secret::new(PASSWORD.to_owned());
        let signed_in = self
            .provider
            .sign_in(email, &password, &[], std::future::pending(), self.now)
            .await
            .expect("answered");
        let SignIn::Done(signed_in) = signed_in else {
            return None;
        };
        Some(Visitor {
            bearer: None,
            cookies: vec![signed_in.token.digest()],
            browsers: vec![Digest::of(email.as_bytes())],
            source: None,
        })
    }

    /// Who is there then.
    async fn present(&self, user: usize) -> Option<Present> {
        let visitor = self.visitor(user).await?;
        let present = self.provider.present(&visitor, self.now).await;
        Some(present.expect("answered"))
    }

    async fn client(&self, index: usize) -> Client {
        let credentials = ClientCredentials {
            client_id: self.clients[index].id.to_string(),
            secret: Some((SecretPlace::Header, Secret::new("secret".to_owned()))),
        };
        self.provider
            .authenticate_client(&credentials, self.now)
            .await
            .expect("answered")
            .expect("authentic")
    }

    async fn connection(&self, user: usize, client: usize) -> Option<Access> {
        let connection = self
            .provider
            .store()
            .connection(self.users[user], self.clients[client].id)
            .await;
        connection.expect("answered").map(|it| it.access)
    }

    async fn take(&mut self, step: Move) {
        match step {
            Move::Ask {
                user,
                client,
                scope,
                channels,
                merge,
                consent,
            } => {
                let query = format!(
                    "response_type=code&client_id={}&redirect_uri={}&scope=openid+{}&channels={}\
                     &include_granted_scopes={}&include_granted_channels={}{}",
                    self.clients[client].id,
                    sample::REDIRECT_URI,
                    scope.replace(' ', "+"),
                    channels.join("+"),
                    merge.0,
                    merge.1,
                    if consent { "&prompt=consent" } else { "" },
                );
                let Some(visitor) = self.visitor(user).await else {
                    return;
                };
                let before = self.connection(user, client).await;
                let outcome = self
                    .provider
                    .authorize(&Params::parse(&query), &visitor, self.now)
                    .await
                    .expect("answered");
                match outcome {
                    Outcome::Ask(ask) => {
                        if let Stage::Consent { screen, .. } = ask.stage {
                            self.screens.push(Waiting {
                                id: ask.interaction,
                                form: ask.form,
                                user,
                                client,
                                screen,
                            });
                        }
                    }
                    Outcome::Respond(Response::Redirect(location)) => {
                        // R9: without asking, only what is granted already is approved.
                        let declared = self.client(client).await;
                        let granted = before.map(|it| names(&declared, &it)).unwrap_or_default();
                        self.receive(&location, client, granted);
                    }
                    Outcome::Refuse(_) => {}
                    other => panic!("unexpected: {other:?}"),
                }
            }
            Move::Answer {
                screen,
                verdict,
                ticks,
            } => {
                if self.screens.is_empty() {
                    return;
                }
                let index = screen % self.screens.len();
                let (user, client) = (self.screens[index].user, self.screens[index].client);
                let Some(present) = self.present(user).await else {
                    return;
                };
                let declared = self.client(client).await;
                let waiting = &self.screens[index];
                let shown = waiting.screen.shown();
                let ticked: Vec<Scope> = shown
                    .scopes()
                    .enumerate()
                    .filter(|(i, _)| ticks & (1 << i) != 0)
                    .map(|(_, it)| it)
                    .collect();
                let verdict = match verdict {
                    0 => Verdict::Deny,
                    1..=3 => Verdict::AllowAll,
                    _ => Verdict::AllowSelected,
                };
                let answer = ConsentAnswer {
                    verdict,
                    scopes: ticked.iter().map(ToString::to_string).collect(),
                    channels: vec![],
                };
                let may = match verdict {
                    Verdict::Deny => BTreeSet::new(),
                    Verdict::AllowAll => names(&declared, shown),
                    Verdict::AllowSelected => ["openid".to_owned()]
                        .into_iter()
                        .chain(answer.scopes.iter().cloned())
                        .collect(),
                };
                // Every sign-in here begins another session, so the screen is shown again first.
                let outcome = self
                    .provider
                    .resume(waiting.id, &present, self.now)
                    .await
                    .expect("answered");
                let form = match outcome {
                    Outcome::Ask(ask) => match ask.stage {
                        Stage::Consent { ref screen, .. } if screen.shown() == shown => {
                            ask.form.clone()
                        }
                        _ => return,
                    },
                    _ => waiting.form.clone(),
                };
                let outcome = self
                    .provider
                    .answer(waiting.id, form.expose(), answer, &present, self.now)
                    .await
                    .expect("answered");
                if let Ok(Outcome::Respond(Response::Redirect(location))) = outcome {
                    self.allowed
                        .entry((user, client))
                        .or_default()
                        .extend(may.clone());
                    self.receive(&location, client, may);
                }
            }
            Move::Exchange { code } => {
                if self.codes.is_empty() {
                    return;
                }
                let index = code % self.codes.len();
                let client = self.client(self.codes[index].client).await;
                let request = TokenRequest::Code {
                    code: Secret::new(self.codes[index].code.clone()),
                    redirect_uri: sample::REDIRECT_URI.to_owned(),
                    verifier: None,
                };
                if let Ok(response) = self
                    .provider
                    .tokens(&client, request, self.now)
                    .await
                    .expect("answered")
                {
                    let code = &mut self.codes[index];
                    code.bought += 1;
                    self.tokens.push(Held {
                        response,
                        client: code.client,
                        approved: code.approved.clone(),
                    });
                }
            }
            Move::Refresh { token, scope } => {
                if self.tokens.is_empty() {
                    return;
                }
                let held = &self.tokens[token % self.tokens.len()];
                let Some(refresh_token) = held.response.refresh_token.clone() else {
                    return;
                };
                let (index, approved) = (held.client, held.approved.clone());
                let request = TokenRequest::Refresh {
                    refresh_token,
                    scope: RequestedScope::parse(scope.as_deref()),
                };
                let client = self.client(index).await;
                if let Ok(response) = self
                    .provider
                    .tokens(&client, request, self.now)
                    .await
                    .expect("answered")
                {
                    self.tokens.push(Held {
                        response,
                        client: index,
                        approved,
                    });
                }
            }
            Move::Revoke { user, client, what } => {
                let revocation = match what {
                    0 => Revocation::Disconnect,
                    1 => Revocation::Scope(Scope::OfflineAccess),
                    2 => Revocation::Scope(Scope::Contact),
                    3 => Revocation::Scope(Scope::Nickname),
                    4 => Revocation::Channel("notifications".to_owned()),
                    5 => Revocation::Channel("product_updates".to_owned()),
                    _ => Revocation::Channel("_meta".to_owned()),
                };
                let _ = self
                    .provider
                    .revoke(
                        self.users[user],
                        self.clients[client].id,
                        &revocation,
                        self.now,
                    )
                    .await
                    .expect("answered");
            }
            Move::Lock { user, locked } => {
                self.provider
                    .store()
                    .lock_user(self.users[user], locked)
                    .await
                    .expect("answered");
            }
            Move::Withdraw { client, declared } => {
                let before = self.client(client).await;
                let mut next = before.clone();
                let channels = ["notifications", "product_updates"]
                    .into_iter()
                    .enumerate()
                    .filter(|(i, _)| declared & (1 << i) != 0)
                    .map(|(_, name)| (name.to_owned(), "About".to_owned()))
                    .collect();
                let change = alias_domain::ClientChange {
                    channels: Some(channels),
                    ..Default::default()
                };
                next.change(change).expect("a sound change");
                self.provider
                    .store()
                    .update_client(&before, &next)
                    .await
                    .expect("answered");
            }
            Move::Wait { seconds } => self.now += TimeDelta::seconds(seconds),
        }
    }

    fn receive(&mut self, location: &Secret, client: usize, approved: BTreeSet<String>) {
        let query = location.expose().split_once('?').map_or("", |it| it.1);
        if let Ok(Some(code)) = Params::parse(query).one("code") {
            self.codes.push(Code {
                code: code.to_owned(),
                client,
                approved,
                bought: 0,
            });
        }
    }

    async fn the_laws_hold(&self) {
        for (user, id) in self.users.into_iter().enumerate() {
            let connected = self.provider.connected_clients(id).await.expect("answered");
            for it in &connected {
                let client = self
                    .clients
                    .iter()
                    .position(|client| client.id == it.client.id)
                    .expect("known");
                let access = self.connection(user, client).await.expect("connected");
                let allowed = self
                    .allowed
                    .get(&(user, client))
                    .cloned()
                    .unwrap_or_default();
                let granted = names(&it.client, &access);
                assert!(
                    granted.is_subset(&allowed),
                    "law 1: {granted:?} of {allowed:?}"
                );
                let contact = it.scopes.contains(&Scope::Contact);
                assert!(it.scopes.contains(&Scope::OpenId), "law 6: openid");
                assert_eq!(
                    it.channels.first().is_some_and(|name| name == "_meta"),
                    contact,
                    "law 6: _meta"
                );
                assert!(contact || it.channels.is_empty(), "law 6: channels");
            }
        }
        for code in &self.codes {
            assert!(code.bought <= 1, "law 4: a code bought tokens twice");
        }
        for held in &self.tokens {
            let own: BTreeSet<String> = held.response.scope.split(' ').map(str::to_owned).collect();
            assert!(
                own.is_subset(&held.approved),
                "law 2: {own:?} of {:?}",
                held.approved
            );
            let client = self.client(held.client).await;
            let worth = self
                .provider
                .introspect(&client, &held.response.access_token, self.now)
                .await
                .expect("answered");
            let Some(worth) = worth else { continue };
            let scopes: BTreeSet<String> = worth.scope.split(' ').map(str::to_owned).collect();
            assert!(
                scopes.is_subset(&held.approved),
                "law 2: {scopes:?} of {:?}",
                held.approved
            );
            assert!(scopes.is_subset(&own), "law 2: {scopes:?} of {own:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn laws_1_2_4_6_hold_through_any_history(history in moves()) {
        block_on(async {
            let mut world = World::new();
            for step in history {
                world.take(step).await;
                world.the_laws_hold().await;
            }
        });
    }
}

//! Who is there: users with sessions, clients, and an authorization of each user for each client.
//! Everything follows from a number, so that nothing needs to be remembered.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use alias_domain::{
    Access, AliasId, Answer, AuthorizationId, Capsule, ChannelId, Client, ClientId, ClientSecret,
    CodeBinding, Digest, Email, Interaction, InteractionId, Lifetimes, NewAuthorization, Redeem,
    Redemption, RefreshToken, Scope, Screen, Secret, SessionId, SigningAlgorithm, User, UserId,
    UserToken,
    ports::{Decision, PasswordHash, Sealer, SessionStart, Store},
    testing::sample,
};
use anyhow::{Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use uuid::Uuid;

/// How many clients each user has an authorization for.
pub(crate) const CLIENTS: u32 = 10;

/// What every client is known by. It guards nothing.
const CLIENT_SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How many steps of the seed are under way at once.
const AT_ONCE: usize = 64;

/// What a uuid stands for.
#[derive(Clone, Copy)]
enum Kind {
    Client,
    User,
    Session,
    Interaction,
    Alias,
    Authorization,
    Fresh,
}

/// As evenly spread as random ones are, for an index is to meet what it meets in the field.
fn spread(kind: Kind, number: u32) -> Uuid {
    let mix = |salt: u64| {
        let mut bits = (u64::from(number) << 8 | kind as u64).wrapping_add(salt);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    };
    Uuid::from_u64_pair(mix(0x9e37_79b9_7f4a_7c15), mix(0x3c6e_f372_fe94_f82a))
}

/// One that nothing has yet.
pub(crate) fn fresh() -> Uuid {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    spread(Kind::Fresh, COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The algorithm that a client's ID tokens are signed with: RS256 for all but the last two.
const fn algorithm_of(client: u32) -> SigningAlgorithm {
    match client {
        8 => SigningAlgorithm::Es256,
        9 => SigningAlgorithm::EdDsa,
        _ => SigningAlgorithm::Rs256,
    }
}

/// What users grant to each client.
pub(crate) fn everything() -> Access {
    sample::everything()
}

pub(crate) fn client(number: u32) -> Client {
    Client {
        id: client_id(number),
        name: format!("Client {number}"),
        id_token_alg: algorithm_of(number),
        ..sample::client()
    }
}

fn client_id(number: u32) -> ClientId {
    ClientId::from_uuid(spread(Kind::Client, number))
}

pub(crate) fn secrets() -> [ClientSecret; 1] {
    [ClientSecret {
        digest: Secret::new(CLIENT_SECRET.to_owned()).digest(),
        expires_at: None,
    }]
}

pub(crate) fn user_id(number: u32) -> UserId {
    UserId::from_uuid(spread(Kind::User, number))
}

pub(crate) fn session_token(user: u32) -> Secret {
    Secret::new(format!("{user:043}"))
}

pub(crate) fn user(number: u32, now: DateTime<Utc>) -> User {
    let email: Result<Email, _> = format!("user-{number}@example.com").parse();
    User {
        id: user_id(number),
        email: email.unwrap_or_else(|_| sample::user().email),
        created_at: now,
        ..sample::user()
    }
}

/// Nobody signs in with it.
pub(crate) fn no_password() -> PasswordHash {
    PasswordHash::new("$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA")
}

/// The authorization of a user for a client.
#[derive(Clone, Copy)]
pub(crate) struct Member(pub(crate) u32);

impl Member {
    pub(crate) const fn user(self) -> u32 {
        self.0 / CLIENTS
    }

    const fn client(self) -> u32 {
        self.0 % CLIENTS
    }

    pub(crate) fn authorization(self) -> AuthorizationId {
        AuthorizationId::from_uuid(spread(Kind::Authorization, self.0))
    }

    pub(crate) fn user_id(self) -> UserId {
        user_id(self.user())
    }

    pub(crate) fn client_id(self) -> ClientId {
        client_id(self.client())
    }

    pub(crate) fn alias_id(self) -> AliasId {
        AliasId::from_uuid(spread(Kind::Alias, self.0))
    }

    pub(crate) fn session_id(self) -> SessionId {
        SessionId::from_uuid(spread(Kind::Session, self.user()))
    }

    pub(crate) const fn algorithm(self) -> SigningAlgorithm {
        algorithm_of(self.client())
    }

    /// The cookie of the user's browser.
    pub(crate) fn cookie(self) -> String {
        format!("alias_session={}", session_token(self.user()).expose())
    }

    /// How the client authenticates.
    pub(crate) fn basic(self) -> String {
        let credentials = format!("{}:{CLIENT_SECRET}", self.client_id());
        format!("Basic {}", STANDARD.encode(credentials))
    }

    pub(crate) fn new_authorization(self, now: DateTime<Utc>) -> NewAuthorization {
        NewAuthorization {
            id: self.authorization(),
            client_id: self.client_id(),
            user_id: self.user_id(),
            binding: CodeBinding {
                redirect_uri: sample::REDIRECT_URI.to_owned(),
                challenge: None,
                nonce: None,
                asked_claims: alias_domain::AskedClaims::default(),
            },
            code_expires_at: now + TimeDelta::minutes(10),
        }
    }
}

/// Users 0 to `users`, each with a session and an authorization for each client.
#[derive(Clone, Copy)]
pub(crate) struct Population {
    pub(crate) users: u32,
    /// The generation of every refresh token that is the newest.
    pub(crate) generation: u32,
}

impl Population {
    /// Whose refresh tokens are those that they got for their codes.
    pub(crate) const fn fresh(users: u32) -> Self {
        let generation = 1;
        Self { users, generation }
    }

    pub(crate) const fn len(self) -> u32 {
        self.users * CLIENTS
    }

    /// Makes all of it, through the store's own steps: from sign-in to the exchange of a code.
    pub(crate) async fn settle(self, store: &Arc<dyn Store>) -> Result<()> {
        let now = Utc::now().trunc_subsecs(3);
        for number in 0..CLIENTS {
            store.insert_client(&client(number), &secrets()).await?;
        }
        let users = (0..self.users).map(|number| sign_in(Arc::clone(store), number, now));
        stream::iter(users)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let members = (0..self.len()).map(|it| grant(Arc::clone(store), Member(it), now));
        stream::iter(members)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }
}

async fn sign_in(store: Arc<dyn Store>, number: u32, now: DateTime<Utc>) -> Result<()> {
    let added = store
        .insert_user(&user(number, now), &no_password())
        .await?;
    ensure!(added.is_ok(), "the user is there already");
    let start = SessionStart {
        id: Member(number * CLIENTS).session_id(),
        user: user_id(number),
        token: session_token(number).digest(),
        password: None,
        presented: Vec::new(),
        auth_time: now,
        expires_at: now + Lifetimes::default().session,
    };
    store.start_session(&start).await?;
    Ok(())
}

async fn grant(store: Arc<dyn Store>, member: Member, now: DateTime<Utc>) -> Result<()> {
    let interaction = Interaction {
        id: InteractionId::from_uuid(spread(Kind::Interaction, member.0)),
        binding: Digest::of(b"a browser"),
        client_id: member.client_id(),
        expires_at: now + Lifetimes::INTERACTION,
        ..sample::interaction()
    };
    store.open_interaction(&interaction).await?;
    let decision = Decision {
        interaction: interaction.id,
        session: member.session_id(),
        screen: Screen::new(&client(member.client()), everything(), None),
        answer: Answer::AllowAll,
        new: member.new_authorization(now),
        alias_id: member.alias_id(),
    };
    store.record_decision(&decision, now).await?;
    let redemption = Redemption {
        authorization: member.authorization(),
        client_id: member.client_id(),
        redirect_uri: sample::REDIRECT_URI.to_owned(),
        verifier: None,
    };
    // As the service that is measured has it: a code that lives longer is none of its own.
    let lifetimes = Lifetimes {
        auth_code: TimeDelta::minutes(10),
        ..Lifetimes::default()
    };
    let redeemed = store.redeem(&redemption, &lifetimes, now).await?;
    let granted = matches!(redeemed, Some((_, Redeem::Granted { .. })));
    ensure!(granted, "a code could not be exchanged");
    Ok(())
}

/// Makes the tokens that the service would have handed out.
#[derive(Clone)]
pub(crate) struct Mint(pub(crate) Arc<dyn Sealer>);

impl Mint {
    /// A user token that was issued now.
    pub(crate) fn user_token(&self, member: Member) -> Result<Secret> {
        self.user_token_of(member, Utc::now().trunc_subsecs(3))
    }

    fn user_token_of(&self, member: Member, issued_at: DateTime<Utc>) -> Result<Secret> {
        let token = UserToken {
            authorization: member.authorization(),
            access: everything(),
            issued_at,
            expires_at: issued_at + Lifetimes::default().user_token,
        };
        Ok(self.0.seal(&Capsule::User(token))?)
    }

    pub(crate) fn refresh_token(&self, member: Member, generation: u32) -> Result<Secret> {
        let token = RefreshToken {
            authorization: member.authorization(),
            generation,
        };
        Ok(self.0.seal(&Capsule::Refresh(token))?)
    }
}

/// What a request asks for.
pub(crate) fn scope() -> String {
    let scopes: Vec<&str> = everything().scopes().map(Scope::name).collect();
    scopes.join("%20")
}

/// The channels, by name.
pub(crate) fn channels() -> String {
    let client = client(0);
    let known = |id: ChannelId| client.channels.iter().find(move |it| it.id == id);
    let names = [ChannelId(1), ChannelId(2)].into_iter().filter_map(known);
    let names: Vec<String> = names.map(|it| it.name.to_string()).collect();
    names.join("%20")
}

//! What [`Import`] promises, and what is common to everything that moves.

use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

use super::{Kept, scene::*};
use crate::{
    Access, AliasId, AskedClaims, AuthMethod, BackchannelLogout, ChannelId, ChosenAccount, Client,
    ClientId, ClientSecret, Digest, Interaction, InteractionId, NicknameClaims, Redeem,
    RedirectUri, Revocation, Rotate, Scope, SigningAlgorithm, User, UserId,
    ports::{
        Claim, Counts, Decision, Import, ImportError, Kind, Page, PasswordHash, SessionStart,
        Store, StoreError, StoredKey,
    },
    testing::{MemoryStore, Pages, sample},
};

/// What can take everything in, and be asked about it.
pub trait Target: Store + Import {}

impl<T: Store + Import> Target for T {}

/// A client with as much in it as there can be, in many scripts.
fn full() -> Client {
    let mut client = example();
    client.name = "Ωμέγα 海鸟 𐍈 'quoted' \"twice\" \\ {a,b} NULL".to_owned();
    client.auth_method = AuthMethod::ClientSecretPost;
    client.id_token_alg = SigningAlgorithm::EdDsa;
    let uris = [
        "https://example.com/?a=b%20c",
        "https://xn--8n0a.example/,'(a)'",
    ];
    let uris = uris.map(|it| RedirectUri::register(it, client.kind).expect("a sound URI"));
    client.redirect_uris.extend(uris.clone());
    client.post_logout_redirect_uris.extend(uris);
    client.channels[0].description = "Новости; ‘ä’ {\"a\": null}".to_owned();
    client.next_channel = ChannelId(u32::MAX);
    client.backchannel_logout = Some(BackchannelLogout {
        uri: "https://example.com/bye?a=1".parse().expect("a sound URI"),
        session_required: true,
    });
    client.claims = NicknameClaims {
        name: true,
        preferred_username: true,
    };
    client
}

/// One that has nothing that it need not have.
fn bare() -> Client {
    Client {
        id: ClientId::from_uuid(Uuid::nil()),
        created_at: DateTime::from_timestamp_millis(-1).unwrap_or_default(),
        ..sample::resource_server()
    }
}

fn longest() -> User {
    User {
        id: UserId::from_uuid(Uuid::max()),
        email: format!("{}@ä.example", "x".repeat(238))
            .parse()
            .expect("an address"),
        nickname: "鷗".repeat(64).parse().ok(),
        created_at: NOON + TimeDelta::milliseconds(999),
        ..fred()
    }
}

fn users() -> [User; 3] {
    [fred(), ginger(), longest()]
}

fn tokens() -> [Digest; 3] {
    users().map(|it| sign_in(&it).token)
}

/// One that waits for its user; one that nobody has seen yet; one that was answered.
fn interactions() -> [Interaction; 3] {
    let account = ChosenAccount {
        session: session_of(&fred()),
        authenticated: true,
    };
    let denied = Interaction {
        answered: true,
        denied: true,
        ..interaction(902, &other_client())
    };
    let seen = Interaction {
        account: Some(account),
        request: sample::request("scope=openid&state=%F0%90%8D%88+%27%22"),
        ..interaction(901, &full())
    };
    let answered = Interaction {
        answered: true,
        account: Some(ChosenAccount {
            authenticated: false,
            ..account
        }),
        ..interaction(903, &full())
    };
    [seen, denied, answered]
}

fn keys() -> [StoredKey; 2] {
    let key = |kid: &str, algorithm: &str, sealed: &str| StoredKey {
        kid: kid.to_owned(),
        algorithm: algorithm.to_owned(),
        sealed: sealed.to_owned(),
        created_at: NOON,
        active_from: minutes(10),
    };
    [
        key("-_a", "RS256", &"eyJ.x.y-_".repeat(400)),
        key("鍵", "of a later version", ""),
    ]
}

/// The users who met one of the clients, and what each granted.
fn decisions() -> [Decision; 5] {
    let mut bound = decision(4, &fred(), &full(), everything());
    bound.new.binding.challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".parse().ok();
    bound.new.binding.nonce = Some("ñ 𐍈".to_owned());
    bound.new.binding.asked_claims = AskedClaims {
        acr: true,
        amr: true,
    };
    let mut plain = decision(5, &longest(), &other_client(), Access::openid());
    plain.new.binding.nonce = None;
    let shown = Access::openid().with(Scope::Contact);
    let left = decision(6, &fred(), &other_client(), shown);
    let locked = decision(7, &ginger(), &full(), Access::openid());
    [freds(1), bound, plain, left, locked]
}

/// Everything that a store can keep has happened: [`same`] tells whether it is there.
///
/// # Errors
/// If the store does not answer.
pub async fn happens(store: &dyn Store) -> Kept {
    let end = Some(minutes(60 * 24));
    let secret = |text: &[u8], expires_at| ClientSecret {
        digest: Digest::of(text),
        expires_at,
    };
    let secrets = [secret(b"today's", None), secret(b"yesterday's", end)];
    store.insert_client(&full(), &secrets).await?;
    store.insert_client(&other_client(), &secrets[..1]).await?;
    store.insert_client(&bare(), &[]).await?;
    for user in users() {
        let hash = PasswordHash::new(format!("$argon2id$of {}", user.email));
        assert_eq!(store.insert_user(&user, &hash).await?, Ok(()));
        let start = SessionStart {
            password: Some(hash),
            ..sign_in(&user)
        };
        store.start_session(&start).await?;
    }
    for decision in decisions() {
        let asked = Interaction {
            id: decision.interaction,
            client_id: decision.new.client_id,
            ..sample::interaction()
        };
        store.open_interaction(&asked).await?;
        store.record_decision(&decision, NOON).await?;
    }
    for interaction in interactions() {
        store.open_interaction(&interaction).await?;
    }
    for key in keys() {
        assert!(store.add_first_key(&key).await?);
    }
    // Authorization 1 has a refresh token of the third generation; 4 waits for its exchange; 5 has a
    // user token alone, which was taken back; 6 ended with a disconnect.
    redeem(store, &redemption(1), NOON).await?;
    for generation in [1, 2] {
        rotate(store, &rotation(generation), minutes(1)).await?;
    }
    let elsewhere = crate::Redemption {
        client_id: other_client().id,
        ..redemption(5)
    };
    redeem(store, &elsewhere, NOON).await?;
    store.void_user_tokens(authorization(5), minutes(3)).await?;
    let (fred, other) = (fred().id, other_client().id);
    let disconnected = store
        .revoke(fred, other, &Revocation::Disconnect, NOON)
        .await?;
    assert_eq!(disconnected, Ok(()));
    // It ends the session too, of which a client is to be told, and no token.
    assert!(store.lock_user(ginger().id, true).await?);
    Ok(())
}

/// Both stores keep the same of what [`happens`].
///
/// # Errors
/// If one of them does not answer.
pub async fn same(one: &dyn Store, other: &dyn Store) -> Kept {
    assert_eq!(one.keys().await?, other.keys().await?);
    assert_eq!(one.clients().await?, other.clients().await?);
    assert_eq!(one.users().await?, other.users().await?);
    for client in [full(), other_client(), bare()] {
        let [mut here, mut there] = [
            one.client_with_secrets(client.id).await?.expect("a client"),
            other
                .client_with_secrets(client.id)
                .await?
                .expect("a client"),
        ];
        for (_, secrets) in [&mut here, &mut there] {
            secrets.sort_by_key(|it| it.digest.bytes());
        }
        assert_eq!(here, there);
    }
    for user in users() {
        let (here, there) = (
            one.user_by_email(&user.email).await?,
            other.user_by_email(&user.email).await?,
        );
        assert_eq!(here, there);
        let (here, there) = (
            one.connections(user.id).await?,
            other.connections(user.id).await?,
        );
        assert_eq!(here, there);
    }
    assert_eq!(
        one.live_sessions(&tokens(), NOON).await?,
        other.live_sessions(&tokens(), NOON).await?
    );
    for id in (1..=7).chain(901..=903) {
        let id = InteractionId::from_uuid(Uuid::from_u128(id));
        assert_eq!(
            one.interaction(id, NOON).await?,
            other.interaction(id, NOON).await?
        );
    }
    for id in 1..=7 {
        assert_eq!(
            one.standing(authorization(id)).await?,
            other.standing(authorization(id)).await?
        );
    }
    // Who is to be told of a session that has ended, and of one that ends now.
    let all = Claim {
        now: NOON,
        until: minutes(1),
        limit: 100,
        except: Vec::new(),
    };
    for told in [1, 1] {
        let notices = one.claim_notices(&all).await?;
        assert_eq!(notices.len(), told);
        assert_eq!(notices, other.claim_notices(&all).await?);
        for store in [one, other] {
            store.end_session(session_of(&fred())).await?;
        }
    }
    Ok(())
}

/// How many of each kind there are then.
#[must_use]
pub fn number(kind: Kind) -> u64 {
    match kind {
        Kind::Keys => 2,
        Kind::Clients | Kind::Users | Kind::Participations => 3,
        Kind::Connections | Kind::Authorizations => 4,
        Kind::Sessions => 2,
        Kind::Interactions => 8,
        Kind::Notices => 1,
    }
}

pub(super) async fn origin() -> Result<MemoryStore, StoreError> {
    let store = MemoryStore::default();
    happens(&store).await?;
    Ok(store)
}

async fn taken(store: &dyn Target) -> Result<Counts, StoreError> {
    let taken = store.import(&mut origin().await?.export()).await;
    Ok(taken.expect("everything is taken in"))
}

async fn is_empty(store: &dyn Target) -> Result<bool, StoreError> {
    let (keys, clients) = (store.keys().await?, store.clients().await?);
    Ok(keys.is_empty() && clients.is_empty() && store.users().await?.is_empty())
}

pub async fn everything_is_taken_in_whole(store: &dyn Target) -> Kept {
    let counts = taken(store).await?;
    for kind in Kind::ALL {
        assert_eq!(counts.of(kind), number(kind), "{kind}");
    }
    same(&origin().await?, store).await
}

pub async fn the_greatest_generation_and_the_last_moment_are_taken_in(store: &dyn Target) -> Kept {
    let last = DateTime::from_timestamp_millis(253_402_300_799_999).expect("the year 9999");
    let mut authorization = sample::standing().authorization;
    authorization.ends_at = last;
    authorization.phase = crate::Phase::Redeemed {
        refresh: Some(crate::RefreshChain {
            generation: u32::MAX,
            issued_at: DateTime::UNIX_EPOCH,
            expires_at: last,
        }),
    };
    let connection = crate::ports::StoredConnection {
        user_id: fred().id,
        client_id: example().id,
        alias_id: AliasId::from_uuid(Uuid::max()),
        access: Some(everything()),
        granted_at: DateTime::UNIX_EPOCH,
        since: DateTime::UNIX_EPOCH,
        changed_at: last,
    };
    let mut pages = Pages::of([
        Page::Clients(vec![(example(), vec![])]),
        Page::Users(vec![(fred(), password())]),
        Page::Connections(vec![connection]),
        Page::Authorizations(vec![authorization.clone()]),
    ]);
    store.import(&mut pages).await.expect("it is taken in");
    let standing = store.standing(authorization.id).await?.expect("it stands");
    assert_eq!(standing.authorization, authorization);
    assert_eq!(standing.alias_id, AliasId::from_uuid(Uuid::max()));
    let connection = store.connection(fred().id, example().id).await?;
    let times = connection.map(|it| (it.since, it.changed_at));
    assert_eq!(times, Some((DateTime::UNIX_EPOCH, last)));
    Ok(())
}

pub async fn many_of_a_kind_are_taken_in(store: &dyn Target) -> Kept {
    let user = |number: u128| {
        let user = User {
            id: UserId::from_uuid(Uuid::from_u128(number)),
            email: format!("{number}@example.com").parse().expect("an address"),
            ..fred()
        };
        (user, password())
    };
    let page = |number: u128| Page::Users((0..500).map(|it| user(number * 500 + it)).collect());
    let counts = store.import(&mut Pages::of((0..4).map(page))).await;
    assert_eq!(counts.map(|it| it.of(Kind::Users)), Ok(2000));
    assert_eq!(store.users().await?.len(), 2000);
    Ok(())
}

pub async fn what_was_taken_in_goes_on(store: &dyn Target) -> Kept {
    taken(store).await?;
    let exchange = crate::Redemption {
        verifier: Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned()),
        ..redemption(4)
    };
    let granted = redeem(store, &exchange, NOON).await?;
    assert!(matches!(granted, Some(Redeem::Granted { .. })));
    let refreshed = rotate(store, &rotation(3), minutes(2)).await?;
    assert_eq!(next_generation(refreshed.as_ref()), Some(4));
    let replayed = rotate(store, &rotation(1), minutes(2)).await?;
    assert!(matches!(replayed, Some(Rotate::Replayed)));
    Ok(())
}

pub async fn an_alias_id_is_taken_in_after_a_disconnect(store: &dyn Target) -> Kept {
    taken(store).await?;
    let again = Decision {
        alias_id: AliasId::from_uuid(Uuid::from_u128(8)),
        ..decision(8, &fred(), &other_client(), Access::openid())
    };
    records(store, &again).await?;
    let standing = store.standing(authorization(8)).await?.expect("it stands");
    assert_eq!(standing.alias_id, AliasId::from_uuid(Uuid::from_u128(6)));
    Ok(())
}

pub async fn a_session_is_renewed_where_it_was_taken_in(store: &dyn Target) -> Kept {
    taken(store).await?;
    let again = SessionStart {
        id: session_of(&longest()),
        token: Digest::of(b"the next token"),
        password: None,
        presented: vec![sign_in(&fred()).token],
        auth_time: minutes(1),
        ..sign_in(&fred())
    };
    let started = store.start_session(&again).await?;
    let id = session_of(&fred());
    assert!(matches!(started, crate::ports::Started::Session { id: it, .. } if it == id));
    Ok(())
}

pub async fn a_store_that_keeps_something_takes_nothing_in(store: &dyn Target) -> Kept {
    let refused = async || {
        let taken = store.import(&mut origin().await?.export()).await;
        assert_eq!(taken, Err(ImportError::NotEmpty));
        Ok::<(), StoreError>(())
    };
    assert!(store.add_first_key(&keys()[0]).await?);
    refused().await?;
    assert!(store.remove_key(&keys()[0].kid).await?);
    store.insert_client(&example(), &[]).await?;
    refused().await?;
    assert!(store.delete_client(example().id).await?);
    assert_eq!(store.insert_user(&ginger(), &password()).await?, Ok(()));
    refused().await?;
    assert_eq!(store.users().await?, [ginger()]);
    assert!(store.delete_user(ginger().id).await?);
    assert!(is_empty(store).await?);
    taken(store).await.map(drop)
}

pub async fn what_breaks_off_leaves_nothing_and_can_be_repeated(store: &dyn Target) -> Kept {
    let corrupt = StoreError::Corrupt {
        table: "authorizations",
        key: "the last".to_owned(),
        reason: "approved".to_owned(),
    };
    let mut broken = origin().await?.export().failing(corrupt.clone());
    let taken_in = store.import(&mut broken).await;
    assert_eq!(taken_in, Err(ImportError::Source(corrupt)));
    assert!(is_empty(store).await?);
    taken(store).await?;
    same(&origin().await?, store).await
}

pub async fn what_was_taken_in_is_swept_when_it_ends(store: &dyn Target) -> Kept {
    taken(store).await?;
    let alive = store.sweep(NOON, 500).await?;
    assert_eq!(alive, 0);
    let ended = store.sweep(NOON + TimeDelta::days(36_500), 500).await?;
    let all = [Kind::Sessions, Kind::Interactions, Kind::Authorizations].map(number);
    let secret = 1;
    assert_eq!(u64::from(ended), all.iter().sum::<u64>() + secret);
    Ok(())
}

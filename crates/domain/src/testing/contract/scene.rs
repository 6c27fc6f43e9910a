//! The story that the cases tell: Fred and Ginger, the client of the seed's examples and another.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Kept;
pub(super) use crate::testing::sample::{NOON, everything};
use crate::{
    Access, AliasId, Answer, AuthorizationId, ChannelId, Client, ClientChange, ClientId,
    DeclaredChannel, Interaction, InteractionId, Lifetimes, NewAuthorization, Redeem, Redemption,
    RequestedScope, Rotate, Rotation, Screen, Session, SessionId, User, UserId,
    ports::{
        Anticipated, Decision, PasswordHash, Recorded, SessionStart, Started, Store, StoreError,
    },
    testing::sample,
};

pub(super) fn fred() -> User {
    sample::user()
}

pub(super) fn ginger() -> User {
    User {
        id: UserId::from_uuid(Uuid::from_u128(2)),
        email: "ginger@example.com".parse().expect("an address"),
        nickname: None,
        created_at: minutes(1),
        ..fred()
    }
}

pub(super) fn example() -> Client {
    sample::client()
}

/// Another client. Its only channel has the ID, but neither the name nor the description, of one
/// of the first client's.
pub(super) fn other_client() -> Client {
    Client {
        id: ClientId::from_uuid(Uuid::from_u128(3)),
        name: "Fieldnotes".to_owned(),
        channels: vec![DeclaredChannel {
            id: ChannelId(1),
            name: "sightings".parse().expect("a name"),
            description: "New sightings".to_owned(),
        }],
        next_channel: ChannelId(2),
        created_at: minutes(1),
        ..example()
    }
}

/// The first client, registered for back-channel logout.
pub(super) fn told() -> Client {
    sample::notice().client
}

/// Another one, likewise.
pub(super) fn other_told() -> Client {
    Client {
        backchannel_logout: told().backchannel_logout,
        ..other_client()
    }
}

/// So many minutes after noon.
pub(super) fn minutes(number: i64) -> DateTime<Utc> {
    NOON + TimeDelta::minutes(number)
}

pub(super) fn lifetimes() -> Lifetimes {
    Lifetimes::default()
}

pub(super) fn password() -> PasswordHash {
    PasswordHash::new("$argon2id$of-no-password")
}

/// A first sign-in of the user, at noon, for two weeks.
pub(super) fn sign_in(user: &User) -> SessionStart {
    SessionStart {
        id: session_of(user),
        user: user.id,
        token: crate::Digest::of(user.email.as_str().as_bytes()),
        password: Some(password()),
        presented: Vec::new(),
        auth_time: NOON,
        expires_at: NOON + lifetimes().session,
    }
}

/// The session that this begins.
pub(super) fn session(user: &User) -> Session {
    let start = sign_in(user);
    Session {
        id: start.id,
        user: user.clone(),
        auth_time: start.auth_time,
        expires_at: start.expires_at,
    }
}

pub(super) fn session_of(user: &User) -> SessionId {
    SessionId::from_uuid(user.id.uuid())
}

/// The user has an account and is signed in.
pub(super) async fn arrives(store: &dyn Store, user: &User) -> Kept {
    assert_eq!(store.insert_user(user, &password()).await?, Ok(()));
    let started = store.start_session(&sign_in(user)).await?;
    assert!(matches!(started, Started::Session { .. }));
    Ok(())
}

/// The `number`th request of the client, which waits for its user until one o'clock.
pub(super) fn interaction(number: u128, client: &Client) -> Interaction {
    Interaction {
        id: InteractionId::from_uuid(Uuid::from_u128(number)),
        client_id: client.id,
        ..sample::interaction()
    }
}

pub(super) fn authorization(number: u128) -> AuthorizationId {
    AuthorizationId::from_uuid(Uuid::from_u128(number))
}

/// What the `number`th request becomes once it is approved.
pub(super) fn new_authorization(number: u128, user: &User, client: &Client) -> NewAuthorization {
    NewAuthorization {
        id: authorization(number),
        client_id: client.id,
        user_id: user.id,
        ..sample::new_authorization()
    }
}

/// The `number`th request of the client, which somebody granted before.
pub(super) fn anticipated(number: u128, client: &Client, access: Access) -> Anticipated {
    let new = sample::new_authorization();
    Anticipated {
        id: authorization(number),
        client_id: client.id,
        binding: new.binding,
        code_expires_at: new.code_expires_at,
        access,
    }
}

/// The user, shown this much by the `number`th request, allows all of it.
pub(super) fn decision(number: u128, user: &User, client: &Client, shown: Access) -> Decision {
    Decision {
        interaction: interaction(number, client).id,
        session: session_of(user),
        screen: Screen::new(client, shown, None),
        answer: Answer::AllowAll,
        new: new_authorization(number, user, client),
        alias_id: AliasId::from_uuid(Uuid::from_u128(number)),
    }
}

/// Fred allows everything that the `number`th request of the first client asks for.
pub(super) fn freds(number: u128) -> Decision {
    decision(number, &fred(), &example(), everything())
}

/// Ticks for these permissions.
pub(super) fn ticked(scopes: &[&str], channels: &[&str]) -> Answer {
    let owned = |names: &[&str]| names.iter().map(|&it| it.to_owned()).collect();
    Answer::AllowSelected {
        scopes: owned(scopes),
        channels: owned(channels),
    }
}

/// The decision is recorded, after its interaction was opened.
pub(super) async fn records(
    store: &dyn Store,
    decision: &Decision,
) -> Result<Recorded, StoreError> {
    let asked = Interaction {
        id: decision.interaction,
        client_id: decision.new.client_id,
        ..sample::interaction()
    };
    store.open_interaction(&asked).await?;
    store.record_decision(decision, NOON).await
}

/// The first client is registered, and Fred is signed in.
pub(super) async fn signed_in(store: &dyn Store) -> Kept {
    store.insert_client(&example(), &[]).await?;
    arrives(store, &fred()).await
}

/// And the client's first request waits for him.
pub(super) async fn asked(store: &dyn Store) -> Kept {
    signed_in(store).await?;
    store.open_interaction(&interaction(1, &example())).await
}

/// Fred allowed everything, and the code of authorization 1 waits for its exchange.
pub(super) async fn approved(store: &dyn Store) -> Kept {
    signed_in(store).await?;
    approves(store, 1).await
}

/// Fred allows everything once more.
pub(super) async fn approves(store: &dyn Store, number: u128) -> Kept {
    assert_eq!(records(store, &freds(number)).await?, Recorded::Issued);
    Ok(())
}

/// Authorization 1 has exchanged its code, at noon.
pub(super) async fn exchanged(store: &dyn Store) -> Kept {
    approved(store).await?;
    exchanges(store, 1).await
}

/// An authorization exchanges its code.
pub(super) async fn exchanges(store: &dyn Store, number: u128) -> Kept {
    let verdict = redeem(store, &redemption(number), NOON).await?;
    assert!(matches!(verdict, Some(Redeem::Granted { .. })));
    Ok(())
}

pub(super) fn redemption(number: u128) -> Redemption {
    Redemption {
        authorization: authorization(number),
        ..sample::redemption()
    }
}

/// The verdict on an exchange.
pub(super) async fn redeem(
    store: &dyn Store,
    redemption: &Redemption,
    now: DateTime<Utc>,
) -> Result<Option<Redeem>, StoreError> {
    let redeemed = store.redeem(redemption, &lifetimes(), now).await?;
    Ok(redeemed.map(|(_, verdict)| verdict))
}

/// Authorization 1 is refreshed with this generation, for all that it is worth.
pub(super) fn rotation(generation: u32) -> Rotation {
    Rotation {
        authorization: authorization(1),
        client_id: example().id,
        generation,
        scope: RequestedScope::Everything,
    }
}

/// The verdict on a refresh.
pub(super) async fn rotate(
    store: &dyn Store,
    rotation: &Rotation,
    now: DateTime<Utc>,
) -> Result<Option<Rotate>, StoreError> {
    let rotated = store.rotate(rotation, &lifetimes(), now).await?;
    Ok(rotated.map(|(_, verdict)| verdict))
}

/// The generation that a refresh leads to.
pub(super) fn next_generation(verdict: Option<&Rotate>) -> Option<u32> {
    match verdict {
        Some(Rotate::Granted { refresh, .. }) => Some(refresh.generation),
        _ => None,
    }
}

/// What an authorization is worth now; `None` if nothing, or if it ended.
pub(super) async fn authority(
    store: &dyn Store,
    number: u128,
) -> Result<Option<Access>, StoreError> {
    let standing = store.standing(authorization(number)).await?;
    Ok(standing.and_then(|it| it.authority()))
}

/// What Fred grants to the first client now.
pub(super) async fn granted(store: &dyn Store) -> Result<Option<Access>, StoreError> {
    let connection = store.connection(fred().id, example().id).await?;
    Ok(connection.map(|it| it.access))
}

/// The first client declares these channels from now on.
pub(super) async fn declares(store: &dyn Store, channels: &[&str]) -> Kept {
    let before = store.client(example().id).await?.expect("it is registered");
    let mut next = before.clone();
    let named = |name: &&str| ((*name).to_owned(), format!("About {name}"));
    let change = ClientChange {
        channels: Some(channels.iter().map(named).collect()),
        ..ClientChange::default()
    };
    next.change(change).expect("sound channels");
    assert!(store.update_client(&before, &next).await?);
    Ok(())
}
